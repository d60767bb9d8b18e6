"""People beside a model: agreement and kappa against scikit-learn, accuracies against counts by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from brainalign.betas import SimulatorConfig, simulate_dataset
from brainalign.errors import DataNotFoundError, InputError
from brainalign.evaluation.consistency import consistency
from brainalign.evaluation.human_sets import accuracies_by, human_accuracies
from brainalign.evaluation.humans import compare_with_people
from brainalign.stimuli import HumanAnswer, HumanAnswers


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    model, people = rng.random(60) < 0.7, rng.random((4, 60)) < 0.8
    found = consistency(model, people, rng=rng)
    assert found.kappa.estimate == pytest.approx(np.mean([cohen_kappa_score(model, row) for row in people]))
    assert found.agreement.estimate == pytest.approx((people == model).mean())
    pairs = [cohen_kappa_score(people[i], people[j]) for i in range(4) for j in range(i + 1, 4)]
    assert found.between_people == pytest.approx(np.mean(pairs))
    for interval in (found.kappa, found.agreement, found.chance):
        assert interval.low < interval.estimate < interval.high


def test_independent_errors_have_no_kappa_and_equal_errors_all_of_it() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(100):
        model, people = rng.random(70) < 0.7, rng.random((10, 70)) < 0.8
        kappa = consistency(model, people, rng=rng, n_resamples=300).kappa
        inside.append(kappa.low <= 0 <= kappa.high)
    assert np.mean(inside) >= 0.9
    model = np.arange(20) % 3 > 0
    alike = consistency(model, np.stack([model, model]), rng=rng)
    figures = [alike.kappa.estimate, alike.agreement.estimate, alike.between_people]
    assert figures == pytest.approx([1, 1, 1])
    # Two that are always right agree always, and that shows nothing.
    always = consistency(np.ones(9, bool), np.ones((1, 9), bool), rng=rng)
    figures = [always.agreement.estimate, always.chance.estimate, always.kappa.estimate]
    assert figures == pytest.approx([1, 1, 0])
    assert always.to_json()["between_people"] is None
    with pytest.raises(InputError, match="align them"):
        consistency(model, model, rng=rng)


def test_accuracies_by_category_and_subject() -> None:
    dataset = simulate_dataset(SimulatorConfig(n_subjects=3, n_problems_per_type=16))
    answers = np.where(np.arange(len(dataset.problems)) % 2, 1, -1)
    found = compare_with_people(answers, dataset)
    right = answers == dataset.problems.labels
    name = "transitive/2_true_affirm"
    chosen = np.array([f"{p.reasoning_type}/{p.category}" == name for p in dataset.problems])
    assert found.by_category[name]["model"] == right[chosen].mean()
    for row, subject in enumerate(dataset.betas.subjects):
        assert found.by_category[name][subject] == dataset.betas.correct[row, chosen].mean()
    assert found.people["all"].estimate == pytest.approx(dataset.betas.correct.mean())
    assert found.model["all"] == right.mean()
    assert set(found.consistency) == {"all", "syllogisms", "transitive"}
    assert json.dumps(found.to_json(), allow_nan=False)
    with pytest.raises(InputError, match="one a problem"):
        compare_with_people(answers[:3], dataset)


def test_people_by_condition_of_made_up_answers() -> None:
    answers = [
        HumanAnswer(str(person), str(item), "other", "", True, 1 + item % 3, item % 3 < person, None)
        for person in range(3)
        for item in range(6)
    ]
    found = {row.level: row for row in accuracies_by(HumanAnswers(tuple(answers)), "made up", ("premise_order",))}
    assert {level: row.accuracy.estimate for level, row in found.items()} == pytest.approx(
        {"all": 1 / 3, "continuous": 2 / 3, "semi-continuous": 1 / 3, "discontinuous": 0}
    )
    discontinuous = found["discontinuous"]
    assert (discontinuous.n_people, discontinuous.n_items, discontinuous.n_answers) == (3, 2, 6)
    assert json.dumps(discontinuous.to_json())


def test_no_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="spatial_4premises"):
        human_accuracies(tmp_path)


def test_people_by_condition_of_the_shared_sets(evaluation_folder: Path) -> None:
    """The sets' own counts: by order of three premises, children by label, free choices of two studies."""
    found = {(row.source.split(",")[0], row.factor, row.level): row for row in human_accuracies(evaluation_folder)}
    orders = ("continuous", "semi-continuous", "discontinuous")
    by_order = [found["spatial", "premise_order", level].accuracy for level in orders]
    assert [interval.estimate for interval in by_order] == pytest.approx([0.759, 0.695, 0.725], abs=5e-4)
    by_label = [found["children on the scanner's problems", "label", level] for level in ("True", "False")]
    # Without the two items that contradict themselves.
    assert [row.n_items for row in by_label] == [46, 24]
    assert 0 < by_label[1].accuracy.low < by_label[1].accuracy.high < by_label[0].accuracy.estimate < 1
    assert found["syllogisms", "all", "all"].n_answers == 10_954


def test_people_who_saw_other_problems_are_not_compared_as_if_they_had_failed() -> None:
    dataset = simulate_dataset(SimulatorConfig(dataset="hcp", n_subjects=3, n_problems_per_type=36))
    with pytest.raises(InputError, match="select the subjects and problems of one list"):
        compare_with_people(np.ones(36, np.int8), dataset)
    alike = dataset.select(["sim-01", "sim-03"])
    found = compare_with_people(alike.problems.labels.astype(np.int8), alike)
    assert found.model["all"] == 1.0
