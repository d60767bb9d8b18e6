"""Steering a real (tiny) model: the whole way from betas to figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from brainalign.activations import displaced, extract, prefill
from brainalign.betas import ROIS, FmriDataset, SimulatorConfig, simulate_dataset
from brainalign.errors import InputError
from brainalign.steering import NariConfig, assemble, run_nari, steer
from brainalign.zoo import LanguageModel, load_model

CONFIG = NariConfig(layers=(1, 2), alpha=3.0, n_steps=30)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


@pytest.fixture(scope="module")
def dataset() -> FmriDataset:
    return simulate_dataset(SimulatorConfig(n_subjects=3, n_problems_per_type=8, n_voxels=dict.fromkeys(ROIS, 20)))


def test_steer_gives_all_arms_beside_each_other(model: LanguageModel, dataset: FmriDataset) -> None:
    outcome = steer(model, dataset, CONFIG)
    assert set(outcome.summaries) == {"guided", "random_direction", "random_betas", "bias"}
    assert set(outcome.comparisons) == {"random_direction", "random_betas", "bias"}
    assert len({table.num_rows for table in outcome.outcomes.values()}) == 1
    assert outcome.data.startswith("simulated: SIMULATED")
    written = json.loads(json.dumps(outcome.to_json(), allow_nan=False))
    assert written["baseline"]["n"] == 16
    assert written["other_roi"] == "language"
    assert len(written["arms"]["guided"]["by_subject"]) == 3


def test_checks_are_what_the_model_answers_to_a_plain_forward_pass(model: LanguageModel, dataset: FmriDataset) -> None:
    """The margin after a random arm's last check equals a whole forward pass with that displacement in its hooks."""
    activations = extract(model, dataset.problems, dataset.wording)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    inputs = assemble(activations, dataset, prompts, roi="md")
    generator = torch.Generator().manual_seed(0)
    moved = torch.randn(3, 2, model.hidden_size, generator=generator)
    rows = np.array([2, 0, 9])
    fast = prompts.answer(inputs.prompt_rows[rows], CONFIG.layers, moved)
    for place, row in enumerate(rows):
        problem = dataset.problems.subset([inputs.stimulus_ids[row]])[0]
        ids = model.encode_chat(dataset.wording.messages(problem))
        with displaced(model, "attention", CONFIG.layers, moved[place]):
            slow = model.score(model.forward(ids)[None])
        assert fast.margin[place] == pytest.approx(slow.margin[0], abs=1e-4)
        assert fast.answer[place] == slow.answer[0]


@pytest.mark.parametrize("arm", ["guided", "random_direction"])
def test_strength_zero_changes_nothing(model: LanguageModel, dataset: FmriDataset, arm: str) -> None:
    outcome = steer(model, dataset, replace(CONFIG, alpha=0.0), arms=[arm])
    table = outcome.outcomes[arm].to_pandas()
    assert not table.success.any()
    np.testing.assert_allclose(table.margin_after, table.margin_before, atol=1e-5)


def test_the_order_of_subjects_and_problems_changes_nothing(model: LanguageModel, dataset: FmriDataset) -> None:
    turned = dataset.select(subjects=dataset.betas.subjects[::-1], stimulus_ids=dataset.problems.ids[::-1])
    arms = ["guided", "random_betas", "random_direction"]
    first, second = steer(model, dataset, CONFIG, arms=arms), steer(model, turned, CONFIG, arms=arms)
    exact = ["subject", "stimulus_id", "targeted", "success", "first_check", "n_checks", "n_invalid"]
    for arm in arms:
        one, two = (outcome.outcomes[arm].to_pandas() for outcome in (first, second))
        assert one[exact].equals(two[exact])
        np.testing.assert_allclose(one.margin_after, two.margin_after, atol=1e-3)


def test_hooks_are_gone_after_an_exception(model: LanguageModel, dataset: FmriDataset) -> None:
    activations = extract(model, dataset.problems, dataset.wording)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    inputs = assemble(activations, dataset, prompts, roi="language")

    def fail(state: torch.Tensor) -> torch.Tensor:
        raise KeyError("in the middle of a check")

    with pytest.raises(KeyError, match="middle of a check"), model.hook("layer", 3, fail):
        run_nari(inputs, CONFIG, "guided", ("key", 0))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.module.modules())
    whole = extract(model, dataset.problems, dataset.wording)
    assert np.array_equal(whole.answers.margin, activations.answers.margin)


def test_problems_to_steer_can_be_part_of_those_behind_the_maps(model: LanguageModel, dataset: FmriDataset) -> None:
    activations = extract(model, dataset.problems, dataset.wording)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    ids = dataset.problems.ids
    part = (ids[1], ids[4], ids[-1])
    inputs = assemble(activations, dataset, prompts, roi="md", parts=(ids, part))
    table = run_nari(inputs, CONFIG, "guided", ("key", 0))
    assert set(table["stimulus_id"].to_pylist()) <= set(part)
    assert len(inputs.pool) == len(ids)


def test_without_pairs_the_outcome_says_so(model: LanguageModel, dataset: FmriDataset) -> None:
    nobody = replace(dataset, betas=replace(dataset.betas, correct=np.zeros_like(dataset.betas.correct)))
    outcome = steer(model, nobody, CONFIG, arms=["guided", "bias"])
    assert outcome.summaries["guided"].overall.corrected is None
    assert outcome.comparisons == {}
    assert any("nothing to correct" in note for note in outcome.notes)


def test_bad_input_is_named(model: LanguageModel, dataset: FmriDataset) -> None:
    with pytest.raises(InputError, match="layers from 0 to 3, found 4"):
        steer(model, dataset, replace(CONFIG, layers=(3, 4)))
    with pytest.raises(InputError, match="'visual'"):
        steer(model, dataset, replace(CONFIG, roi="visual"))
    with pytest.raises(InputError, match="did you mean 'guided'"):
        steer(model, dataset, CONFIG, arms=["gided"])
    with pytest.raises(InputError, match="found none: name at least one"):
        steer(model, dataset, CONFIG, arms=[])
    activations = extract(model, dataset.problems, dataset.wording)
    prompts = prefill(model, dataset.problems, dataset.wording, first_layer=0)
    with pytest.raises(InputError, match="syl-unknown"):
        assemble(activations, dataset, prompts, roi="md", parts=(dataset.problems.ids, ["syl-unknown"]))
    some = activations.select(dataset.problems.ids[1:])
    with pytest.raises(InputError, match=f"none of {dataset.problems.ids[0]} \\(1 missing\\)"):
        assemble(some, dataset, prompts, roi="md")
