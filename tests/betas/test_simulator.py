"""The simulator: what is planted is what can be found, and nothing else can."""

import itertools

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, cross_val_predict, cross_val_score

from brainalign.betas import (
    ROIS,
    SimulatorConfig,
    describe,
    simulate_dataset,
    simulate_with_truth,
    simulated_problems,
)
from brainalign.errors import InputError

ROI = "deductive_reasoning"
LARGE = SimulatorConfig(n_subjects=3, n_problems_per_type=400, n_voxels=dict.fromkeys(ROIS, 80), seed=1)
PLANTED = SimulatorConfig(n_problems_per_type=100, planted_effect=True, n_voxels=dict.fromkeys(ROIS, 80))


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of each column."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return np.asarray((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0)))


def test_known_map_reaches_the_known_ceiling_in_every_subject_and_voxel() -> None:
    dataset, truth = simulate_with_truth(LARGE)
    for roi, subject in itertools.product(ROIS, LARGE.subjects):
        predicted = (truth.features - truth.mean) @ truth.maps[roi][subject]
        np.testing.assert_allclose(predicted.std(axis=0), 1, atol=1e-9)
        found = correlations(predicted, dataset.betas.values[roi][subject])
        ceiling = truth.ceilings[roi][subject]
        # Standard error of a correlation r over n problems: (1 - r^2) / sqrt(n).
        deviations = (found - ceiling) * np.sqrt(len(dataset.problems)) / (1 - ceiling**2)
        assert np.abs(deviations).max() < 5
        assert abs(deviations.mean()) < 5 / np.sqrt(len(deviations))
        assert 0.7 < deviations.std() < 1.3


def test_ridge_finds_the_map_near_the_ceiling_and_nothing_in_shuffled_rows() -> None:
    dataset, truth = simulate_with_truth(LARGE)
    betas, ceiling = dataset.betas.values[ROI]["sim-02"], truth.ceilings[ROI]["sim-02"]
    ridge, folds = RidgeCV(np.logspace(-3, 3, 7)), KFold(5, shuffle=True, random_state=0)
    found = np.median(correlations(cross_val_predict(ridge, truth.features, betas, cv=folds), betas))
    assert found == pytest.approx(np.median(ceiling), abs=0.04)
    rows = np.random.default_rng(0).permutation(len(betas))
    shuffled = np.median(correlations(cross_val_predict(ridge, truth.features[rows], betas, cv=folds), betas))
    assert abs(shuffled) < 0.06


def test_spread_over_subjects_is_as_asked_for() -> None:
    config = SimulatorConfig(n_subjects=9, noise_ceiling=0.5, subject_spread=0.15, n_problems_per_type=400)
    dataset, truth = simulate_with_truth(config)
    medians = np.array([np.median(truth.ceilings[ROI][subject]) for subject in config.subjects])
    assert medians.mean() == pytest.approx(0.5)
    assert medians.std() == pytest.approx(0.15)
    found = [
        np.median(correlations(truth.noiseless(ROI, subject), dataset.betas.values[ROI][subject]))
        for subject in config.subjects
    ]
    np.testing.assert_allclose(found, medians, atol=0.03)


def test_subjects_share_as_much_of_their_maps_as_asked_for() -> None:
    def likeness(share: float) -> float:
        config = SimulatorConfig(n_subjects=2, shared_share=share, n_problems_per_type=50, n_components=20)
        _, truth = simulate_with_truth(config)
        signals = [truth.noiseless("md", subject) for subject in config.subjects]
        return float(correlations(*signals).mean())

    assert likeness(1.0) == pytest.approx(1)
    assert likeness(0.5) == pytest.approx(0.5, abs=0.06)
    assert likeness(0.0) == pytest.approx(0, abs=0.06)


def label_accuracy(X: np.ndarray, labels: np.ndarray) -> float:
    folds = KFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(LogisticRegression(C=0.01, max_iter=500), X, labels, cv=folds).mean())


@pytest.mark.parametrize("planted", [True, False])
def test_right_answer_can_be_read_from_the_betas_only_if_planted(planted: bool) -> None:
    config = SimulatorConfig(n_problems_per_type=100, planted_effect=planted, n_voxels=dict.fromkeys(ROIS, 80))
    dataset, truth = simulate_with_truth(config)
    labels = dataset.problems.labels
    for roi in ROIS:
        accuracy = label_accuracy(dataset.betas.values[roi]["sim-01"], labels)
        assert accuracy > 0.8 if planted else abs(accuracy - 0.5) < 0.12
    signs = np.where(labels, 1.0, -1.0)[:, None].repeat(80, axis=1)
    share = np.mean(correlations(truth.noiseless("md", "sim-01"), signs) ** 2)
    assert share == pytest.approx(0.5 if planted else 0, abs=0.06)
    # The features do not hold the answer either way: only the brain does.
    assert abs(label_accuracy(truth.features, labels) - 0.5) < 0.12
    assert (np.abs(truth.displacement).max() > 0) == planted


def test_planted_betas_are_the_map_of_features_displaced_to_the_right_answer() -> None:
    problems = simulated_problems(PLANTED)
    rng = np.random.default_rng(0)
    features, direction = rng.standard_normal((len(problems), 24)), rng.standard_normal(24)
    dataset, truth = simulate_with_truth(PLANTED, features, direction)
    unit = direction / np.linalg.norm(direction)
    signs = np.where(problems.labels, 1, -1)
    np.testing.assert_array_equal(truth.features, features)
    np.testing.assert_allclose(truth.displacement, np.outer(truth.displacement @ unit, unit), atol=1e-12)
    assert (np.sign(truth.displacement @ unit) == signs).all()
    for subject in PLANTED.subjects:
        weights = truth.maps[ROI][subject]
        shown = (features + truth.displacement) @ weights
        assert np.median(correlations(shown, dataset.betas.values[ROI][subject])) == pytest.approx(
            np.median(truth.ceilings[ROI][subject]), abs=0.05
        )
        # The guidance objective: moving the features towards the right answer brings their image nearer to the betas.
        betas = dataset.betas.values[ROI][subject] - dataset.betas.values[ROI][subject].mean(axis=0)

        def similarity(step: float, weights: np.ndarray = weights, betas: np.ndarray = betas) -> np.ndarray:
            image = (features + step * signs[:, None] * unit - truth.mean) @ weights
            norms = np.linalg.norm(image, axis=1) * np.linalg.norm(betas, axis=1)
            return np.asarray((image * betas).sum(axis=1) / norms)

        assert (similarity(0.5) > similarity(-0.5)).mean() > 0.9


def test_map_stands_in_the_coordinates_of_the_given_features() -> None:
    problems = simulated_problems(LARGE)
    rng = np.random.default_rng(3)
    # Anisotropic and off centre, as a model's states are; more features than problems for the second.
    for width in (40, 900):
        features = rng.standard_normal((len(problems), width)) * np.geomspace(100, 0.1, width) + 5
        dataset, truth = simulate_with_truth(LARGE, features)
        assert truth.maps["language"]["sim-01"].shape == (width, 80)
        found = correlations(features @ truth.maps["language"]["sim-01"], dataset.betas.values["language"]["sim-01"])
        assert np.median(found) == pytest.approx(np.median(truth.ceilings["language"]["sim-01"]), abs=0.03)


def test_same_settings_same_data_and_a_further_subject_changes_no_other_map() -> None:
    config = SimulatorConfig(n_problems_per_type=16)
    first, again = simulate_with_truth(config), simulate_with_truth(config)
    assert first[0].source == again[0].source
    assert (
        first[0].source.content_hash
        != simulate_dataset(SimulatorConfig(n_problems_per_type=16, seed=1)).source.content_hash
    )
    more = simulate_with_truth(SimulatorConfig(n_problems_per_type=16, n_subjects=5))[1]
    np.testing.assert_array_equal(first[1].maps[ROI]["sim-03"], more.maps[ROI]["sim-03"])


def test_subjects_solve_as_many_problems_as_asked_for_and_nothing_looks_real() -> None:
    config = SimulatorConfig(n_problems_per_type=400, accuracy=0.8)
    dataset = simulate_dataset(config)
    assert dataset.betas.correct.mean() == pytest.approx(0.8, abs=0.03)
    facts = describe(dataset)
    assert facts["simulated"] is True
    assert "SIMULATED" in facts["description"]
    assert facts["wording"] == "brainalign"
    assert all(row["subject"].startswith("sim-") for row in facts["subjects"])
    values = dataset.betas.values[ROI]["sim-01"]
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0.5, abs=0.1)
    assert values.std(axis=0).mean() == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise_ceiling": 0.95}, "noise ceilings between 0 and 1"),
        ({"noise_ceiling": 0.2, "subject_spread": 0.3}, "lower subject_spread"),
        ({"accuracy": 1.5}, "shares between 0 and 1"),
        ({"planted_share": 0.9}, r"at most 0\.8"),
        ({"n_subjects": 0}, "at least 1"),
        ({"n_voxels": {"md": 3}}, "deductive_reasoning"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SimulatorConfig(**changes)  # type: ignore[arg-type]


def test_features_that_do_not_fit_are_refused() -> None:
    config = SimulatorConfig(n_problems_per_type=8, planted_effect=True)
    good = np.random.default_rng(0).standard_normal((16, 6))
    with pytest.raises(InputError, match=r"\(16, n_features\), found \(15, 6\)"):
        simulate_dataset(config, good[:15])
    with pytest.raises(InputError, match="finite"):
        simulate_dataset(config, np.full((16, 6), np.nan))
    with pytest.raises(InputError, match="answer direction of shape"):
        simulate_dataset(config, good, np.ones(5))
    flat = good.copy()
    flat[:, 2] = 1
    with pytest.raises(InputError, match="vary along the answer direction"):
        simulate_dataset(config, flat, np.eye(6)[2])


def test_a_single_subject_and_voxel_can_be_simulated() -> None:
    config = SimulatorConfig(n_subjects=1, n_voxels=dict.fromkeys(ROIS, 1), n_problems_per_type=4)
    assert simulate_dataset(config).betas.n_voxels == dict.fromkeys(ROIS, 1)
