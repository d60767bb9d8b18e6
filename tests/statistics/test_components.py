"""Components against scikit-learn, scaling against the points that distances came from."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA

from brainalign.errors import InputError
from brainalign.statistics import chance_explained, classical_scaling, principal_components


@pytest.mark.parametrize("shape", [(40, 7), (12, 300)])
def test_components_are_scikit_learns(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).normal(size=shape) @ np.diag(np.linspace(3, 0.5, shape[1])) + 5
    ours, theirs = principal_components(rows, 3), PCA(n_components=3, svd_solver="full").fit(rows)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_)
    signs = np.sign((ours.axes * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.axes, theirs.components_ * signs[:, None], atol=1e-9)
    np.testing.assert_allclose(ours.scores, theirs.transform(rows) * signs, atol=1e-9)
    np.testing.assert_allclose(ours.project(rows[:3]), ours.scores[:3], atol=1e-9)


def test_orientation_does_not_hang_on_the_sign_of_the_rows() -> None:
    rows = np.random.default_rng(1).normal(size=(20, 5))
    np.testing.assert_allclose(principal_components(rows).axes, principal_components(-rows).axes, atol=1e-9)


def test_chance_is_exceeded_by_shared_variance_alone() -> None:
    draw = np.random.default_rng(2)
    noise = draw.normal(size=(40, 30))
    shared = noise + 1.5 * draw.normal(size=(40, 1)) * draw.normal(size=(1, 30))
    assert principal_components(shared).explained[0] > chance_explained(shared, rng=draw)[0]
    exceeded = [
        principal_components(rows).explained[0] > chance_explained(rows, rng=draw)[0]
        for rows in draw.normal(size=(60, 25, 10))
    ]
    assert sum(exceeded) <= 9  # 3 expected


def test_scaling_gives_the_points_back() -> None:
    points = np.random.default_rng(3).normal(size=(15, 2))
    found, shares = classical_scaling(squareform(pdist(points)))
    np.testing.assert_allclose(pdist(found), pdist(points), atol=1e-9)
    assert shares.sum() == pytest.approx(1.0)


def test_bad_rows_are_refused() -> None:
    with pytest.raises(InputError, match="two or more rows"):
        principal_components(np.ones((1, 3)))
    with pytest.raises(InputError, match="finite"):
        principal_components(np.array([[1.0, np.nan], [0.0, 1.0]]))
    with pytest.raises(InputError, match="symmetric"):
        classical_scaling(np.arange(9.0).reshape(3, 3))


def test_rows_that_do_not_vary_explain_nothing() -> None:
    assert principal_components(np.ones((5, 3))).explained.tolist() == [0.0, 0.0]
