"""Curves with a known truth, to try fits on: how often intervals cover, and whether forms are told apart."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from brainalign.statistics.scaling.curve import Curve
from brainalign.statistics.scaling.forms import FORMS, Scale
from brainalign.statistics.stratified import Floats

ACCURACY = Scale(0.0, 1.0, 0.5)


@dataclass(frozen=True)
class Truth:
    """A drawn curve without its largest model, and what was measured of that one.

    ``form`` is the name of the true form, ``target`` the size held out, ``outcome`` its measured and ``value`` its true
    figure, ``error`` the standard error of the measurement, ``exponent`` per ln N (NaN without one).
    """

    form: str
    curve: Curve
    target: float
    outcome: float
    value: float
    error: float
    exponent: float


def draw_truth(rng: np.random.Generator, form: str | None = None) -> Truth:
    """Draw a form, its parameters, 5 to 9 sizes over one and a half to three decades, and measurements with errors."""
    name = form or FORMS[int(rng.integers(len(FORMS)))].name
    n = int(rng.integers(5, 10))
    sizes = np.sort(10 ** (5 + np.concatenate([[0.0], np.cumsum(rng.uniform(0.7, 1.3, n)) * rng.uniform(1.5, 3) / n])))
    t = np.log(sizes / sizes[0]) / np.log(sizes[-2] / sizes[0])
    exponent = _exponent(rng, name)
    y = _values(rng, name, t, exponent)
    tau, error = 10 ** rng.uniform(-2.6, -1.3), rng.uniform(0.005, 0.04)
    measured = y + tau * rng.standard_normal(n + 1) + error * rng.standard_normal(n + 1)
    curve = Curve.of(sizes[:-1], measured[:-1], np.eye(n) * error**2, ("one",) * n, ACCURACY)
    per_log = exponent / float(np.log(sizes[-2] / sizes[0]))
    return Truth(name, curve, float(sizes[-1]), float(measured[-1]), float(y[-1]), error, per_log)


def _exponent(rng: np.random.Generator, name: str) -> float:
    if name == "power law":
        return float(rng.uniform(0.3, 3))
    return float(rng.uniform(0.5, 6)) if name == "saturating" else np.nan


def _values(rng: np.random.Generator, name: str, t: Floats, exponent: float) -> Floats:
    """Accuracies of a form: one end between 0.45 and 0.6, the other anywhere above chance."""
    first, last = rng.uniform(0.45, 0.6), rng.uniform(0.5, 0.93)
    if name == "constant":
        return np.full(t.size, last)
    if name == "log-linear":
        return np.asarray(first + (last - first) * t)
    if name == "power law":
        return np.asarray(0.5 + (last - 0.5) * np.exp(exponent * (t - t[-1])))
    if name == "saturating":
        return np.asarray(first + (last - first) * (1 - np.exp(-exponent * t)) / (1 - np.exp(-exponent)))
    return np.asarray(expit(logit(first) + (logit(last) - logit(first)) * t))
