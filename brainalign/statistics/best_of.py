"""What choosing the best of several comes to by itself."""

from collections.abc import Sequence

import numpy as np


def expected_best(values: Sequence[float], n_draws: int) -> float | None:
    """Mean of the largest of `n_draws` draws with replacement; None without values or draws.

    With the values in rising order, x_1 … x_N, it is the sum over k of x_k ((k / N)^n - ((k - 1) / N)^n).

    References
    ----------
    Dodge et al. 2019, Show Your Work, doi 10.18653/v1/D19-1224.
    """
    if not len(values) or n_draws < 1:
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    share = np.arange(len(ordered) + 1) / len(ordered)
    return float(ordered @ np.diff(share**n_draws))
