"""Intervals of many figures at once, where all of them resample the same subjects and the same items.

Models that were asked the same problems of the same subjects err together. One draw of subjects and items therefore
serves all figures, which gives their covariance beside their intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from brainalign.errors import InputError
from brainalign.statistics.crossed import CellTable, Spread, draw_counts, has_lone_item, method_words
from brainalign.statistics.interval import Interval
from brainalign.statistics.stratified import Floats


@dataclass(frozen=True)
class Sample:
    """Outcomes behind one figure, (n,) each; the figure is the mean over strata of the mean in each."""

    values: Floats
    strata: np.ndarray
    subjects: np.ndarray
    items: np.ndarray


@dataclass(frozen=True)
class JointFigures:
    """C figures with what their common resamples say.

    Attributes
    ----------
    estimates, errors
        float64, (C,): figures and standard errors; an error is NaN where no outcome varied or a stratum has one item.
    degrees
        float64, (C,): Satterthwaite's degrees of freedom.
    covariance
        float64, (C, C): NaN in rows and columns of figures without an error.
    methods
        What was resampled for each, in words.
    """

    estimates: Floats
    errors: Floats
    degrees: Floats
    covariance: Floats
    methods: tuple[str, ...]
    n_resamples: int

    def interval(self, index: int, level: float = 0.95) -> Interval:
        """Interval of one figure, NaN bounds where it has no error."""
        reach = float(self.errors[index] * stdtrit(self.degrees[index], 0.5 + level / 2))
        estimate = float(self.estimates[index])
        return Interval(estimate, estimate - reach, estimate + reach, level, self.n_resamples, self.methods[index])


def joint_bootstrap(samples: Sequence[Sample], *, rng: np.random.Generator, n_resamples: int = 2000) -> JointFigures:
    """Resample subjects and items together for several figures.

    Each figure's error is corrected as in :func:`crossed_bootstrap`, and the intervals are the same up to the draws.

    Parameters
    ----------
    samples
        One a figure. Subjects and items of the same name are the same one in all of them.
    rng, n_resamples
        As for :func:`crossed_bootstrap`.

    Raises
    ------
    InputError
        There is no sample, or one has no outcome.
    """
    if not samples or any(not len(sample.values) for sample in samples):
        raise InputError("expected samples with outcomes, found none: leave figures without outcomes out")
    names = [np.unique(np.concatenate([getattr(s, what) for s in samples])) for what in ("subjects", "items")]
    drawn = [draw_counts(rng, len(found), n_resamples, len(found) > 1) for found in names]
    figures = [_figure(sample, names, drawn) for sample in samples]
    estimates, degrees = (np.array([figure[i] for figure in figures]) for i in (0, 2))
    factors = np.array([figure[1] for figure in figures])
    deviations = np.stack([figure[3] for figure in figures], axis=1) - estimates
    covariance = _covariance(np.nan_to_num(deviations)) * np.outer(factors, factors)
    methods = tuple(figure[4] for figure in figures)
    return JointFigures(estimates, np.sqrt(np.diag(covariance)), degrees, covariance, methods, n_resamples)


def _figure(
    sample: Sample, names: Sequence[np.ndarray], drawn: Sequence[Floats]
) -> tuple[float, float, float, Floats, str]:
    """Estimate, correction of the resampled error, degrees of freedom, resampled estimates, and what was resampled."""
    table = CellTable.of(sample.values, sample.strata, sample.subjects, sample.items)
    by_subject = table.counts.shape[1] > 1
    by_item = bool(((table.counts.sum(axis=1) > 0).sum(axis=1) > 1).any())
    present = [np.isin(all_, own) for all_, own in zip(names, (sample.subjects, sample.items), strict=True)]
    weights = [
        counts[:, kept] if random else np.ones((len(counts), int(kept.sum())))
        for counts, kept, random in zip(drawn, present, (by_subject, by_item), strict=True)
    ]
    resampled, words = table.resampled(*weights), method_words(by_subject, by_item)
    spread = Spread.of(table, by_subject, by_item)
    if not (by_subject or by_item) or has_lone_item(table) or spread.resampled == 0:
        return table.estimate, np.nan, 1.0, resampled, f"{words}; no interval"
    return table.estimate, float(np.sqrt(spread.variance / spread.resampled)), spread.degrees, resampled, words


def _covariance(deviations: Floats) -> Floats:
    return np.asarray(deviations.T @ deviations / len(deviations))
