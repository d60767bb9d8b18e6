"""Exponents by maximum likelihood, against SciPy's own curve fitting."""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import expit

from brainalign.statistics.scaling import Curve, Scale, fit_exponent

ACCURACY = Scale(0.0, 1.0, 0.5)
SIZES = np.geomspace(1e5, 1e8, 9)
T = np.linspace(0, 1, 9)
SPAN = float(np.log(1e3))


def noisy(y: np.ndarray) -> Curve:
    measured = y + 0.004 * np.random.default_rng(3).standard_normal(9)
    return Curve.of(SIZES, measured, np.eye(9) * 0.004**2, ("one",) * 9, ACCURACY)


@pytest.mark.parametrize(
    ("name", "function", "start"),
    [
        ("power law", lambda t, a, k: 0.5 + a * np.exp(k * t), (0.05, 2.0)),
        ("saturating", lambda t, c, a, k: c - a * np.exp(-k * t), (0.8, 0.3, 2.0)),
        ("logistic", lambda t, m, k: expit(m + k * t), (0.0, 2.0)),
    ],
)
def test_estimates_are_those_of_least_squares(name: str, function, start: tuple[float, ...]) -> None:
    curve = noisy(function(T, *start))
    expected = curve_fit(function, T, curve.y, p0=start)[0][-1]
    found = fit_exponent(curve, name)
    assert found.estimate * SPAN == pytest.approx(expected, rel=0.03)
    assert found.is_closed
    assert found.excludes_zero


def test_a_flat_curve_bounds_no_exponent() -> None:
    found = fit_exponent(noisy(np.full(9, 0.502)), "power law")
    assert not (found.is_closed and found.excludes_zero)
