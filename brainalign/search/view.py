"""What a branch's sampler may see: an Optuna study in memory whose trial k is the branch's trial k.

For trial i it holds trials 0 … i - 1; those that i learns from with their results, the others as running. It grows from
one suggestion to the next; one that goes back (a trial that a killed driver left) builds it anew.
"""

from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from brainalign.artifacts import TrialRow, stream_seed
from brainalign.search.ledger import Ledger
from brainalign.search.parameters import Parameters
from brainalign.search.samplers import Position, make_sampler
from brainalign.study import LEARNING, Branch, Goals, n_learned_from
from brainalign.trials import values_at_rungs

optuna.logging.set_verbosity(optuna.logging.ERROR)

STATES = {"COMPLETE": TrialState.COMPLETE, "FAILED": TrialState.FAIL, "PRUNED": TrialState.PRUNED}
_GENERATION = "cma:generation"


class BranchView:
    """The view of one branch.

    Parameters
    ----------
    ledger : Ledger
        What is done and running.
    branch : Branch
        Whose trials are suggested.
    """

    def __init__(self, ledger: Ledger, branch: Branch) -> None:
        self._ledger, self._branch = ledger, branch
        study = ledger.study
        self._section, self._goals = study.kinds[branch.kind], study.goals(branch.kind)
        self._parameters = Parameters.of(study, branch.kind)
        self._n_enqueued, self._population = len(self._section.enqueue), study.population(branch.kind)
        self._clear()

    def _clear(self) -> None:
        self._storage = InMemoryStorage()
        self._view = optuna.create_study(storage=self._storage, directions=list(self._goals.directions.values()))
        self._study_id = self._storage.get_study_id_from_name(self._view.study_name)
        self._length = 0
        self._running: set[int] = set()
        self._parents: list[list[FrozenTrial]] = [[]]

    def suggest(self, number: int) -> dict[str, Any]:
        """Choose the setting of a trial by its number."""
        if self._section.sampler in ("random", "qmc"):
            self._clear()  # they see nothing
            return self._ask(number)
        if number < self._length:
            self._clear()
        limit = self._n_visible(number)
        for earlier in range(self._length, number):
            if self._section.sampler == "cmaes" and self._begins_generation(earlier):
                # CMA-ES keeps its state in the trials that it suggested: asking anew restores it.
                self._reveal(self._n_visible(earlier))
                self._ask(earlier)
            else:
                self._add(earlier, limit)
        self._length = number
        self._reveal(limit)
        setting = self._ask(number)
        self._length = number + 1
        return setting

    def _n_visible(self, number: int) -> int:
        if self._section.sampler in LEARNING and not self._section.reproducible:
            return number
        return n_learned_from(self._ledger.study, self._branch.kind, number)

    def _begins_generation(self, number: int) -> bool:
        return number >= self._n_enqueued and (number - self._n_enqueued) % self._population == 0

    def _ask(self, number: int) -> dict[str, Any]:
        self._view.sampler = self._sampler(number)
        trial = self._view.ask(self._parameters.free)
        self._running.add(number)
        return self._parameters.finish(trial)

    def _sampler(self, number: int) -> BaseSampler:
        names = (self._branch.model, self._branch.kind, self._branch.arm)
        seed = self._ledger.study.seeds.search
        seeds = (stream_seed("search", seed, *names, number), stream_seed("search", seed, *names))
        position = Position(number, self._n_enqueued, self._population, self._parents)
        return make_sampler(self._section, self._parameters.free, position, seeds)

    def _add(self, number: int, limit: int) -> None:
        """Add a trial with its setting, and with its result where it may be seen."""
        row = self._ledger.trial_row(self._branch, number)
        params, distributions = self._parameters.known(self._ledger.setting(self._branch, number) or {})
        shown = row is not None and number < limit and self._section.sampler != "cmaes"
        attributes = {}
        if self._section.sampler == "cmaes" and number >= self._n_enqueued:
            attributes[_GENERATION] = (number - self._n_enqueued) // self._population
        template = create_trial(
            state=TrialState.RUNNING, params=params, distributions=distributions, system_attrs=attributes
        )
        if shown and row is not None:
            template.state, template.values = self._outcome(row, bool(params))
            template.intermediate_values = intermediate_values(self._goals, row)
            for name, excess in self._excesses(row).items():
                template.set_constraint(name, excess)
        else:
            self._running.add(number)
        self._storage.create_new_trial(self._study_id, template)

    def _reveal(self, limit: int) -> None:
        """Give trials below a number their results."""
        for number in sorted(self._running):
            row = self._ledger.trial_row(self._branch, number) if number < limit else None
            if row is None:
                continue
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
            for name, excess in self._excesses(row).items():
                self._storage.set_trial_system_attr(trial_id, f"constraints:{name}", excess)
            for at, value in intermediate_values(self._goals, row).items():
                self._storage.set_trial_intermediate_value(trial_id, at, value)
            state, values = self._outcome(row, bool(self._storage.get_trial(trial_id).params))
            self._storage.set_trial_state_values(trial_id, state, values)
            self._running.discard(number)

    def _outcome(self, row: TrialRow, is_inside: bool) -> tuple[TrialState, list[float] | None]:
        """State and values of a finished trial as its sampler shall see them."""
        values = self._goals.values(row)
        if self._section.sampler == "cmaes" and is_inside:
            return TrialState.COMPLETE, [self._worst(row.number) if values is None else values[0]]
        # TPE passes over a trial without parameters (a setting outside the space); the others trip over it.
        if values is not None and (is_inside or self._section.sampler == "tpe" or not self._parameters.free):
            return TrialState.COMPLETE, list(values)
        pruned = row.state == "PRUNED" and len(self._goals.directions) == 1  # Optuna prunes for one objective only
        return (TrialState.PRUNED if pruned else TrialState.FAIL), None

    def _worst(self, number: int) -> float:
        """Worst objective of a trial's generation, for one that failed: CMA-ES ranks whole generations."""
        first = number - (number - self._n_enqueued) % self._population
        rows = [self._ledger.trial_row(self._branch, other) for other in range(first, first + self._population)]
        values = [found[0] for row in rows if row is not None and (found := self._goals.values(row)) is not None]
        worst = min if next(iter(self._goals.directions.values())) == "maximize" else max
        return worst(values, default=0.0)

    def _excesses(self, row: TrialRow) -> dict[str, float]:
        """By how much a trial misses each constraint, where it has figures at all."""
        return constraints_of(self._goals.violations(row)) if self._goals.values(row) is not None else {}


def intermediate_values(goals: Goals, row: TrialRow) -> dict[int, float]:
    """Spell a trial's values at its rungs as Optuna takes them: in the direction of the objective."""
    sign = -1 if next(iter(goals.directions.values())) == "minimize" else 1
    return {at: sign * value for at, value in values_at_rungs(row.metrics).items()}


def constraints_of(violations: dict[str, float]) -> dict[str, float]:
    """Spell violations as Optuna takes them: finite, above 0 where a constraint is missed."""
    return {name: min(excess, 1e300) for name, excess in violations.items()}
