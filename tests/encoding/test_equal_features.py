"""Projections keep what ridge regression sees, and favour no direction."""

import numpy as np
import pytest

from brainalign.encoding import project
from brainalign.errors import InputError


def test_with_all_features_distances_stay() -> None:
    states = np.random.default_rng(0).standard_normal((2, 3, 7, 12)).astype(np.float32)
    found = project(states, 12, np.random.default_rng(1))
    assert found.shape == states.shape
    assert np.einsum("abij,abkj->abik", found, found) == pytest.approx(
        np.einsum("abij,abkj->abik", states, states), abs=1e-4
    )


def test_fewer_features_are_an_orthonormal_projection() -> None:
    found = project(np.eye(20), 5, np.random.default_rng(1))
    assert found.T @ found == pytest.approx(np.eye(5), abs=1e-5)
    drawn = [project(np.eye(6), 1, np.random.default_rng(seed)).ravel() for seed in range(400)]
    assert np.abs(np.mean(drawn, axis=0)).max() < 0.12
    assert np.mean(np.square(drawn), axis=0) == pytest.approx(np.full(6, 1 / 6), abs=0.04)


def test_more_features_than_there_are_is_refused() -> None:
    with pytest.raises(InputError, match="between 1 and 4 features, found 5"):
        project(np.ones((3, 4)), 5, np.random.default_rng(0))
