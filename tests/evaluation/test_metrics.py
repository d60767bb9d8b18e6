"""Answer metrics against scikit-learn and by hand."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from brainalign.errors import InputError
from brainalign.evaluation import answer_metrics


def test_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    answers = rng.integers(0, 2, 200)
    scores = answer_metrics(answers, labels)
    assert scores.accuracy == pytest.approx(accuracy_score(labels, answers))
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, answers))
    assert scores.n == 200


def test_always_true_is_at_chance_when_balanced() -> None:
    scores = answer_metrics(np.ones(72, dtype=np.int8), np.arange(72) < 48)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.balanced_accuracy == 0.5
    assert scores.share_true == 1.0
    assert scores.invalid == 0.0


def test_neither_is_wrong_and_counted() -> None:
    scores = answer_metrics([-1, 1, -1, 0], [True, True, False, False])
    assert (scores.accuracy, scores.balanced_accuracy, scores.invalid, scores.share_true) == (0.5, 0.5, 0.5, 0.25)


def test_missing_labels_are_left_out() -> None:
    scores = answer_metrics([1, 0, 0], [1.0, np.nan, 0.0])
    assert (scores.n, scores.accuracy) == (2, 1.0)


def test_one_label_only_and_none() -> None:
    assert answer_metrics([1, 0], [True, True]).balanced_accuracy == 0.5
    empty = answer_metrics([1], [np.nan])
    assert empty.n == 0
    assert np.isnan(empty.accuracy)
    assert json.loads(json.dumps(empty.to_json()))["accuracy"] is None


@pytest.mark.parametrize(
    ("answers", "labels", "found"),
    [([1, 0], [True], "shapes"), ([2], [True], "2"), ([1], [3.0], "3"), ([[1]], [[True]], "shapes")],
)
def test_bad_input_is_named(answers: object, labels: object, found: str) -> None:
    with pytest.raises(InputError, match=found):
        answer_metrics(answers, labels)  # type: ignore[arg-type]
