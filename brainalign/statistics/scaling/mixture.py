"""A predicted figure as a mixture of normal distributions: its interval, its quantiles, and how an outcome scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from brainalign.errors import InputError
from brainalign.statistics.stratified import Floats

N_QUANTILES = 200
_NEGLIGIBLE = 1e-6
_N_HALVINGS = 40
_N_GRID = 400


@dataclass(frozen=True)
class Mixture:
    """Weights (sum 1), means and standard deviations of normal components, float64 (k,) each."""

    weights: Floats
    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, log_weights: Floats, means: Floats, variances: Floats) -> "Mixture":
        """Mix components by unnormalised log weights; negligible ones are dropped."""
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        kept = weights > _NEGLIGIBLE
        return cls(weights[kept] / weights[kept].sum(), means[kept], np.sqrt(variances[kept]))

    @property
    def mean(self) -> float:
        """Expected figure."""
        return float(self.weights @ self.means)

    def cdf(self, y: ArrayLike) -> Floats:
        """Probability of at most `y`, shaped like it."""
        z = (np.asarray(y, dtype=np.float64)[..., None] - self.means) / self.deviations
        return np.asarray(ndtr(z) @ self.weights)

    def quantiles(self, shares: ArrayLike) -> Floats:
        """Figures below which the given shares lie, by bisection."""
        wanted = np.asarray(shares, dtype=np.float64)
        low = np.full(wanted.shape, float((self.means - 9 * self.deviations).min()))
        high = np.full(wanted.shape, float((self.means + 9 * self.deviations).max()))
        for _ in range(_N_HALVINGS):
            middle = (low + high) / 2
            below = self.cdf(middle) < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def sample_points(self) -> Floats:
        """Evenly spaced quantiles (`N_QUANTILES`,) that stand for the whole distribution in a file."""
        shares = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
        low, high = self.quantiles([shares[0], shares[-1]])
        grid = np.linspace(low, high, _N_GRID)
        return np.asarray(np.interp(shares, self.cdf(grid), grid))


def crps(points: ArrayLike, outcome: float) -> float:
    """Continuous ranked probability score of an outcome under equally likely points: 0 is best, in the outcome's unit.

    .. math:: E|X - y| - E|X - X'| / 2

    Raises
    ------
    InputError
        There is no point, or something is not finite.

    References
    ----------
    Gneiting, T. & Raftery, A. E. (2007). Strictly proper scoring rules. J. Am. Stat. Assoc. 102, 359-378.
    doi 10.1198/016214506000001437
    """
    x = np.sort(np.asarray(points, dtype=np.float64).ravel())
    if not x.size or not np.isfinite(x).all() or not np.isfinite(outcome):
        raise InputError(f"expected finite points and outcome of a forecast, found {x.size}, {outcome}: leave NaN out")
    n = x.size
    spread = float((x * (2 * np.arange(1, n + 1) - n - 1)).sum()) / n**2
    return float(np.abs(x - outcome).mean()) - spread
