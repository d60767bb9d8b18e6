"""Kinds that fine-tune: what a training depends on, and that the model comes back as it was."""

from dataclasses import replace

import pytest

from brainalign.artifacts import Store
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.errors import InputError
from brainalign.finetuning import hash_weights
from brainalign.spaces import Choice, LayerRuns
from brainalign.stimuli import split_problems
from brainalign.trials import Ask, Context, result_key, trial_kind
from brainalign.trials.tuning import Tuning
from brainalign.zoo import model_facts

SMALL = {"epochs": 2, "validation_problems": 4, "test_problems": 4, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    dataset = load_betas(simulate=SimulatorConfig(n_subjects=2, n_problems_per_type=10, seed=3))
    store = Store(tmp_path_factory.mktemp("store"))
    return Context(store, dataset, split_problems(dataset.problems), "tiny-random-llama")


def ask(kind: str, **changes: object) -> Ask:
    tuning = trial_kind(kind)
    return Ask({**tuning.default_setting(), **SMALL, **changes}, tuning.arms[0], "selection", 0)


def key(kind: str, asked: Ask, context: Context) -> str:
    return result_key(trial_kind(kind), asked, context)


def test_both_parts_share_one_training_and_the_model_comes_back(context: Context) -> None:
    tuning, selection = trial_kind("narf_label"), ask("narf_label")
    assert isinstance(tuning, Tuning)
    before = hash_weights(context.model.module)
    searched = tuning.run(selection, context, "one")
    folder = context.store.checkpoint_folder(tuning.training_key(selection, context))
    made = {path: path.stat().st_ino for path in folder.iterdir()}
    reported = tuning.run(replace(selection, part="report"), context, "two")
    assert {path: path.stat().st_ino for path in folder.iterdir()} == made
    assert hash_weights(context.model.module) == before
    asked = [set(result.outcomes["stimulus_id"].to_pylist()) for result in (searched, reported)]
    assert not asked[0] & asked[1]
    assert len(asked[0]) == 8
    after = searched.detail["after"]["balanced_accuracy"] - searched.detail["before"]["balanced_accuracy"]
    assert searched.metrics["net_balanced_accuracy"] == pytest.approx(after)
    scores = [validation["score"] for validation in searched.detail["training"]["validations"]]
    assert searched.detail["after"]["balanced_accuracy"] == pytest.approx(max(scores))


def test_training_changes_answers_margins(context: Context) -> None:
    found = trial_kind("label").run(ask("label"), context, "key").outcomes
    assert found["margin_before"].to_pylist() != found["margin_after"].to_pylist()


def test_betas_count_only_where_they_guide(context: Context) -> None:
    other = load_betas(simulate=SimulatorConfig(n_subjects=2, n_problems_per_type=10, seed=3, noise_ceiling=0.4))
    assert other.problems.ids == context.dataset.problems.ids
    moved = Context(context.store, other, context.split, context.model_name)
    assert key("label", ask("label"), context) == key("label", ask("label"), moved)
    assert key("narf", ask("narf"), context) != key("narf", ask("narf"), moved)


@pytest.mark.parametrize(
    "change",
    [{"train_weight": 0.5}, {"train_on": "generated-32"}, {"targets": "nearest"}, {"lora_rank": 0}, {"epochs": 3}],
)
def test_every_setting_makes_a_training_of_its_own(context: Context, change: dict[str, object]) -> None:
    assert key("narf_label", ask("narf_label", **change), context) != key("narf_label", ask("narf_label"), context)


def test_the_size_of_the_test_set_is_no_matter_of_the_search(context: Context) -> None:
    small, large = ask("narf"), ask("narf", test_problems=8)
    assert key("narf", small, context) == key("narf", large, context)
    reports = [replace(one, part="report") for one in (small, large)]
    assert key("narf", reports[0], context) != key("narf", reports[1], context)


def test_targets_that_a_search_reached_and_generated_problems_train(context: Context) -> None:
    nearest = trial_kind("narf_label").run(ask("narf_label", targets="nearest", epochs=1), context, "a")
    generated = trial_kind("label").run(ask("label", train_on="generated-32", epochs=1), context, "b")
    assert {"brain", "regulariser", "label"} >= set(nearest.detail["training"]["steps"][0]["parts"]) > {"label"}
    assert len(generated.detail["training"]["steps"]) == 3  # 32 problems in batches of 14, not the scanner's


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_on": Choice(options=("generated-33",))}, "train_on: expected one of scanner, generated-32"),
        ({"lora_rank": Choice(options=(2.5,))}, "whole numbers"),
        ({"layers": LayerRuns(runs=((2, 9),))}, "expected layers 0 to 3"),
        ({"train_weight": Choice(options=(0,)), "label_loss_weight": Choice(options=(0,))}, "nothing would be learned"),
    ],
)
def test_what_cannot_run_is_refused_before_the_first_trial(change: dict[str, object], message: str) -> None:
    kind = trial_kind("narf_label")
    with pytest.raises(InputError, match=message):
        kind.check({**kind.default_space(), **change}, model_facts("tiny-random-llama"), 2)
