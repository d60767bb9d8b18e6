"""Trials end at their rungs, and what a whole result had there is what they were judged by."""

from dataclasses import replace

import pytest

from brainalign.artifacts import Result, Store
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.finetuning import TrainingRecord, Validation
from brainalign.stimuli import split_problems
from brainalign.trials import Ask, Context, Halted, Rung, Rungs, rung_metrics, trial_kind, values_at_rungs

SHORT = {"epochs": 3, "validation_problems": 4, "test_problems": 4, "learning_rate": 1e-2}
INFINITE = float("inf")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=2, n_problems_per_type=10, seed=3))
    store = Store(tmp_path_factory.mktemp("store"))
    return Context(store, dataset, split_problems(dataset.problems), "tiny-random-llama")


def ask(kind: str, rungs: Rungs, **setting: object) -> Ask:
    found = trial_kind(kind)
    return Ask({**found.default_setting(), **setting}, found.arms[0], "selection", 0, rungs)


@pytest.mark.parametrize(
    ("rungs", "verdict"),
    [
        (Rungs(), ("go", {})),
        (Rungs((Rung(1), Rung(3))), ("go", {1: 0.5, 3: 0.6})),
        (Rungs((Rung(1, 0.5), Rung(3, 0.6))), ("go", {1: 0.5, 3: 0.6})),
        (Rungs((Rung(1, 0.51), Rung(3))), ("stop", {1: 0.5})),
        (Rungs((Rung(1), Rung(3, 0.7))), ("stop", {1: 0.5, 3: 0.6})),
        (Rungs((Rung(1), Rung(3)), pause=1), ("pause", {1: 0.5})),
        (Rungs((Rung(1, 0.9), Rung(3)), pause=1), ("stop", {1: 0.5})),
        (Rungs((Rung(2, 0.9), Rung(3))), ("go", {3: 0.6})),
    ],
)
def test_a_verdict_is_that_of_the_first_rung_that_ends_a_trial(rungs: Rungs, verdict: tuple) -> None:
    assert rungs.verdict({1: 0.5, 3: 0.6}) == verdict


def test_values_come_back_from_metrics_and_nothing_else_does() -> None:
    assert values_at_rungs({"score": 1.0, **rung_metrics({1: 0.5, 9: 0.25})}) == {1: 0.5, 9: 0.25}


def test_a_training_stays_at_its_best_when_its_patience_is_spent() -> None:
    validations = (Validation(1, 0.5), Validation(2, 0.7), Validation(3, 0.6))
    record = TrainingRecord(n_epochs=3, validations=validations)
    assert record.best_by((1, 3, 9)) == {1: 0.5, 3: 0.7}
    assert replace(record, is_finished=True).best_by((1, 3, 9)) == {1: 0.5, 3: 0.7, 9: 0.7}
    assert TrainingRecord(n_epochs=2).best_by((1,)) == {}


def test_a_training_that_is_stopped_is_gone_on_with_from_there_and_ends_as_one_that_was_not(context: Context) -> None:
    kind, rungs = trial_kind("label"), Rungs((Rung(1, INFINITE),))
    with pytest.raises(Halted) as caught:
        kind.run(ask("label", rungs, **SHORT), context, "stopped")
    first = kind.run(ask("label", Rungs((Rung(1), Rung(2))), **SHORT), context, "whole")
    alone = replace(context, store=Store(context.store.root / "alone"))
    whole = kind.run(ask("label", Rungs(), **SHORT), alone, "whole")
    assert first.metrics == whole.metrics
    assert len(first.detail["training"]["validations"]) == 3
    found = kind.rung_values(ask("label", Rungs((Rung(1), Rung(2))), **SHORT), whole)
    assert found[1] == caught.value.values[1]
    # What is found whole is judged the same.
    with pytest.raises(Halted) as again:
        kind.run(ask("label", rungs, **SHORT), context, "again")
    assert again.value.values == caught.value.values


def rows(result: Result) -> str:
    """Outcomes as text, in which NaN equals NaN."""
    return str(result.outcomes.to_pylist())


@pytest.mark.parametrize("arm", ["guided", "random_direction", "bias"])
def test_a_search_that_is_watched_finds_the_same_and_can_be_stopped(context: Context, arm: str) -> None:
    kind, setting = trial_kind("nari"), {"n_steps": 40, "check_every": 5, "alpha": 4.0}
    plain = replace(ask("nari", Rungs(), **setting), arm=arm)
    watched = replace(plain, rungs=Rungs((Rung(2), Rung(4), Rung(100))))
    one, two = (kind.run(asked, context, "key") for asked in (plain, watched))
    assert rows(one) == rows(two)
    values = kind.rung_values(watched, one)
    assert set(values) == {2, 4, 100}
    assert values[100] == pytest.approx(one.metrics["net_balanced_accuracy"])
    stopping = Rungs((Rung(2), Rung(4, values[4] + 1e-9)))
    with pytest.raises(Halted) as caught:
        kind.run(replace(plain, rungs=stopping), context, "key")
    assert caught.value.values == {2: values[2], 4: values[4]}
    passing = replace(stopping, steps=(Rung(2), Rung(4, values[4])))
    assert rows(kind.run(replace(plain, rungs=passing), context, "key")) == rows(one)
