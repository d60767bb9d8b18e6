"""A paired test by item: whether a difference that items show in common could be chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from brainalign.errors import InputError
from brainalign.statistics.stratified import Floats

EXACT_ITEMS = 14
"""Items up to which all assignments of signs are counted instead of drawn."""
_BLOCK = 4096


@dataclass(frozen=True)
class PairedTest:
    """A two-sided sign-flip permutation test.

    Attributes
    ----------
    estimate
        Mean over strata of the mean difference in each, in the unit of the differences.
    p_value
        Of no difference; NaN where no item differs, since nothing was tested then.
    n_items
        Items, the units whose signs are flipped.
    n_differ
        Items whose difference is not zero. With n of them no p-value lies below ``2 ** (1 - n)``.
    n_flips
        Assignments of signs behind the p-value.
    exact
        Whether these are all there are.
    """

    estimate: float
    p_value: float
    n_items: int
    n_differ: int
    n_flips: int
    exact: bool


def paired_test(
    differences: ArrayLike,
    strata: ArrayLike,
    items: ArrayLike,
    *,
    rng: np.random.Generator,
    n_flips: int = 9999,
) -> PairedTest:
    r"""Test whether paired differences are centred at zero, with the item as the unit.

    All rows of an item (its subjects, its orders) change sign together, so their dependence needs no model. The
    statistic is the figure that is reported, :math:`T = \sum_i s_i c_i` with the share :math:`c_i` that item i has in
    the stratified mean and its sign :math:`s_i`.

    Parameters
    ----------
    differences
        float, (n,): first minus second, a row each.
    strata
        (n,): the estimate is the mean over strata of the mean in each (labels: balanced figures).
    items
        (n,): any labels, an item may lie in several strata.
    rng
        Source of the signs where not all of them are counted.
    n_flips
        Assignments to draw; drawn ones count the observed one as well, so no p-value is zero.

    Raises
    ------
    InputError
        Lengths differ, there are no rows, a value is not finite, or no assignments are asked for.

    Notes
    -----
    It says something about other items for these subjects; whether other subjects would show it is what the crossed
    interval adds.

    References
    ----------
    Phipson, B. & Smyth, G. K. (2010). Permutation p-values should never be zero. Stat. Appl. Genet. Mol. Biol. 9, 39.
    doi 10.2202/1544-6115.1585
    """
    values, strata_, items_ = np.asarray(differences, dtype=np.float64), np.asarray(strata), np.asarray(items)
    if values.ndim != 1 or not len(values) or strata_.shape != values.shape or items_.shape != values.shape:
        raise InputError(
            f"expected differences, strata and items of one length above 0, found {values.shape}, {strata_.shape} and "
            f"{items_.shape}: give one entry a row"
        )
    if not np.isfinite(values).all() or n_flips < 1:
        raise InputError("expected finite differences and n_flips above 0, found others: leave out rows without one")
    shares = _shares(values, strata_, items_)
    moving = shares[np.abs(shares) > 1e-15]
    observed = float(shares.sum())
    exact = len(moving) <= EXACT_ITEMS
    if not len(moving):
        return PairedTest(observed, float("nan"), len(shares), 0, 0, True)
    as_extreme, n = _count_all(moving, observed) if exact else _count_drawn(moving, observed, rng, n_flips)
    return PairedTest(observed, as_extreme / n, len(shares), len(moving), n, exact)


def _shares(values: Floats, strata: np.ndarray, items: np.ndarray) -> Floats:
    """Share of each item in the stratified mean, (n_items,)."""
    names, stratum = np.unique(strata, return_inverse=True)
    _, item = np.unique(items, return_inverse=True)
    weights = 1.0 / (np.bincount(stratum)[stratum] * len(names))
    return np.bincount(item, values * weights).astype(np.float64)


def _is_extreme(statistics: Floats, observed: float) -> int:
    return int((np.abs(statistics) >= abs(observed) * (1 - 1e-12) - 1e-15).sum())


def _count_all(moving: Floats, observed: float) -> tuple[int, int]:
    n = len(moving)
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    return _is_extreme(signs @ moving, observed), 2**n


def _count_drawn(moving: Floats, observed: float, rng: np.random.Generator, n_flips: int) -> tuple[int, int]:
    found = 1  # the assignment that was observed
    for start in range(0, n_flips, _BLOCK):
        size = min(_BLOCK, n_flips - start)
        signs = 1.0 - 2.0 * rng.integers(0, 2, (size, len(moving)))
        found += _is_extreme(signs @ moving, observed)
    return found, n_flips + 1
