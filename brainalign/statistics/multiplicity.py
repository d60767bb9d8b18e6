"""P-values of a family of tests, corrected for their number."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from brainalign.errors import InputError

Correction = Literal["holm", "fdr_bh"]
CORRECTIONS: tuple[Correction, ...] = ("holm", "fdr_bh")


def corrected(p_values: Sequence[float], method: Correction = "holm") -> list[float]:
    """Correct p-values for the number of tests.

    Parameters
    ----------
    p_values
        (n,); NaN stands for a test that could not be made and stays one: it is none of the family.
    method
        ``"holm"`` bounds the chance of any false finding, ``"fdr_bh"`` (Benjamini-Hochberg) the expected share of false
        ones among the findings.

    Returns
    -------
    list of float, in the order given.

    Raises
    ------
    InputError
        Another method, or a p-value outside 0 to 1.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6, 65-70.
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. J. R. Stat. Soc. B 57, 289-300.
    """
    from statsmodels.stats.multitest import multipletests

    values = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(values)
    if method not in CORRECTIONS or ((values[known] < 0) | (values[known] > 1)).any():
        raise InputError(
            f"expected p-values from 0 to 1 and one of {', '.join(CORRECTIONS)}, found {list(p_values)} and {method!r}"
        )
    found = np.full(values.shape, np.nan)
    if known.any():
        found[known] = multipletests(values[known], method=method)[1]
    return [float(value) for value in found]
