"""Guidance forms against scikit-learn's ridge regression, refitted for every target."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from brainalign.encoding import GuidanceConfig, GuidanceMaps, fit_guidance, guidance_similarity
from brainalign.encoding.guidance import Similarity
from brainalign.errors import InputError

Array = NDArray[np.float64]
ALPHAS = (0.1, 10.0, 1000.0)
N, D, V, LAYERS = 14, 30, 9, 2
POOL = np.array([0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12])
TARGETS = np.array([3, 4, 12])


def draw(seed: int = 0, d: int = D) -> tuple[Array, dict[str, Array]]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(LAYERS, N, d)) * 3 + rng.normal(size=(LAYERS, 1, d)) * 5
    weights = rng.normal(size=(d, V))
    return X, {
        name: X[0] @ weights * 0.1 + rng.normal(size=(N, V)) * noise for name, noise in (("a", 0.5), ("b", 20.0))
    }


def refitted(X: Array, Y: Array, target: int, leave_out: bool) -> RidgeCV:
    rows = POOL[target != POOL] if leave_out else POOL
    return RidgeCV(alphas=ALPHAS).fit(X[rows], Y[rows])


def expected(prediction: Array, y: Array, similarity: Similarity) -> float:
    if similarity == "mse":
        return float(-np.mean((prediction - y) ** 2))
    if similarity == "pearson":
        return float(np.corrcoef(prediction, y)[0, 1])
    return float(prediction @ y / np.linalg.norm(prediction) / np.linalg.norm(y))


@pytest.mark.parametrize("similarity", ["cosine", "pearson", "mse"])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("d", [D, 6])
def test_similarity_equals_that_of_a_refitted_ridge(
    similarity: Similarity, intercept: bool, leave_out: bool, d: int
) -> None:
    X, Y = draw(d=d)
    config = GuidanceConfig(ALPHAS, leave_out=leave_out, intercept=intercept)
    maps = fit_guidance(X, Y, pool=POOL, targets=TARGETS, config=config)
    rng = np.random.default_rng(1)
    for layer in range(LAYERS):
        for s, subject in enumerate(Y):
            for t, target in enumerate(TARGETS):
                model = refitted(X[layer], Y[subject], target, leave_out)
                x = X[layer, target] + rng.normal(size=d)
                prediction = model.coef_ @ x + (model.intercept_ if intercept else 0.0)
                value, _ = guidance_similarity(maps, (layer, s, t), x, similarity)
                assert maps.alphas[layer, s, maps.map_index[t]] == model.alpha_
                assert value == pytest.approx(expected(prediction, Y[subject][target], similarity), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("similarity", ["cosine", "pearson", "mse"])
def test_gradient_equals_finite_differences(similarity: Similarity) -> None:
    X, Y = draw()
    maps = fit_guidance(X, Y, pool=POOL, targets=TARGETS, config=GuidanceConfig(ALPHAS))
    x, step = X[1, 4] + 0.3, 1e-4
    _, gradient = guidance_similarity(maps, (1, 0, 1), x, similarity)
    for axis in range(0, D, 7):
        move = np.zeros(D)
        move[axis] = step
        ahead, _ = guidance_similarity(maps, (1, 0, 1), x + move, similarity)
        behind, _ = guidance_similarity(maps, (1, 0, 1), x - move, similarity)
        assert gradient[axis] == pytest.approx((ahead - behind) / (2 * step), rel=1e-4, abs=1e-7)


def test_target_left_out_cannot_reach_its_own_map() -> None:
    X, Y = draw()
    before = fit_guidance(X, Y, pool=POOL, targets=TARGETS)
    changed = {name: betas.copy() for name, betas in Y.items()}
    for betas in changed.values():
        betas[3] *= -2.0
    after = fit_guidance(X, changed, pool=POOL, targets=TARGETS)
    own, other = before.map_index[[0, 2]]
    np.testing.assert_array_equal(before.quadratic[:, :, own], after.quadratic[:, :, own])
    np.testing.assert_allclose(before.linear[:, :, 0], -after.linear[:, :, 0] / 2, rtol=1e-5)
    assert not np.allclose(before.quadratic[:, :, other], after.quadratic[:, :, other])


def test_maps_are_shared_by_targets_outside_the_pool_and_by_all_when_none_is_left_out() -> None:
    X, Y = draw()
    apart = fit_guidance(X, Y, pool=POOL, targets=[4, 9, 13])
    together = fit_guidance(X, Y, pool=POOL, targets=TARGETS, config=GuidanceConfig(leave_out=False))
    assert apart.map_index.tolist() == together.map_index.tolist() == [0, 0, 0]
    np.testing.assert_allclose(apart.quadratic, together.quadratic, rtol=1e-6)
    mixed = fit_guidance(X, Y, pool=POOL, targets=TARGETS)
    assert mixed.map_index.tolist() == [0, 2, 1]


def test_chunks_and_company_do_not_change_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = draw()
    whole = fit_guidance(X, Y, pool=POOL, targets=POOL)
    monkeypatch.setattr("brainalign.encoding.guidance_fit._CHUNK_SIZE", 1)
    alone = fit_guidance(X, {"b": Y["b"]}, pool=POOL, targets=POOL)
    for name in ("quadratic", "linear", "voxel_mean", "alphas"):
        np.testing.assert_allclose(getattr(alone, name)[:, 0], getattr(whole, name)[:, 1], rtol=1e-5, atol=1e-5)


def test_rows_that_are_not_used_may_be_missing() -> None:
    X, Y = draw()
    Y["a"][9] = np.nan
    assert isinstance(fit_guidance(X, Y, pool=POOL, targets=TARGETS), GuidanceMaps)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": np.zeros((N, D))}, "layers, stimuli, width"),
        ({"X": np.full((LAYERS, N, D), np.nan)}, "finite states"),
        ({"Y": {}}, "at least one subject"),
        ({"Y": {"a": np.zeros((N - 1, V))}}, r"\(14, voxels\) for subject 'a', found \(13, 9\)"),
        ({"Y": {"a": np.where(np.eye(N, V) > 0, np.nan, 1.0)}}, "NaN for subject 'a'"),
        ({"Y": {"a": np.full((N, V), np.nan)}}, "at least 4 trials, found 0 of subject 'a'"),
        ({"pool": [0, 1, 2, 99]}, "between 0 and 13 in pool, found 0 to 99"),
        ({"pool": [0, 1, 2, 2, 3]}, "one twice"),
        ({"pool": [0, 1, 2]}, "at least 4 trials, found 3"),
        ({"targets": []}, "targets as a list of row numbers"),
        ({"config": GuidanceConfig(alphas=(0.0, 1.0))}, "positive penalties"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], words: str) -> None:
    X, Y = draw()
    arguments: dict[str, object] = {"X": X, "Y": Y, "pool": POOL, "targets": TARGETS} | change
    with pytest.raises(InputError, match=words):
        fit_guidance(arguments.pop("X"), arguments.pop("Y"), **arguments)  # type: ignore[arg-type]


def test_each_subject_has_the_maps_of_its_own_trials_alone() -> None:
    X, Y = draw()
    missing = [0, 3, 6, 9]
    Y["a"][missing] = np.nan
    config = GuidanceConfig(ALPHAS)
    maps = fit_guidance(X, Y, pool=POOL, targets=TARGETS, config=config)
    own_pool = np.setdiff1d(POOL, missing)
    alone = fit_guidance(X, {"a": Y["a"]}, pool=own_pool, targets=[4, 12], config=config)
    other = fit_guidance(X, {"b": Y["b"]}, pool=POOL, targets=TARGETS, config=config)
    for layer in range(LAYERS):
        for place, target in ((1, 4), (2, 12)):
            # Rows of the pool that "a" never saw span more directions, and change nothing along the others.
            x = X[layer, target] + 0.1
            found = guidance_similarity(maps, (layer, 0, place), x)
            expected_value, expected_gradient = guidance_similarity(alone, (layer, 0, place - 1), x)
            assert found[0] == pytest.approx(expected_value, rel=1e-4, abs=1e-5)
            np.testing.assert_allclose(found[1], expected_gradient, atol=1e-4 * np.abs(expected_gradient).max())
    for name in ("quadratic", "linear", "voxel_mean", "alphas"):
        np.testing.assert_array_equal(getattr(maps, name)[:, 1], getattr(other, name)[:, 0])
    assert np.isnan(maps.linear[:, 0, 0]).all()  # target 3 was no trial of "a"
    assert np.isnan(maps.y_norm[0, 0])
