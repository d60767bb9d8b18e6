"""How alike brain and models are, layer by layer: RSA and debiased CKA with intervals, chance and noise ceiling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.reports.geometry.inputs import GeometryInputs
from brainalign.statistics import (
    Chance,
    Interval,
    Measure,
    Shuffle,
    bootstrap_median,
    chance,
    noise_ceiling,
    signature,
    similarities,
    strata_groups,
)
from brainalign.statistics.similarity import FEWEST

MEASURES: tuple[Measure, Measure] = ("cka", "rsa")
NAMES: dict[Measure, str] = {"cka": "debiased CKA", "rsa": "RSA"}
SITES = ("attention", "layer")
WITHIN, ALL = "within types", "all problems"


@dataclass(frozen=True, eq=False)
class Alignment:
    """Similarity of a model's layers to the subjects' betas.

    Attributes
    ----------
    model, measure, over : str
        ``over`` is ``"within types"`` (what tells the types of reasoning apart counts for nothing), or
        ``"all problems"``.
    by_subject : float64 (2, n_layers, n_subjects)
    intervals : tuple of tuple of Interval
        Median over subjects, by site and layer.
    chance : Chance
        Of the median over subjects with the problems shuffled within types; its largest over all sites and layers.
    ceiling : tuple of float
        Lower and upper noise ceiling; NaN with one subject.
    """

    model: str
    measure: Measure
    over: str
    by_subject: NDArray[np.float64]
    intervals: tuple[tuple[Interval, ...], ...]
    chance: Chance
    ceiling: tuple[float, float]

    @property
    def best(self) -> tuple[int, int]:
        """Site and layer with the highest median."""
        place = int(np.argmax(self.chance.observed))
        return place // self.by_subject.shape[1], place % self.by_subject.shape[1]

    @property
    def p_value(self) -> float:
        """Of the best layer, corrected for the number of layers and sites by the largest under chance."""
        return float(self.chance.p_values.min())


def align(inputs: GeometryInputs) -> list[Alignment]:
    """Align every model with the brain by both measures, within types where there are several, and over all."""
    found = []
    kinds = {ALL: np.zeros(len(inputs.ids), dtype=np.int64), WITHIN: strata_within(inputs)}
    for over in (WITHIN, ALL) if kinds[WITHIN].any() else (ALL,):
        groups = strata_groups(kinds[over])
        for measure in MEASURES:
            brain = np.stack([signature(betas, measure, groups) for betas in inputs.brain.values()])
            for model, values in inputs.models.items():
                flat = values.reshape(-1, *values.shape[2:])
                layers = np.stack([signature(states, measure, groups) for states in flat])
                names = ("reports.geometry", inputs.name, model, measure, over)
                shuffle = Shuffle(groups, kinds[WITHIN])
                found.append(_aligned((model, measure, over), layers, brain, shuffle, names))
    return found


def strata_within(inputs: GeometryInputs) -> NDArray[np.int64]:
    """Give each problem the number of its type (n,); zeros where no type has enough problems to stand alone."""
    _, strata = np.unique(inputs.types, return_inverse=True)
    enough = np.bincount(strata).max() >= FEWEST
    return strata.astype(np.int64) if enough else np.zeros(len(strata), dtype=np.int64)


def _aligned(
    place: tuple[str, Measure, str],
    layers: NDArray[np.float64],
    brain: NDArray[np.float64],
    shuffle: Shuffle,
    names: tuple[str, ...],
) -> Alignment:
    by_chance = chance(layers, brain, shuffle, _median, rng=stream(*names, "chance"))
    by_subject = similarities(layers, brain)
    intervals = [bootstrap_median(row, rng=stream(*names, i)) for i, row in enumerate(by_subject)]
    half = len(layers) // 2
    return Alignment(
        *place,
        by_subject=by_subject.reshape(2, half, -1),
        intervals=(tuple(intervals[:half]), tuple(intervals[half:])),
        chance=by_chance,
        ceiling=noise_ceiling(brain),
    )


def _median(found: NDArray[np.float64]) -> NDArray[np.float64]:
    medians: NDArray[np.float64] = np.median(found, axis=1)
    return medians
