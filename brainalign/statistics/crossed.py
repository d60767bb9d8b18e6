"""Intervals for figures over subjects and items that are both drawn from larger populations.

Outcomes of a subject resemble one another, and so do outcomes of an item, so neither rows nor subjects alone are the
unit of resampling: both are drawn with replacement, and a row counts as often as its subject times its item.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from brainalign.errors import InputError
from brainalign.statistics.interval import Interval
from brainalign.statistics.stratified import Floats, mean_over_strata


@dataclass(frozen=True)
class CellTable:
    """Sums and counts of values by stratum, subject and item, float64 (L, R, C)."""

    sums: Floats
    counts: Floats

    @classmethod
    def of(cls, values: Floats, strata: ArrayLike, subjects: ArrayLike, items: ArrayLike) -> "CellTable":
        labels = [np.unique(np.asarray(names), return_inverse=True) for names in (strata, subjects, items)]
        shape = tuple(len(names) for names, _ in labels)
        cell = np.ravel_multi_index(tuple(index for _, index in labels), shape)
        size = int(np.prod(shape))
        counts = np.bincount(cell, minlength=size).astype(np.float64)
        return cls(np.bincount(cell, values, size).astype(np.float64).reshape(shape), counts.reshape(shape))

    @property
    def estimate(self) -> float:
        return float(mean_over_strata(self.sums.sum(axis=(1, 2)), self.counts.sum(axis=(1, 2))))

    def resampled(self, subject_weights: Floats, item_weights: Floats) -> Floats:
        """Estimates under weights (B, R) of subjects and (B, C) of items: (B,)."""
        sums, counts = (
            np.stack([((subject_weights @ stratum) * item_weights).sum(axis=1) for stratum in cells], axis=-1)
            for cells in (self.sums, self.counts)
        )
        return mean_over_strata(sums, counts)


@dataclass(frozen=True)
class Spread:
    """Variance of the estimate to first order, and what the bootstrap makes of it.

    Attributes
    ----------
    variance
        Nearly unbiased: subjects + items - cells.
    resampled
        Variance that resampling has on average; it counts the cells' own noise up to three times.
    degrees
        Satterthwaite's degrees of freedom of ``variance``.
    """

    variance: float
    resampled: float
    degrees: float

    @classmethod
    def of(cls, table: CellTable, by_subject: bool, by_item: bool) -> "Spread":
        n_strata, n_subjects, n_items = table.counts.shape
        totals = table.counts.sum(axis=(1, 2), keepdims=True)
        means = table.sums.sum(axis=(1, 2), keepdims=True) / totals
        influence = (table.sums - table.counts * means) / (totals * n_strata)
        subjects = float((influence.sum(axis=(0, 2)) ** 2).sum())
        item_totals = influence.sum(axis=1)
        items = float((item_totals.sum(axis=0) ** 2).sum())
        cells = float((influence.sum(axis=0) ** 2).sum())
        subject_part = subjects * n_subjects / (n_subjects - 1) if by_subject else 0.0
        item_part, item_degrees = _item_variance(table, item_totals) if by_item else (0.0, 1.0)
        if by_subject and by_item:
            variance = max(subject_part + item_part - cells, subject_part, item_part)
            resampled = cells + (1 - 1 / n_items) * subjects + (1 - 1 / n_subjects) * items
        else:
            variance, resampled = subject_part + item_part, subjects if by_subject else items
        noise = subject_part**2 / max(n_subjects - 1, 1) + item_part**2 / item_degrees
        return cls(variance, resampled, max(variance**2 / noise, 1.0) if noise > 0 else 1.0)


def crossed_bootstrap(
    values: ArrayLike,
    strata: ArrayLike,
    subjects: ArrayLike,
    items: ArrayLike,
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Interval of the stratified mean for new subjects and new items.

    Subjects and items are resampled together, and the standard error of the resampled estimates, corrected for the
    noise of single cells that this counts up to three times, is multiplied by Student's t with Satterthwaite's degrees
    of freedom. With few subjects it is these that keep the coverage: percentiles of the same resamples cover too rarely
    with two or three subjects that differ, and too often where they do not.

    For the **paired difference** of two arms call it with ``values = a - b`` on the same rows.

    Parameters
    ----------
    values
        float, (n,): one outcome a row. Cells may be missing or hold several rows (orders of the premises).
    strata
        (n,): the estimate is the mean over strata of the mean in each (net balanced accuracy: labels).
    subjects, items
        (n,): any labels.
    rng
        Source of the resamples.
    n_resamples
        Resamples; strata that vanish in one are left out of its mean.
    level
        Nominal coverage.

    Returns
    -------
    Interval. ``method`` says what was resampled: with one subject only items are, and the interval is about that
    subject; with one item in every stratum only subjects are. There is no interval (NaN bounds) with neither, where one
    stratum of several has a single item (its share of the variance cannot be known), and where no row differs from the
    mean of its stratum: nothing varied, which is not the same as certainty.

    Raises
    ------
    InputError
        If lengths differ, there are no rows, a value is not finite, or a setting is out of range.

    Notes
    -----
    Measured coverage of 95 % intervals on simulated tables (three-valued outcomes, three quarters of the cells present,
    from no subject and item effects to strong ones): 94 to 98 % with 10 subjects and 35 or 70 items; 96 to 99 % with 3
    subjects and 35 items, at twice the width. With two subjects the interval is often wider than the range of the
    values: true, and no use. Bounds are not cut at that range.

    References
    ----------
    Owen, A. B. (2007). The pigeonhole bootstrap. Ann. Appl. Stat. 1, 386-411. doi 10.1214/07-AOAS122
    Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2011). Robust inference with multiway clustering. J. Bus. Econ.
    Stat. 29, 238-249. doi 10.1198/jbes.2010.07136
    """
    numbers = _checked(values, (strata, subjects, items))
    if n_resamples < 1 or not 0 < level < 1:
        raise InputError(f"expected n_resamples above 0 and a level between 0 and 1, found {n_resamples} and {level}")
    table = CellTable.of(numbers, strata, subjects, items)
    _, n_subjects, n_items = table.counts.shape
    by_subject = n_subjects > 1
    by_item = bool(((table.counts.sum(axis=1) > 0).sum(axis=1) > 1).any())
    method = method_words(by_subject, by_item)
    if by_item and has_lone_item(table):
        return Interval(table.estimate, float("nan"), float("nan"), level, 0, f"{method}; a stratum has one item")
    if not (by_subject or by_item):
        return Interval(table.estimate, float("nan"), float("nan"), level, 0, method)
    spread = Spread.of(table, by_subject, by_item)
    if spread.resampled == 0:
        return Interval(table.estimate, float("nan"), float("nan"), level, 0, f"{method}; no outcome varied")
    resampled = table.resampled(
        draw_counts(rng, n_subjects, n_resamples, by_subject), draw_counts(rng, n_items, n_resamples, by_item)
    )
    squares = (resampled[~np.isnan(resampled)] - table.estimate) ** 2
    error = np.sqrt(squares.mean() * spread.variance / spread.resampled) if squares.size else float("nan")
    reach = float(error * stdtrit(spread.degrees, 0.5 + level / 2))
    return Interval(table.estimate, table.estimate - reach, table.estimate + reach, level, n_resamples, method)


def has_lone_item(table: CellTable) -> bool:
    """Whether a stratum that has rows has them of one item only."""
    return bool(((table.counts.sum(axis=1) > 0).sum(axis=1) == 1).any())


def _item_variance(table: CellTable, item_totals: Floats) -> tuple[float, float]:
    """Variance from drawing items, corrected for the mean of each stratum, and its degrees of freedom."""
    present = (table.counts.sum(axis=1) > 0).sum(axis=1)
    squares = (item_totals**2).sum(axis=1)
    parts = squares * present / np.maximum(present - 1, 1)
    shared = float((item_totals.sum(axis=0) ** 2).sum() - squares.sum())  # items that occur in several strata
    noise = float((parts**2 / np.maximum(present - 1, 1)).sum())
    return max(float(parts.sum()) + shared, 0.0), float(parts.sum()) ** 2 / noise if noise > 0 else 1.0


def draw_counts(rng: np.random.Generator, n: int, n_resamples: int, random: bool) -> Floats:
    """How often each of n units is drawn in each resample, (n_resamples, n); ones if they are not resampled."""
    if not random:
        return np.ones((n_resamples, n))
    return rng.multinomial(n, np.full(n, 1 / n), n_resamples).astype(np.float64)


def method_words(by_subject: bool, by_item: bool) -> str:
    if by_subject and by_item:
        return "crossed bootstrap of subjects and items, Student t"
    if by_item:
        return "bootstrap of items only (one subject), Student t"
    if by_subject:
        return "bootstrap of subjects only (one item a stratum), Student t"
    return "none: one subject and one item a stratum"


def _checked(values: ArrayLike, labels: tuple[ArrayLike, ...]) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    shapes = [np.asarray(names).shape for names in labels]
    if numbers.ndim != 1 or len(numbers) == 0 or any(shape != numbers.shape for shape in shapes):
        raise InputError(
            f"expected values, strata, subjects and items of one length above 0, found {numbers.shape}, "
            f"{', '.join(map(str, shapes))}: give one entry a row"
        )
    if not np.isfinite(numbers).all():
        raise InputError("expected finite values, found NaN or infinity: leave out rows without an outcome")
    return numbers
