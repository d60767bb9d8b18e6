"""Predictivity against scikit-learn's RidgeCV and SciPy's correlation, planted signals and the published figure."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import pearsonr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import StratifiedKFold

from brainalign.encoding import Place, Predictivity, PredictivityConfig, benchmark_encoding, predictivity
from brainalign.errors import InputError

Array = NDArray[np.float64]
ALPHAS = np.logspace(-3, 3, 7)


def draw(noise: float = 1.0, n: int = 43, d: int = 50, n_layers: int = 3) -> tuple[Array, dict[str, Array], Array]:
    """States whose last attention output holds what three subjects' betas are made of."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(2 * n_layers, n, d)) + 3.0 * rng.normal(size=(2 * n_layers, 1, d))
    signal = X[n_layers - 1, :, :4] @ rng.normal(size=(4, 7))
    Y = {f"sub-{s}": signal + noise * (1 + s) * rng.normal(size=(n, 7)) for s in range(3)}
    strata = np.array(["syllogisms"] * 22 + ["transitive"] * (n - 22))
    return X, Y, strata


def looped(X: Array, Y: Array, strata: Array, seeds: tuple[int, ...] = (1,)) -> tuple[Array, list[float]]:
    """Correlation of each voxel (mean over folds) and the penalties, with scikit-learn and SciPy alone."""
    correlations, alphas = [], []
    for seed in seeds:
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, strata):
            model = RidgeCV(alphas=ALPHAS).fit(X[train], Y[train])
            prediction = model.predict(X[test])
            correlations.append([pearsonr(prediction[:, v], Y[test, v]).statistic for v in range(Y.shape[1])])
            alphas.append(model.alpha_)
    return np.mean(correlations, axis=0), alphas


@pytest.mark.parametrize("noise", [0.01, 1.0, 50.0])
def test_equals_looped_ridge_cv(noise: float) -> None:
    X, Y, strata = draw(noise)
    found = predictivity(X, Y, strata)
    assert found.scores.shape == (6, 3)
    for row in range(6):
        for column, (subject, betas) in enumerate(Y.items()):
            voxels, alphas = looped(X[row], betas, strata)
            np.testing.assert_allclose(found.voxel_scores[subject][row], voxels, atol=1e-6)
            assert found.scores[row, column] == pytest.approx(np.median(voxels), abs=1e-9)
            assert found.alphas[row, column].tolist() == alphas


def test_subset_and_repeats_equal_the_loop_on_those_rows() -> None:
    X, Y, strata = draw()
    rows = strata == "transitive"
    found = predictivity(X, Y, strata, PredictivityConfig(n_repeats=2), subset="transitive")
    expected, _ = looped(X[1][rows], Y["sub-2"][rows], strata[rows], seeds=(1, 2))
    assert found.scores[1, 2] == pytest.approx(np.median(expected), abs=1e-9)
    assert found.n_trials == rows.sum()
    assert found.alphas.shape == (6, 3, 10)


def test_planted_signal_is_found_and_shuffled_is_near_zero() -> None:
    X, Y, strata = draw(noise=0.3, n=70)
    found = predictivity(X, Y, strata)
    assert found.best == Place("attention", 2)
    assert found.score > 0.6
    shuffled = {name: betas[np.random.default_rng(9).permutation(70)] for name, betas in Y.items()}
    assert abs(np.median(predictivity(X, shuffled, strata).layer_scores)) < 0.1


def test_summary_is_max_over_layers_of_the_median_over_subjects() -> None:
    scores = np.array([[0.1, 0.2, 0.6], [0.3, 0.1, 0.0], [0.25, 0.26, 0.5], [np.nan, 0.9, 0.9]])
    found = Predictivity(scores, {}, np.zeros((4, 3, 5)), ("a", "b", "c"), "all", 70, (70, 70, 70), 14)
    assert found.best == Place("layer", 0)
    assert found.score == 0.26
    assert found.mad == pytest.approx(0.01)
    summary = found.to_json()
    assert summary["best_layer"] == {"site": "layer", "index": 0}
    assert summary["scores"] == [0.2, 0.1, 0.26, None]
    assert (summary["n_trials"], summary["n_subjects"]) == (70, 3)


def test_company_of_other_subjects_and_sets_changes_nothing() -> None:
    X, Y, strata = draw()
    together = predictivity(X, Y, strata)
    alone = predictivity(X[[2, 4]], {"sub-1": Y["sub-1"]}, strata)
    np.testing.assert_allclose(alone.scores[:, 0], together.scores[[2, 4], 1], atol=1e-12)


def test_constant_voxels_and_features_are_left_out() -> None:
    X, Y, strata = draw()
    X[0] = 2.5
    Y["sub-0"][:, 3] = 7.0
    found = predictivity(X, Y, strata)
    assert np.isnan(found.scores[0]).all()
    assert np.isnan(found.voxel_scores["sub-0"][:, 3]).all()
    kept = {"sub-0": np.delete(Y["sub-0"], 3, axis=1)}
    np.testing.assert_allclose(found.scores[1:, 0], predictivity(X, kept, strata).scores[1:, 0], atol=1e-12)


def test_large_common_offset_costs_no_digits() -> None:
    X, Y, strata = draw()
    moved = predictivity(X + 1e4, {name: betas - 500.0 for name, betas in Y.items()}, strata)
    np.testing.assert_allclose(moved.scores, predictivity(X, Y, strata).scores, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": np.zeros((3, 43, 5))}, r"\(2 x layers, problems, width\), found \(3, 43, 5\)"),
        ({"X": np.full((2, 43, 5), np.nan)}, "finite states"),
        ({"X": np.ones((2, 43, 5))}, "a layer whose states vary over problems, found none"),
        ({"Y": {}}, "at least one subject"),
        ({"Y": {"a": np.zeros((42, 7))}}, r"\(43, voxels\) for subject 'a', found \(42, 7\)"),
        ({"Y": {"a": np.full((43, 7), np.nan)}}, "voxels that vary, found none for subject 'a'"),
        ({"Y": {"a": np.ones((43, 7))}}, "voxels that vary, found none for subject 'a'"),
        ({"strata": ["x"] * 42}, "one stratum for each of 43 problems"),
        ({"subset": "folio"}, "'all' or one of syllogisms, transitive, found 'folio'"),
        ({"config": PredictivityConfig(n_splits=30)}, "found n_splits=30"),
        ({"config": PredictivityConfig(alphas=())}, "positive penalties"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], words: str) -> None:
    X, Y, strata = draw()
    arguments: dict[str, object] = {"X": X, "Y": Y, "strata": strata} | change
    with pytest.raises(InputError, match=words):
        predictivity(arguments.pop("X"), arguments.pop("Y"), arguments.pop("strata"), **arguments)  # type: ignore[arg-type]


def test_benchmark_finds_the_same_scores() -> None:
    X, Y, strata = draw()
    result = benchmark_encoding(X, Y, strata, n_pairs=5, n_repeats=1)
    assert (result.n_fits, result.n_timed_fits) == (90, 25)
    assert result.largest_difference < 1e-9
    assert result.same_alphas
    assert result.to_json()["ratio"] == result.reference_seconds / result.seconds


def test_attention_output_sets_come_first_in_stacked_activations() -> None:
    X, Y, strata = draw()
    stacked = predictivity(X.reshape(2, 3, *X.shape[1:]), Y, strata)
    np.testing.assert_array_equal(stacked.scores, predictivity(X, Y, strata).scores)
    assert [stacked.place(row) for row in (0, 2, 3, 5)] == [
        ("attention", 0),
        ("attention", 2),
        ("layer", 0),
        ("layer", 2),
    ]


def test_each_subject_is_scored_on_its_own_trials() -> None:
    rng = np.random.default_rng(5)
    X, types = rng.normal(size=(4, 30, 12)), np.repeat(["a", "b"], 15)
    betas = {name: X[1] @ rng.normal(size=(12, v)) + rng.normal(size=(30, v)) for name, v in (("one", 5), ("two", 8))}
    there = np.arange(30) % 3 > 0
    ragged = {"one": betas["one"], "two": np.where(there[:, None], betas["two"], np.nan)}
    found = predictivity(X, ragged, types)
    alone = predictivity(X[:, there], {"two": betas["two"][there]}, types[there])
    whole = predictivity(X, {"one": betas["one"]}, types)
    np.testing.assert_array_equal(found.scores, np.concatenate([whole.scores, alone.scores], axis=1))
    np.testing.assert_array_equal(found.voxel_scores["two"], alone.voxel_scores["two"])
    np.testing.assert_array_equal(found.alphas, np.concatenate([whole.alphas, alone.alphas], axis=1))
    assert (found.n_trials, found.subject_trials) == (30, (30, 20))
    with pytest.raises(InputError, match="NaN for subject 'one'"):
        predictivity(X, {"one": np.where(np.eye(30, 5) > 0, np.nan, betas["one"])}, types)
