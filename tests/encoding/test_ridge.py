"""Sample-space solvers against refitting with explicit formulas, also where matrices are singular."""

import numpy as np
import pytest
from numpy.typing import NDArray

from brainalign.encoding.ridge import (
    RELEASE_ALPHAS,
    choose_alphas,
    decompose,
    decompose_through_origin,
    leave_one_out_errors,
)
from brainalign.errors import InputError

Array = NDArray[np.float64]
ALPHAS = np.array([0.01, 1.0, 100.0])


def brute_force(X: Array, Y: Array, alpha: float) -> float:
    """Sum of squared leave-one-out errors by normal equations with an unpenalised column of ones."""
    design = np.column_stack([X, np.ones(len(X))])
    penalty = np.diag([alpha] * X.shape[1] + [0.0])
    total = 0.0
    for i in range(len(X)):
        rest = np.arange(len(X)) != i
        coefficients = np.linalg.solve(design[rest].T @ design[rest] + penalty, design[rest].T @ Y[rest])
        total += float(((design[i] @ coefficients - Y[i]) ** 2).sum())
    return total


def singular_sets() -> Array:
    """Five feature sets of nine samples: full rank, two that repeat samples, few features, and constant."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5, 9, 12)) + 2.0
    X[1, 4:] = X[1, 4]
    X[2, ::2] = X[2, 0]
    X[3, :, 3:] = 0.0
    X[4] = 1.5
    return X


def test_leave_one_out_errors_equal_refitting_for_all_sets_and_targets_at_once() -> None:
    X, Y = singular_sets(), np.random.default_rng(1).normal(size=(2, 9, 4)) - 3.0
    found = leave_one_out_errors(decompose(X @ X.swapaxes(1, 2)), Y @ Y.swapaxes(1, 2), ALPHAS)
    assert found.shape == (5, 2, 3)
    expected = [[[brute_force(x, y, alpha) for alpha in ALPHAS] for y in Y] for x in X]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_resolvent_gives_the_dual_coefficients() -> None:
    X, Y = singular_sets()[0], np.random.default_rng(2).normal(size=(9, 4))
    (resolvent,) = decompose(X @ X.T).resolvent(ALPHAS[1:2])
    centred = X - X.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred + np.eye(12), centred.T @ (Y - Y.mean(axis=0)))
    np.testing.assert_allclose(centred.T @ resolvent @ Y, expected, atol=1e-10)
    np.testing.assert_allclose(resolvent.sum(axis=0), 0.0, atol=1e-12)


def test_through_the_origin_equals_the_closed_form() -> None:
    X, Y = singular_sets()[3], np.random.default_rng(3).normal(size=(9, 4))
    (resolvent,) = decompose_through_origin(X @ X.T).resolvent(ALPHAS[1:2])
    np.testing.assert_allclose(X.T @ resolvent @ Y, np.linalg.solve(X.T @ X + np.eye(12), X.T @ Y), atol=1e-10)


def test_first_of_equal_penalties_wins() -> None:
    decomposition = decompose(np.zeros((1, 6, 6)))
    target_gram = np.eye(6)[None]
    assert choose_alphas(decomposition, target_gram, np.array([3.0, 3.0, 3.0])) == 3.0
    errors = leave_one_out_errors(decomposition, target_gram, np.array(RELEASE_ALPHAS))
    np.testing.assert_allclose(errors, errors[..., :1].repeat(7, axis=-1), rtol=1e-9)


def test_one_sample_is_too_few() -> None:
    with pytest.raises(InputError, match="at least 2 samples for a ridge regression with intercept, found 1"):
        decompose(np.ones((1, 1)))
