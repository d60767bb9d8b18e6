"""Answers before and after as outcomes, against scores taken straight from the answers."""

from dataclasses import replace

import numpy as np
import pytest

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.errors import InputError
from brainalign.evaluation import answer_metrics
from brainalign.evaluation.order_answers import OrderAnswers
from brainalign.finetuning.outcomes import tuning_outcomes
from brainalign.steering import summarise
from brainalign.stimuli import OrderPlan, generate_problems, premise_orders


@pytest.fixture
def before() -> OrderAnswers:
    problems = generate_problems(4, 0, vocabulary="validation")
    orders = [np.array([order.places for order in premise_orders(p, OrderPlan("all"))], np.int8) for p in problems]
    rows = np.repeat(np.arange(len(problems)), [len(found) for found in orders])
    rng = np.random.default_rng(0)
    answer = rng.integers(-1, 2, len(rows)).astype(np.int8)
    margin = rng.normal(size=len(rows)).astype(np.float32)
    return OrderAnswers(problems, rows, tuple(orders), answer, margin, len(rows), "all")


def test_net_balanced_accuracy_is_the_change_of_balanced_accuracy(before: OrderAnswers) -> None:
    answer = np.random.default_rng(1).integers(-1, 2, len(before.rows)).astype(np.int8)
    after = replace(before, answer=answer, margin=before.margin + 1)
    table = tuning_outcomes(before, after, "key", "guided")
    assert table.schema == OUTCOME_SCHEMA
    labels = before.problems.labels[before.rows]
    scores = [answer_metrics(answers, labels).balanced_accuracy for answers in (before.answer, answer)]
    summary = summarise(table)
    assert summary.overall.net_balanced_accuracy == pytest.approx(scores[1] - scores[0])
    assert summary.overall.balanced_accuracy == pytest.approx(scores[1])
    assert summary.overall.n_targeted == int((before.answer != labels).sum())
    assert summary.invalid == pytest.approx(np.mean(answer < 0))
    assert summary.margin_change == pytest.approx(1)
    assert len(set(zip(table["stimulus_id"].to_pylist(), table["order"].to_pylist(), strict=True))) == len(table)


def test_nothing_changed_is_no_success(before: OrderAnswers) -> None:
    assert not any(tuning_outcomes(before, before, "key", "label")["success"].to_pylist())


def test_other_problems_are_refused(before: OrderAnswers) -> None:
    keep = np.ones(len(before.problems), dtype=bool)
    keep[0] = False
    with pytest.raises(InputError, match="same problems in the same orders"):
        tuning_outcomes(before, before.select(keep), "key", "guided")
