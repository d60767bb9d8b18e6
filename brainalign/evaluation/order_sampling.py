r"""Estimates over all orders of the premises from some of them, and how far off such an estimate is.

Of the :math:`M = n!` orders of a problem, :math:`k` are drawn at random without replacement, for each problem by
itself. Their mean estimates the mean over all, with the variance

.. math:: \frac{s^2}{k} \left(1 - \frac{k}{M}\right)

which is zero where all were asked.

References
----------
Cochran, W. G. (1977). Sampling Techniques, 3rd ed., theorem 2.2 and section 5.3.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sampling_error(values: Sequence[Floats], n_premises: Sequence[int], strata: NDArray[Any]) -> float:
    """Compute the standard error of a mean over all orders that was estimated from some.

    Parameters
    ----------
    values : sequence of float arrays of shape (n_asked,)
        One for each problem: what each asked order gave.
    n_premises : sequence of int
        Premises of each problem.
    strata : array of shape (n_problems,)
        Stratum of each problem: the estimate is the mean over strata of the mean over problems.

    Returns
    -------
    float
        Of the estimate for these problems; that other problems would do otherwise is not in it. NaN where a problem was
        asked in one order of several, which tells nothing of the others.
    """
    names, member, counts = np.unique(strata, return_inverse=True, return_counts=True)
    share = 1 / (len(names) * counts[member])
    variances = [_variance(row, math.factorial(n)) for row, n in zip(values, n_premises, strict=True)]
    return float(np.sqrt(share**2 @ np.array(variances)))


def _variance(asked: Floats, n_all: int) -> float:
    n_asked = len(asked)
    if n_asked == n_all:
        return 0.0
    if n_asked < 2:
        return math.nan
    return float(np.var(asked, ddof=1)) / n_asked * (1 - n_asked / n_all)


def disagreement(answers: NDArray[Any]) -> float:
    """Chance that two different orders of those asked get different answers; NaN where only one was asked.

    Over drawn orders it estimates that of all orders without bias.
    """
    n_asked = len(answers)
    if n_asked < 2:
        return math.nan
    _, counts = np.unique(answers, return_counts=True)
    return 1 - float((counts * (counts - 1)).sum()) / (n_asked * (n_asked - 1))
