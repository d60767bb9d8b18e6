"""The mean over strata of the mean in each stratum: balanced figures."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainalign.errors import InputError

Floats = NDArray[np.float64]


def stratified_mean(values: ArrayLike, strata: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    r"""Mean over strata of the weighted mean in each stratum.

    .. math:: \frac{1}{L} \sum_l \frac{\sum_{i \in l} w_i x_i}{\sum_{i \in l} w_i}

    With values +1 for a (subject, problem) pair that was corrected, -1 for one that was broken and 0 otherwise, and the
    labels as strata, this is the net balanced accuracy.

    Parameters
    ----------
    values
        float, (n,).
    strata
        int, (n,): stratum of each value.
    weights
        float, (..., n), not negative; one each if left out. Strata whose weights are all zero are left out of the mean.

    Returns
    -------
    float64, (...); NaN where no stratum has any weight.

    Raises
    ------
    InputError
        If lengths differ, there are no values, or a weight is negative.
    """
    x, labels = np.asarray(values, dtype=np.float64), np.asarray(strata)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or labels.shape != x.shape or w.shape[-1:] != x.shape or len(x) == 0:
        raise InputError(
            f"expected values, strata and the last axis of weights of one length above 0, found {x.shape}, "
            f"{labels.shape} and {w.shape}: align them"
        )
    if (w < 0).any():
        raise InputError(f"expected weights of at least 0, found {w.min()}: check the weights")
    names, index = np.unique(labels, return_inverse=True)
    member = (index[:, None] == np.arange(len(names))).astype(np.float64)
    return mean_over_strata(w @ (member * x[:, None]), w @ member)


def mean_over_strata(sums: NDArray[Any], weights: NDArray[Any]) -> Floats:
    """Mean over the last axis of ``sums / weights``, leaving out strata without weight; NaN if none has any."""
    present = weights > 0
    means = np.divide(sums, weights, out=np.zeros(np.shape(sums)), where=present)
    n_present = present.sum(axis=-1)
    total = means.sum(axis=-1)
    return np.asarray(np.divide(total, n_present, out=np.full(np.shape(total), np.nan), where=n_present > 0))
