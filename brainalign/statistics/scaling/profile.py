"""The exponent of a form by maximum likelihood from several starts, and its interval by profile likelihood."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, stdtrit

from brainalign.statistics.scaling.curve import Curve
from brainalign.statistics.scaling.forms import FORMS, POWER_EXPONENTS, SATURATING_EXPONENTS, Form, to_logits
from brainalign.statistics.scaling.posterior import SCATTERS
from brainalign.statistics.stratified import Floats

_N_STARTS = 5
_LOGIT_REACH = 1.0
_N_COEFFICIENTS = {"power law": 1, "saturating": 2, "logistic": 1}
_SLOPES = np.linspace(-9.0, 9.0, 61)
GRIDS = {"power law": POWER_EXPONENTS, "saturating": SATURATING_EXPONENTS, "logistic": _SLOPES}
"""Exponents per unit of t that are looked through, by form."""


@dataclass(frozen=True)
class Exponent:
    """An exponent per ln N with the interval that the profile likelihood leaves.

    ``low`` or ``high`` is None where the likelihood does not fall off before the end of what was looked through: the
    data set no bound on that side. ``profile`` holds the exponents looked through and their deviances.
    """

    form: str
    estimate: float
    low: float | None
    high: float | None
    level: float
    profile: tuple[Floats, Floats]

    @property
    def is_closed(self) -> bool:
        """Whether the data bound it on both sides."""
        return self.low is not None and self.high is not None

    @property
    def excludes_zero(self) -> bool:
        """Whether it is bounded away from zero."""
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)


def fit_exponent(curve: Curve, name: str, level: float = 0.95) -> Exponent:
    """Fit the exponent of a form that has one.

    For every exponent of a grid the other parameters, and the scatter between models, are those of the largest
    likelihood. The best exponents of the grid are starts of a local search. The interval holds the exponents whose
    deviance from the best stays below the square of Student's t with as many degrees of freedom as models are left
    over: with few models the normal theory's 3.84 would cover too rarely.

    Parameters
    ----------
    curve : Curve
    name : str
        Of a form of `FORMS` that has an exponent.
    level : float
        Nominal coverage.
    """
    form = next(form for form in FORMS if form.name == name)
    grid = GRIDS[name]

    def deviance(exponent: float) -> float:
        return _deviance(curve, form, exponent)

    found = np.array([deviance(float(exponent)) for exponent in grid])
    best, least = _polish(deviance, grid, found)
    left = max(len(curve.y) - _N_COEFFICIENTS[name] - 1, 1)
    allowed = least + float(stdtrit(left, 0.5 + level / 2)) ** 2
    span = float(np.log(curve.span[1] / curve.span[0]))
    low, high = (_crossing(lambda k: deviance(k) - allowed, grid, found - allowed, best, side) for side in (-1, 1))
    bounds = [None if bound is None else bound / span for bound in (low, high)]
    return Exponent(name, best / span, bounds[0], bounds[1], level, (grid / span, found - least))


def _polish(deviance: Callable[[float], float], grid: Floats, found: Floats) -> tuple[float, float]:
    """Search on from the best exponents of the grid; gives the best one and its deviance."""
    best, least = float(grid[found.argmin()]), float(found.min())
    for start in np.argsort(found)[:_N_STARTS]:
        low, high = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
        local = minimize_scalar(deviance, bounds=(float(low), float(high)), method="bounded")
        if local.fun < least:
            best, least = float(local.x), float(local.fun)
    return best, least


def _crossing(excess: Callable[[float], float], grid: Floats, found: Floats, best: float, side: int) -> float | None:
    """Exponent beyond the best one where the deviance passes what is allowed; None where it never does.

    ``found`` are the grid's deviances minus the allowed one.
    """
    inner = best
    for i in (i for i in np.argsort(side * grid) if side * grid[i] > side * best):
        if found[i] > 0:
            return float(brentq(excess, inner, float(grid[i])))
        inner = float(grid[i])
    return None


def _deviance(curve: Curve, form: Form, exponent: float) -> float:
    """Twice the negative log likelihood at an exponent, least over all other parameters."""
    if form.name == "logistic":
        return _logistic_deviance(curve, exponent)
    t = curve.t
    if form.name == "power law":
        design = np.exp(exponent * (t - (exponent > 0)))[:, None]
    else:
        risen = (1 - np.exp(-exponent * t)) / (1 - np.exp(-exponent))
        design = np.stack([1 - risen, risen], axis=-1)
    return min(_linear_deviance(curve, design, noise) for noise in _noises(curve))


def _noises(curve: Curve) -> list[Floats]:
    """Covariances of the figures under each scatter between models, none at all first."""
    tau = np.concatenate([[0.0], SCATTERS]) * curve.scale.width
    return [curve.covariance + scatter**2 * np.eye(len(curve.y)) for scatter in tau]


def _linear_deviance(curve: Curve, design: Floats, noise: Floats) -> float:
    root = np.linalg.cholesky(noise + 1e-12 * np.eye(len(noise)))
    target = np.linalg.solve(root, curve.y - curve.scale.floor)
    columns = np.linalg.solve(root, design)
    coefficients = np.linalg.lstsq(columns, target, rcond=None)[0]
    return float(((target - columns @ coefficients) ** 2).sum() + 2 * np.log(np.diag(root)).sum())


def _logistic_deviance(curve: Curve, slope: float) -> float:
    """Least deviance over the logit at the middle size, from as many starts as there are models, and over scatters."""
    scale, t = curve.scale, curve.t - 0.5
    starts = np.unique(np.round(to_logits(curve.y, scale) - slope * t, 1))
    least = np.inf
    for noise in _noises(curve):
        precision: Floats = np.asarray(np.linalg.inv(noise), dtype=np.float64)
        constant = float(np.linalg.slogdet(noise)[1])

        def deviance(middle: float, precision: Floats = precision) -> float:
            residuals = curve.y - scale.low - scale.width * expit(middle + slope * t)
            return float(residuals @ precision @ residuals)

        start = float(starts[np.argmin([deviance(float(value)) for value in starts])])
        local = minimize_scalar(deviance, bounds=(start - _LOGIT_REACH, start + _LOGIT_REACH), method="bounded")
        least = min(least, float(local.fun) + constant)
    return least
