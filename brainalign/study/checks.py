"""What a kind's section may not say together: names that the kind does not have, searches that cannot learn."""

from typing import TYPE_CHECKING

from brainalign.errors import InputError
from brainalign.spaces import check_conditions, unknown_key
from brainalign.study.goals import MODELLED_COST
from brainalign.study.searching import CMAES_LEAST, GENERATIONAL, LEARNING
from brainalign.trials import trial_kind

if TYPE_CHECKING:
    from brainalign.study.schema import Study


def check_name(name: str, valid: tuple[str, ...], where: str) -> None:
    """Raise InputError naming the nearest valid name where `name` is not one."""
    if name not in valid:
        raise InputError(f"{where}: {unknown_key(name, valid)}")


def check_kind(study: "Study", name: str, where: str) -> None:
    kind = trial_kind(name)
    section = study.kinds[name]
    for arm in section.arms:
        check_name(arm, kind.arms, f"{where}.arms")
    for dimension in section.space:
        check_name(dimension, tuple(kind.default_setting()), f"{where}.space")
    for setting in section.enqueue:
        for dimension in setting:
            check_name(dimension, tuple(kind.default_setting()), f"{where}.enqueue")
    if len(section.enqueue) > study.n_trials(name):
        raise InputError(
            f"{where}.enqueue: expected at most {study.n_trials(name)} settings, one a trial, found "
            f"{len(section.enqueue)}: raise trials"
        )
    try:
        study.points(name)
    except ValueError as error:
        raise InputError(f"{where}.enqueue: expected values of the kind's settings, found {error}") from error
    try:
        check_conditions(study.space(name))
    except ValueError as error:
        raise InputError(f"{where}.space: {error}") from error
    if section.arms and kind.selects and section.arms[0] != kind.arms[0]:
        raise InputError(
            f"{where}.arms: expected {kind.arms[0]!r} first and its controls after, found {section.arms[0]!r}"
        )
    _check_goals(study, name, where)
    _check_sampler(study, name, where)
    _check_stopping(study, name, where)
    _check_carry(study, name, where)


def _check_goals(study: "Study", name: str, where: str) -> None:
    kind, section, goals = trial_kind(name), study.kinds[name], study.goals(name)
    known = (*kind.objectives, *kind.minimised, MODELLED_COST)
    for metric in goals.directions:
        check_name(metric, known, f"{where}.objective")
    if next(iter(goals.directions)) == MODELLED_COST:
        raise InputError(
            f"{where}.objective: expected a figure that chooses winners before {MODELLED_COST}, found none: name one"
        )
    if isinstance(section.objective, tuple) and len(goals.directions) < len(section.objective):
        raise InputError(f"{where}.objective: expected metrics that differ, found one twice")
    for metric, bound in section.constraints.items():
        check_name(metric, known, f"{where}.constraints")
        if bound.at_most is None and bound.at_least is None:
            raise InputError(f"{where}.constraints.{metric}: expected at_most or at_least, found neither")


def _check_sampler(study: "Study", name: str, where: str) -> None:
    """Refuse a search that could never learn: a window or generation wider than the budget, a space it cannot move."""
    section, n_trials = study.kinds[name], study.n_trials(name)
    if section.sampler in LEARNING and "window" in section.model_fields_set and section.window > n_trials:
        raise InputError(
            f"{where}.window: expected at most the {n_trials} trials of an arm, found {section.window}: lower the "
            "window or raise trials"
        )
    if section.sampler in GENERATIONAL and study.population(name) > n_trials - len(section.enqueue):
        raise InputError(
            f"{where}.population: expected a generation within the {n_trials - len(section.enqueue)} trials of an arm "
            f"that are searched, found {study.population(name)}: lower population or raise trials"
        )
    if section.sampler == "cmaes" and study.population(name) < CMAES_LEAST:
        raise InputError(
            f"{where}.population: expected at least {CMAES_LEAST} for cmaes, found {study.population(name)}: raise it"
        )
    if section.sampler == "cmaes" and not study.n_ranges(name):
        raise InputError(f"{where}.sampler: expected a range for cmaes to move, found none: choose another sampler")
    if section.sampler == "cmaes" and len(study.goals(name).directions) > 1:
        raise InputError(f"{where}.sampler: expected one objective for cmaes, found several: choose nsgaii, tpe or gp")


def _check_stopping(study: "Study", name: str, where: str) -> None:
    """Refuse early stopping of what has no rungs, and waiting that would never end."""
    section, kind, n_trials = study.kinds[name], trial_kind(name), study.n_trials(name)
    stopping = section.stopping
    if stopping is None:
        return
    where = f"{where}.stopping"
    if kind.rung_unit is None:
        raise InputError(f"{where}: expected a kind that can be stopped early, found {name}: leave it out")
    if len(study.goals(name).directions) > 1:
        raise InputError(f"{where}: expected one objective where trials are stopped, found several: name one")
    if stopping.bracket is None:
        return
    if not kind.rung_unit.pauses:
        raise InputError(f"{where}.rule: expected asha or median, as {name} cannot wait at a rung, found halving")
    if section.sampler in GENERATIONAL:
        raise InputError(
            f"{where}.rule: expected a sampler without generations beside brackets, found {section.sampler}: choose tpe"
        )
    if n_trials % stopping.bracket:
        raise InputError(
            f"{where}.bracket: expected a divisor of the {n_trials} trials of an arm, found {stopping.bracket}: change "
            "either"
        )


def _check_carry(study: "Study", name: str, where: str) -> None:
    """Refuse carried settings that a sampler could not learn from, or that an arm has no trials for."""
    section, n_trials = study.kinds[name], study.n_trials(name)
    if section.carry and section.sampler not in LEARNING:
        raise InputError(
            f"{where}.carry: expected a sampler of {', '.join(LEARNING)} where settings are carried, found "
            f"{section.sampler}: choose one of them"
        )
    if section.carry + len(section.enqueue) > n_trials:
        raise InputError(
            f"{where}.carry: expected at most the {n_trials - len(section.enqueue)} trials of an arm that are not "
            f"enqueued, found {section.carry}: raise trials"
        )
