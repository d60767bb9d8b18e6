r"""Estimates over all orders of the premises from some of them, and how far off such an estimate is.

Of the :math:`M = n!` orders the given one is always asked, and :math:`k - 1` others are drawn at random without
replacement. So the mean over all orders is estimated by

.. math:: \hat y = \frac{1}{M} y_0 + \frac{M - 1}{M} \frac{1}{k - 1} \sum_{j=1}^{k-1} y_j

and only the drawn part is uncertain. With all orders asked this is the plain mean and its error is zero.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def order_weights(n_asked: int, n_premises: int) -> Floats:
    """Weight (n_asked,) of each asked order in the mean over all orders; the given order stands first."""
    n_all = math.factorial(n_premises)
    if n_asked == 1:
        return np.ones(1)
    others = (n_all - 1) / n_all / (n_asked - 1)
    return np.array([1 / n_all, *[others] * (n_asked - 1)])


def sampling_error(
    values: Sequence[Floats], n_premises: Sequence[int], strata: Sequence[int] | NDArray[np.int64]
) -> float:
    """Compute the standard error of a mean over all orders that was estimated from some.

    Parameters
    ----------
    values : sequence of float arrays of shape (n_orders,)
        One for each problem; problems with as many premises were asked in the same orders.
    n_premises : sequence of int
        Premises of each problem.
    strata : sequence of int
        Stratum of each problem: the estimate is the mean over strata of the mean over problems.

    Returns
    -------
    float
        0.0 where every order was asked; NaN where one order at most was drawn, which tells nothing of the others.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd ed., sections 2.5 and 5A (a stratum that is taken as a whole).
    """
    names, counts = np.unique(np.asarray(strata), return_counts=True)
    share = {name: 1 / (len(names) * count) for name, count in zip(names.tolist(), counts.tolist(), strict=True)}
    variance = 0.0
    for n in sorted(set(n_premises)):
        members = [place for place, count in enumerate(n_premises) if count == n]
        by_order = sum(share[int(strata[place])] * values[place] for place in members)
        variance += _variance(np.asarray(by_order), math.factorial(n))
    return math.sqrt(variance)


def _variance(by_order: Floats, n_all: int) -> float:
    n_drawn = len(by_order) - 1
    if n_drawn == n_all - 1:
        return 0.0
    if n_drawn < 2:
        return math.nan
    spread = float(np.var(by_order[1:], ddof=1))
    return ((n_all - 1) / n_all) ** 2 * spread / n_drawn * (1 - n_drawn / (n_all - 1))


def worst_orders(right: Sequence[Floats], n_premises: Sequence[int]) -> Mapping[int, tuple[int, float]]:
    """By number of premises: the asked order with the lowest share of right answers, and that share."""
    found = {}
    for n in sorted(set(n_premises)):
        shares = np.mean([row for row, count in zip(right, n_premises, strict=True) if count == n], axis=0)
        found[n] = (int(shares.argmin()), float(shares.min()))
    return found
