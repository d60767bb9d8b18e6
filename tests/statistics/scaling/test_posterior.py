"""Fits against what they must give: closed forms, refits without a model, and coverage on curves of known truth."""

import numpy as np
import pytest

from brainalign.errors import InputError
from brainalign.statistics.scaling import FORMS, Curve, Scale, draw_truth, fit_forms, judge
from brainalign.statistics.scaling.forms import relative_sizes
from brainalign.statistics.scaling.posterior import SCATTERS

ACCURACY = Scale(0.0, 1.0, 0.5)
SIZES = np.geomspace(1e5, 1e7, 6)
NAMES = [form.name for form in FORMS]


def curve(y: np.ndarray, error: float = 0.01, sizes: np.ndarray = SIZES) -> Curve:
    return Curve.of(sizes, y, np.eye(len(y)) * error**2, ("one",) * len(y), ACCURACY)


def test_sizes_are_measured_in_logarithms() -> None:
    assert relative_sizes(np.array([1e3, 1e4, 1e6]), 1e3, 1e5) == pytest.approx([0, 0.5, 1.5])


def test_too_few_sizes_and_what_is_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="at least 3 sizes, found 2"):
        curve(np.array([0.5, 0.6, 0.6]), sizes=np.array([1e5, 1e6, 1e6]))
    with pytest.raises(InputError, match="finite"):
        curve(np.array([0.5, np.nan, 0.6]), sizes=SIZES[:3])


def test_left_out_models_are_predicted_as_by_a_refit_without_them() -> None:
    y = np.array([0.52, 0.55, 0.61, 0.66, 0.7, 0.73])
    whole = curve(y, 0.02)
    means, densities = fit_forms(whole).left_out()
    for row in (0, 3):
        kept = np.arange(6) != row
        refit = fit_forms(whole.only(kept))
        for f in range(len(FORMS)):
            told = refit.predict(float(SIZES[row]), error=0.02, form=f)
            assert means[f, row] == pytest.approx(told.mean, abs=1e-5)
            step = 1e-5
            density = (told.cdf(y[row] + step) - told.cdf(y[row] - step)) / (2 * step)
            assert densities[f, row] == pytest.approx(np.log(density), abs=1e-3)


def test_a_line_is_predicted_as_by_least_squares() -> None:
    y = 0.55 + 0.06 * np.arange(6)
    told = fit_forms(curve(y, 0.001)).predict(float(SIZES[-1] ** 1.2 / SIZES[0] ** 0.2), form=NAMES.index("log-linear"))
    assert told.mean == pytest.approx(0.55 + 0.06 * 6, abs=2e-3)


@pytest.mark.parametrize("name", ["log-linear", "saturating", "logistic", "constant"])
def test_a_form_without_noise_goes_through_its_points(name: str) -> None:
    t = np.linspace(0, 1, 6)
    y = {
        "log-linear": 0.5 + 0.3 * t,
        "saturating": 0.8 - 0.3 * np.exp(-2 * t),
        "logistic": 1 / (1 + np.exp(-0.2 - 2.3 * t)),
        "constant": np.full(6, 0.7),
    }[name]
    found = fit_forms(curve(y, 0.002))
    told = [found.predict(float(size), form=NAMES.index(name)).mean for size in SIZES]
    assert told == pytest.approx(y, abs=0.01)


def test_errors_that_models_share_leave_differences_sharp() -> None:
    """With one common error of all models a rise is as sure as without any; as errors of their own it is not."""
    y = 0.55 + 0.02 * np.arange(6)
    shared = Curve.of(SIZES, y, np.full((6, 6), 0.05**2) + np.eye(6) * 1e-6, ("one",) * 6, ACCURACY)
    constant = NAMES.index("constant")
    assert fit_forms(shared).form_weights[constant] < 0.01
    assert fit_forms(curve(y, 0.05)).form_weights[constant] > 0.1


def test_scatter_between_models_is_looked_through_over_two_decades() -> None:
    assert SCATTERS[0] < 0.005
    assert SCATTERS[-1] >= 0.2


def coverage(n_curves: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether the interval held the outcome, and whether a form was told, for each curve."""
    rng = np.random.default_rng(sum(map(ord, name)))
    held, told = [], []
    for _ in range(n_curves):
        truth = draw_truth(rng)
        fitted = fit_forms(truth.curve)
        held.append(0.025 < float(fitted.predict(truth.target, truth.error).cdf(truth.outcome)) < 0.975)
        told.append(judge(fitted).passed if n_curves > 100 else False)
    return np.array(held), np.array(told)


def test_intervals_of_a_larger_model_cover() -> None:
    held, _ = coverage(80, "fast")
    assert held.mean() >= 0.88


@pytest.mark.slow
def test_intervals_cover_93_to_99_of_1000_whether_or_not_a_form_is_told() -> None:
    held, told = coverage(1000, "slow")
    assert 0.93 <= held.mean() <= 0.99
    assert 0.93 <= held[told].mean() <= 0.99
    assert 0.93 <= held[~told].mean() <= 0.99
    assert 30 < told.sum() < 300
