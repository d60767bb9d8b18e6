"""Which setting a trial tries: a function of the study's seed, the trial's name and the results it may see.

Each trial gets a fresh sampler seeded by its name and a fresh in-memory Optuna study that holds what it may see:
finished trials 0 … i - window, and the settings of those in between as running.
"""

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from brainalign.artifacts import TrialRow, stream, stream_seed
from brainalign.errors import StudyError
from brainalign.search.ledger import Ledger
from brainalign.spaces import Choice, Range, Space, flatten, grid, nest, unnest
from brainalign.study import KindSection, Place

optuna.logging.set_verbosity(optuna.logging.WARNING)

STATES = {"COMPLETE": TrialState.COMPLETE, "FAILED": TrialState.FAIL, "PRUNED": TrialState.PRUNED}


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """Optuna's distributions of a space's plain parameters, constants left out."""
    spoken = {name: _distribution(part) for name, part in flatten(space).items()}
    return {name: distribution for name, distribution in spoken.items() if not distribution.single()}


def _distribution(part: Choice | Range) -> BaseDistribution:
    if isinstance(part, Choice):
        return CategoricalDistribution(part.options)
    if part.integer:
        return IntDistribution(int(part.low), int(part.high), log=part.log)
    return FloatDistribution(part.low, part.high, log=part.log)


def constants(space: Space) -> dict[str, Any]:
    """Plain parameters that have one value."""
    values = {name: part.grid() for name, part in flatten(space).items()}
    varying = distributions(space)
    return {name: points[0] for name, points in values.items() if name not in varying}


def suggest(ledger: Ledger, place: Place) -> dict[str, Any]:
    """Choose the setting of a place.

    Parameters
    ----------
    ledger : Ledger
        What is done and running; trials later than ``number - window`` are seen by their setting alone.
    place : Place
        Whose setting is wanted. On the report part it is the winner's, unchanged.
    """
    study, branch = ledger.study, place.branch
    if place.part == "report":
        winner = ledger.winner(branch)
        if winner is None:
            raise StudyError(f"expected a winner of {branch} before its report, found none: finish its trials first")
        return dict(winner.setting)
    section, space = study.kinds[branch.kind], study.space(branch.kind)
    if place.number < len(section.enqueue):
        return study.enqueued(branch.kind)[place.number]
    if section.sampler == "grid":
        return nest(_grid_point(ledger, place, grid(space)))
    view = optuna.create_study(direction="maximize", sampler=_sampler(section, ledger, place))
    view.add_trials([seen for number in range(place.number) if (seen := _seen(ledger, place, number, space))])
    asked = view.ask(distributions(space))
    return nest({**constants(space), **asked.params})


def _grid_point(ledger: Ledger, place: Place, points: list[dict[str, Any]]) -> dict[str, Any]:
    """Point of a grid by the trial's number: in order where all are tried, else in an order drawn by name."""
    section, branch = ledger.study.kinds[place.branch.kind], place.branch
    number = place.number - len(section.enqueue)
    if ledger.study.n_trials(branch.kind) - len(section.enqueue) < len(points):
        names = (ledger.study.seeds.search, branch.model, branch.kind, branch.arm)
        return points[int(stream("grid", *names).permutation(len(points))[number])]
    return points[number % len(points)]


def _sampler(section: KindSection, ledger: Ledger, place: Place) -> BaseSampler:
    branch = place.branch
    seed = stream_seed("search", ledger.study.seeds.search, branch.model, branch.kind, branch.arm, place.number)
    if section.sampler == "random":
        return RandomSampler(seed=seed)
    return TPESampler(seed=seed, n_startup_trials=section.startup_trials, constant_liar=True)


def _seen(ledger: Ledger, place: Place, number: int, space: Space) -> FrozenTrial | None:
    row = ledger.trial_row(place.branch, number)
    setting = ledger.setting(place.branch, number)
    if setting is None:
        return None
    if row is None or number > place.number - ledger.study.kinds[place.branch.kind].window:
        return frozen_trial(setting, space, None)
    return frozen_trial(setting, space, row)


def frozen_trial(setting: Mapping[str, Any], space: Space, row: TrialRow | None) -> FrozenTrial:
    """Spell a trial as Optuna knows it: running where there is no row yet, with its whole setting as an attribute."""
    flat, known = unnest(setting), distributions(space)
    inside = {name: flat[name] for name in known if flat.get(name) is not None and _contains(known[name], flat[name])}
    whole = len(inside) == len(known)
    return create_trial(
        state=STATES[row.state] if row else TrialState.RUNNING,
        value=row.objective if row and row.state == "COMPLETE" else None,
        params=inside if whole else {},
        distributions=known if whole else {},
        user_attrs={"setting": dict(flat)} | ({"place": row.place, "result_key": row.result_key} if row else {}),
    )


def _contains(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    return bool(distribution._contains(distribution.to_internal_repr(value)))
