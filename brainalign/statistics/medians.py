"""Medians over subjects, their spread and their interval."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

from brainalign.errors import InputError
from brainalign.statistics.interval import Interval


def median_absolute_deviation(x: ArrayLike) -> float:
    """Median distance from the median, not scaled to a standard deviation.

    Parameters
    ----------
    x
        float, any shape; NaN are left out.

    Returns
    -------
    float, in the unit of x; NaN if nothing is left.
    """
    values = np.asarray(x, dtype=np.float64).ravel()
    values = values[~np.isnan(values)]
    if values.size == 0:
        return float("nan")
    return float(np.median(np.abs(values - np.median(values))))


def bootstrap_median(
    values: ArrayLike, *, rng: np.random.Generator, n_resamples: int = 2000, level: float = 0.95
) -> Interval:
    """Interval of a median over subjects.

    Percentiles of the medians of resampled subjects, moved away from the estimate by Student's t over the normal
    quantile and by sqrt(n / (n - 1)), without which they cover too rarely with few subjects.

    Parameters
    ----------
    values
        float, (n,): one score a subject.
    rng, n_resamples, level
        As for :func:`crossed_bootstrap`.

    Returns
    -------
    Interval; NaN bounds with fewer than two subjects.

    Raises
    ------
    InputError
        If there are no values or one is not finite.

    Notes
    -----
    Measured coverage of 95 % intervals for normal and exponential scores: 95 to 98 % from 5 subjects up, 91 % with 3
    (the plain percentiles: 92 to 95 % and 73 %).
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or scores.size == 0 or not np.isfinite(scores).all():
        raise InputError(f"expected finite scores of subjects, (n,), found {values!r}: leave out missing ones")
    estimate, n = float(np.median(scores)), scores.size
    if n < 2:
        return Interval(estimate, float("nan"), float("nan"), level, 0, "none: one subject")
    medians = np.median(scores[rng.integers(0, n, (n_resamples, n))], axis=1)
    low, high = np.quantile(medians, [0.5 - level / 2, 0.5 + level / 2])
    wider = float(stdtrit(n - 1, 0.5 + level / 2) / ndtri(0.5 + level / 2) * np.sqrt(n / (n - 1)))
    method = "percentile bootstrap of subjects, widened for few subjects"
    return Interval(
        estimate,
        estimate + wider * float(low - estimate),
        estimate + wider * float(high - estimate),
        level,
        n_resamples,
        method,
    )
