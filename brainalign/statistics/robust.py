"""Robust summaries over subjects."""

import numpy as np
from numpy.typing import ArrayLike


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
