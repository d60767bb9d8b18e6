"""Rival forms of a scaling curve, each as a family of local linear models over its nonlinear parameters.

Sizes are measured as t, the logarithm of the number of parameters with 0 at the smallest and 1 at the largest model
that a curve is fitted to.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtri

from brainalign.statistics.stratified import Floats

# Spaced by the quantiles of a normal distribution: equally likely nodes, with steep curves less likely than flat ones.
POWER_EXPONENTS = 1.8 * ndtri(np.linspace(0.003, 0.997, 121))
SATURATING_EXPONENTS = np.geomspace(0.2, 14.0, 60)
_LOGITS = np.linspace(-4.5, 4.5, 19)


@dataclass(frozen=True)
class Scale:
    """What a figure can be: its range, and what it is where nothing is known (`floor`: 0.5 of a balanced accuracy)."""

    low: float
    high: float
    floor: float

    @property
    def width(self) -> float:
        """Length of the range."""
        return self.high - self.low


@dataclass(frozen=True)
class Nodes:
    """A form as G local linear models ``y = offset + basis c``, ``c ~ N(0, diag(spread^2))``, equally likely before.

    Attributes
    ----------
    offset
        float64, (G, n).
    basis
        float64, (G, n, p).
    spread
        float64, (p,).
    exponents
        float64, (G,): the exponent of each per unit of t; NaN for a form without one.
    """

    offset: Floats
    basis: Floats
    spread: Floats
    exponents: Floats

    @property
    def covariance(self) -> Floats:
        """Prior covariance of the curve's values, (G, n, n)."""
        scaled = self.basis * self.spread
        return scaled @ np.swapaxes(scaled, 1, 2)


@dataclass(frozen=True)
class Form:
    """A form by its name, its equation in words, and the nodes that it has at given sizes."""

    name: str
    equation: str
    nodes: Callable[[Floats, Scale], Nodes]
    has_exponent: bool = False


def _constant(t: Floats, scale: Scale) -> Nodes:
    basis = np.ones((1, t.size, 1))
    return Nodes(np.full((1, t.size), scale.floor), basis, _spread(scale, 1), np.full(1, np.nan))


def _log_linear(t: Floats, scale: Scale) -> Nodes:
    basis = np.stack([1 - t, t], axis=-1)[None]
    return Nodes(np.full((1, t.size), scale.floor), basis, _spread(scale, 2), np.full(1, np.nan))


def _power(t: Floats, scale: Scale) -> Nodes:
    k = POWER_EXPONENTS[:, None]
    basis = np.exp(k * (t - (k > 0)))[..., None]  # 1 at the end where the curve is farther from its floor
    return Nodes(np.full((k.size, t.size), scale.floor), basis, _spread(scale, 1), POWER_EXPONENTS)


def _saturating(t: Floats, scale: Scale) -> Nodes:
    k = SATURATING_EXPONENTS[:, None]
    risen = (1 - np.exp(-k * t)) / (1 - np.exp(-k))
    basis = np.stack([1 - risen, risen], axis=-1)
    return Nodes(np.full((k.size, t.size), scale.floor), basis, _spread(scale, 2), SATURATING_EXPONENTS)


def _logistic(t: Floats, scale: Scale) -> Nodes:
    """Nodes on a grid of the logits at both ends; between them the curve is taken as linear in both."""
    first, last = (grid.ravel()[:, None] for grid in np.meshgrid(_LOGITS, _LOGITS, indexing="ij"))
    share = expit(first * (1 - t) + last * t)
    slope = scale.width * share * (1 - share)
    basis = np.stack([slope * (1 - t), slope * t], axis=-1)
    step = float(_LOGITS[1] - _LOGITS[0])
    return Nodes(scale.low + scale.width * share, basis, np.full(2, 0.6 * step), (last - first)[:, 0])


def _spread(scale: Scale, n: int) -> Floats:
    """Give each coefficient, a value of the curve above its floor, half of the range as standard deviation."""
    return np.full(n, scale.width / 2)


FORMS = (
    Form("constant", "y = c", _constant),
    Form("log-linear", "y = c + b ln N", _log_linear),
    Form("power law", "y = floor + a N^b", _power, has_exponent=True),
    Form("saturating", "y = c - a N^-b", _saturating, has_exponent=True),
    Form("logistic", "logit(y) = c + b ln N", _logistic, has_exponent=True),
)


def relative_sizes(n_parameters: Floats, smallest: float, largest: float) -> Floats:
    """Sizes as t: 0 at the smallest and 1 at the largest fitted model, in logarithms."""
    return np.log(n_parameters / smallest) / np.log(largest / smallest)


def to_logits(y: Floats, scale: Scale) -> Floats:
    """Logits of values as a share of their range, kept within the grid of the logistic form."""
    return np.clip(logit(np.clip((y - scale.low) / scale.width, 1e-3, 1 - 1e-3)), _LOGITS[0], _LOGITS[-1])
