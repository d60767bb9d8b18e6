"""Optuna's samplers, each told what it would otherwise guess from its storage: the space, and a trial's place in time.

Optuna infers a sampler's space from the trials that it finds, and generations and positions in a sequence from counters
in its storage. Here the study file names the space and a trial's number says the rest, so that a sampler made anew for
each trial suggests the same whatever was asked before.
"""

import warnings
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial, TrialState

from brainalign.study import KindSection

Distributions = dict[str, BaseDistribution]


@dataclass
class Position:
    """Where a trial stands: its number after the enqueued ones, and its generation's size.

    ``parents`` are NSGA-II's surviving trials by generation, kept from one suggestion to the next.
    """

    number: int
    n_enqueued: int
    population: int
    parents: list[list[FrozenTrial]] = field(default_factory=lambda: [[]])

    def generation(self, number: int) -> int:
        """Give the generation of a trial by its number in the branch; enqueued trials belong to the first."""
        return max(0, number - self.n_enqueued) // self.population


class _Tpe(TPESampler):  # type: ignore[misc]
    space: Distributions

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Distributions:
        several = len(study.directions) > 1  # then Optuna's TPE looks at one parameter at a time
        return {} if several or not _has_finished(study) else self.space


class _Gp(GPSampler):  # type: ignore[misc]
    space: Distributions

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Distributions:
        return self.space


class _CmaEs(CmaEsSampler):  # type: ignore[misc]
    space: Distributions

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Distributions:
        return {name: part for name, part in self.space.items() if not isinstance(part, CategoricalDistribution)}


class _Qmc(QMCSampler):  # type: ignore[misc]
    space: Distributions
    position: Position

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Distributions:
        return self.space

    def _find_sample_id(self, study: optuna.Study, search_space: Distributions) -> int:
        return self.position.number - self.position.n_enqueued


class _NsgaII(NSGAIISampler):  # type: ignore[misc]
    space: Distributions
    position: Position

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Distributions:
        return self.space

    def get_trial_generation(self, study: optuna.Study, trial: FrozenTrial) -> int:
        return self.position.generation(trial.number)

    def get_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [trial for trial in complete if self.position.generation(trial.number) == generation]

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        parents = self.position.parents
        while len(parents) <= generation:
            parents.append(self.select_parent(study, len(parents)))
        return parents[generation]

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: Distributions) -> dict[str, Any]:
        """Cross two parents; where failures left fewer than two, Optuna draws at random as in the first generation."""
        parents = self.get_parent_population(study, self.get_trial_generation(study, trial))
        return super().sample_relative(study, trial, search_space) if len(parents) > 1 else {}


def _has_finished(study: optuna.Study) -> bool:
    trials = study.get_trials(deepcopy=False)
    return any(trial.state in (TrialState.COMPLETE, TrialState.PRUNED) for trial in trials)


def make_sampler(section: KindSection, space: Distributions, position: Position, seeds: tuple[int, int]) -> BaseSampler:
    """Make the sampler of one trial.

    Parameters
    ----------
    section : KindSection
        Which sampler, and its settings.
    space : dict of str to distribution
        Parameters that vary in every trial.
    position : Position
        Where the trial stands.
    seeds : (int, int)
        The trial's own seed, and its branch's (of the sequence that QMC walks).
    """
    seed, of_branch = seeds
    if section.sampler == "random":
        return RandomSampler(seed=seed)
    if section.sampler == "tpe":
        sampler: Any = _Tpe(seed=seed, n_startup_trials=section.startup_trials, constant_liar=True)
    elif section.sampler == "gp":
        sampler = _Gp(seed=seed, n_startup_trials=section.startup_trials, warn_independent_sampling=False)
    elif section.sampler == "cmaes":
        popsize = position.population
        sampler = _CmaEs(seed=seed, n_startup_trials=0, popsize=popsize, warn_independent_sampling=False)
    elif section.sampler == "nsgaii":
        sampler = _NsgaII(seed=seed, population_size=position.population)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            sampler = _Qmc(
                seed=of_branch,
                scramble=True,
                independent_sampler=RandomSampler(seed=seed),
                warn_independent_sampling=False,
            )
    sampler.space, sampler.position = space, position
    return sampler  # type: ignore[no-any-return]
