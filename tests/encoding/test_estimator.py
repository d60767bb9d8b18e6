"""RidgeLOO against scikit-learn's RidgeCV, its estimator checks and the closed form."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from brainalign.encoding import RidgeLOO
from brainalign.errors import InputError


@parametrize_with_checks([RidgeLOO(), RidgeLOO(alphas=(0.1, 1.0), fit_intercept=False)])
def test_scikit_learn_accepts_the_estimator(estimator: RidgeLOO, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(("n", "d"), [(12, 40), (40, 6), (9, 8)])
@pytest.mark.parametrize("noise", [0.1, 3.0, 100.0])
def test_equals_ridge_cv(fit_intercept: bool, n: int, d: int, noise: float) -> None:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, d)) + 4.0
    Y = X @ rng.normal(size=(d, 5)) + noise * rng.normal(size=(n, 5)) - 7.0
    alphas = np.logspace(-3, 3, 7)
    ours = RidgeLOO(alphas=tuple(alphas), fit_intercept=fit_intercept).fit(X, Y)
    theirs = RidgeCV(alphas=alphas, fit_intercept=fit_intercept).fit(X, Y)
    assert ours.alpha_ == theirs.alpha_
    assert ours.best_score_ == pytest.approx(theirs.best_score_, rel=1e-8)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8, atol=1e-8)


def test_equals_the_closed_form() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(20, 7)), rng.normal(size=20)
    model = RidgeLOO(alphas=(2.5,)).fit(X, y)
    design = np.column_stack([X, np.ones(20)])
    penalty = np.diag([2.5] * 7 + [0.0])
    expected = np.linalg.solve(design.T @ design + penalty, design.T @ y)
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), expected, rtol=1e-10)


def test_score_is_that_of_refitting_without_each_sample() -> None:
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(10, 15)), rng.normal(size=(10, 3))
    errors = []
    for left_out in range(10):
        rest = np.arange(10) != left_out
        refitted = RidgeLOO(alphas=(1.7,)).fit(X[rest], Y[rest])
        errors.append((refitted.predict(X[[left_out]])[0] - Y[left_out]) ** 2)
    assert RidgeLOO(alphas=(1.7,)).fit(X, Y).best_score_ == pytest.approx(-np.mean(errors), rel=1e-9)


def test_penalties_must_be_positive() -> None:
    with pytest.raises(InputError, match="positive penalties"):
        RidgeLOO(alphas=(1.0, -1.0)).fit(np.eye(3), np.arange(3.0))
