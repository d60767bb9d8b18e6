"""All orders of the premises: answers are those of one-by-one scoring, scores those of a brute-force count."""

import json
import math
from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
import torch

from brainalign.activations import edited
from brainalign.errors import InputError
from brainalign.evaluation import answer_metrics, evaluate
from brainalign.evaluation.order_answers import OrderAnswers, answer_orders
from brainalign.evaluation.order_sampling import disagreement, sampling_error
from brainalign.evaluation.order_scores import accuracy_by_tau, score_orders
from brainalign.stimuli import Problem, ProblemSet, Wording, generate_problems
from brainalign.stimuli.orders import forward_order
from brainalign.zoo import LanguageModel
from tests.activations.plain import hooks_of, plain_answer, plain_logits, plain_margin
from tests.evaluation.conftest import longer


def every_order(problem: Problem) -> list[Problem]:
    return [replace(problem, premises=premises) for premises in permutations(problem.premises)]


@pytest.mark.parametrize("steered", [False, True])
def test_answers_are_those_of_one_by_one(
    model: LanguageModel, problems: ProblemSet, wording: Wording, steered: bool
) -> None:
    layers = (1, 3) if steered else ()
    added = torch.from_numpy(np.random.default_rng(3).standard_normal((2, model.hidden_size)).astype(np.float32))
    before = hooks_of(model)
    found = answer_orders(
        model,
        problems,
        wording,
        within=lambda: edited(model, "attention", layers, lambda layer, states: states + added[layer // 2]),
    )
    assert hooks_of(model) == before
    prompts = [model.encode_chat(wording.messages(p)) for problem in problems for p in every_order(problem)]
    logits = [plain_logits(model, ids, layers, added) for ids in prompts]
    assert found.rows.tolist() == np.repeat(range(7), [6] * 6 + [24]).tolist()
    assert found.answer.tolist() == [plain_answer(model, row) for row in logits]
    np.testing.assert_allclose(found.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)
    assert found.n_distinct == len({tuple(ids) for ids in prompts}) == 6 * 6 + 12


def test_scores_are_a_brute_force_count(problems: ProblemSet) -> None:
    rng = np.random.default_rng(7)
    counts = [math.factorial(len(problem.premises)) for problem in problems]
    table = [rng.integers(-1, 2, count) for count in counts]
    answers = by_hand(problems, table)
    scores = score_orders(answers, "test").to_json()
    right = [row == problem.label for row, problem in zip(table, problems, strict=True)]
    assert scores["accuracy"] == pytest.approx(np.mean([row.mean() for row in right]))
    by_label = [[row.mean() for row, p in zip(right, problems, strict=True) if p.label == label] for label in (0, 1)]
    assert scores["balanced_accuracy"] == pytest.approx(np.mean([np.mean(column) for column in by_label]))
    worst_of_three = min(np.mean([row[j] for row in right[:6]]) for j in range(6))
    assert scores["worst_order"] == pytest.approx((6 * worst_of_three + min(right[6])) / 7)
    assert scores["worst_orders"][0]["accuracy"] == pytest.approx(worst_of_three)
    assert [row["n_problems"] for row in scores["worst_orders"]] == [6, 1]
    assert scores["all_orders"] == np.mean([row.all() for row in right])
    flips = [np.mean([a != b for a, b in combinations(row.tolist(), 2)]) for row in table]
    assert scores["flip_rate"] == pytest.approx(np.mean(flips))
    assert scores["unstable"] == np.mean([len(set(row.tolist())) > 1 for row in table])
    assert scores["invalid"] == pytest.approx(np.mean([np.mean(row == -1) for row in table]))
    assert scores["share_true"] == pytest.approx(np.mean([np.mean(row == 1) for row in table]))
    assert set(scores["sampling_error"].values()) == {0.0}
    assert scores["intervals"]["accuracy"]["low"] < scores["accuracy"] < scores["intervals"]["accuracy"]["high"]
    by_tau = accuracy_by_tau(answers.select(np.arange(7) < 6))
    assert [row["tau"] for row in by_tau] == pytest.approx([-1, -1 / 3, 1 / 3, 1])
    assert by_tau[-1]["accuracy"] == np.mean([row[0] for row in right[:6]])
    assert by_tau[0]["accuracy"] == np.mean([row[5] for row in right[:6]])


def by_hand(problems: ProblemSet, table: list[np.ndarray]) -> OrderAnswers:
    orders = tuple(np.array(list(permutations(range(len(problem.premises)))), dtype=np.int8) for problem in problems)
    rows = np.repeat(np.arange(len(table)), [len(row) for row in table])
    answer = np.concatenate(table).astype(np.int8)
    return OrderAnswers(problems, rows, orders, answer, answer.astype(np.float32), len(answer), "all")


def test_one_order_scores_as_the_plain_metrics(llama: LanguageModel, wording: Wording) -> None:
    problems = generate_problems(8, seed=1)
    found = evaluate(llama, problems, wording, orders="forward")
    plain = answer_metrics(found.answers.answer, problems.labels)
    facts = found.to_json()
    assert (facts["accuracy"], facts["invalid"]) == (plain.accuracy, plain.invalid)
    assert facts["balanced_accuracy"] == pytest.approx(plain.balanced_accuracy)
    assert facts["worst_order"] == facts["all_orders"] == plain.accuracy
    assert facts["flip_rate"] is None
    assert (facts["n_prompts"], facts["n_distinct"]) == (16, 16)
    assert set(facts["by_type"]) == {"syllogisms", "transitive"} == set(facts["shortcut"])
    assert json.dumps(facts, allow_nan=False)


def test_orders_are_told_from_the_forward_one(llama: LanguageModel, wording: Wording) -> None:
    problem = generate_problems(1, seed=3)[0]
    found = answer_orders(llama, ProblemSet((problem,), "generated"), wording)
    forward = forward_order(problem)
    for order, margin in zip(found.orders[0].tolist(), found.margin, strict=True):
        premises = tuple(problem.premises[forward[rank]] for rank in order)
        logits = plain_logits(llama, llama.encode_chat(wording.messages(replace(problem, premises=premises))))
        assert margin == pytest.approx(plain_margin(llama, logits), abs=1e-5)


@pytest.mark.parametrize("n_asked", [2, 3, 6])
def test_sampled_orders_estimate_all_without_bias_and_with_the_stated_error(n_asked: int) -> None:
    rng = np.random.default_rng(2)
    full = rng.integers(0, 2, (2, 6)).astype(float)
    strata = np.array([0, 1])
    samples = list(combinations(range(6), n_asked))
    means = [np.mean([full[0, list(a)].mean(), full[1, list(b)].mean()]) for a in samples for b in samples]
    errors = [sampling_error([full[0, list(a)], full[1, list(b)]], [3, 3], strata) for a in samples for b in samples]
    assert np.mean(means) == pytest.approx(full.mean())
    assert np.mean(np.square(errors)) == pytest.approx(np.var(means), abs=1e-12)
    flips = [disagreement(full[0, list(a)]) for a in samples]
    assert np.mean(flips) == pytest.approx(disagreement(full[0]))
    assert np.isnan(sampling_error([full[0, :1]], [3], strata[:1]))


def test_a_sample_stands_beside_the_full_enumeration(llama: LanguageModel, wording: Wording) -> None:
    problem = generate_problems(1, seed=4)[0]
    five = longer(problem, (*problem.premises, "All tocs are red", "Ned is a toc"))
    problems = ProblemSet((five,), "generated")
    full = evaluate(llama, problems, wording, orders="all").to_json()
    some = evaluate(llama, problems, wording, orders="sample:60").to_json()
    assert (full["n_prompts"], some["n_prompts"]) == (120, 60)
    error = some["sampling_error"]["accuracy"]
    assert 0 < error < 0.1
    assert abs(some["accuracy"] - full["accuracy"]) < 4 * error
    assert full["sampling_error"]["accuracy"] == 0
    few = evaluate(llama, problems, wording, orders="sample:1").to_json()
    assert (few["sampling_error"]["accuracy"], few["flip_rate"]) == (None, None)


def test_a_problem_that_does_not_fit_leaves_the_others(llama: LanguageModel, wording: Wording) -> None:
    good = generate_problems(2, seed=6)
    long_premise = " ".join(["very"] * 5000)
    bad = longer(good[0], (*good[0].premises, f"Ned is {long_premise} red"))
    many = longer(good[1], good[1].premises * 3)
    found = evaluate(llama, ProblemSet((good[0], bad, many, *good.problems[1:]), "generated"), wording)
    assert found.answers.problems.ids == good.ids
    assert [error.stimulus_id for error in found.errors] == [bad.stimulus_id, many.stimulus_id]
    assert "at most 4096 tokens" in found.errors[0].error
    assert found.to_json()["accuracy"] == evaluate(llama, good, wording).to_json()["accuracy"]
    with pytest.raises(InputError, match="expected at least one problem"):
        evaluate(llama, ProblemSet((bad,), "generated"), wording)
    with pytest.raises(InputError, match="sample:N"):
        evaluate(llama, good, wording, orders="backwards")


def test_a_strength_that_makes_nan_is_said(llama: LanguageModel, wording: Wording) -> None:
    added = torch.full((1, llama.hidden_size), torch.nan)
    with pytest.raises(InputError, match="lower the strength"):
        evaluate(
            llama,
            generate_problems(1, seed=1),
            wording,
            within=lambda: edited(llama, "attention", [1], lambda _, states: states + added[0]),
        )
