"""Planned bytes of tensors against those that a real step holds: the oracle counts storages while they live."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from brainalign.finetuning.tensor_bytes import measure_step
from brainalign.planning.activation_bytes import activation_bytes, kept_bytes
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape
from brainalign.planning.training_memory import n_held, n_trained
from brainalign.zoo import load_model
from brainalign.zoo.meta import recorded_config
from tests.planning.measured import prompts, settings, sizes, without_numbers

FAMILIES = ["llama", "qwen2", "qwen3", "mistral", "phi3", "gemma2"]
CASES = [("narf_label", 8, False), ("narf", None, False), ("narf", 8, True), ("label", None, True)]


@pytest.mark.parametrize("family", FAMILIES)
def test_planned_bytes_are_those_of_a_real_step(family: str) -> None:
    name = f"tiny-random-{family}"
    model = load_model(name)
    shape = ModelShape.from_config(model.module.config.to_dict())
    for kind, rank, checkpointing in CASES:
        config, setting = settings(model.n_layers, kind, rank, "float32", checkpointing)
        real = measure_step(model, config, prompts(name), checkpointing=checkpointing)
        assert kept_bytes(shape, setting, sizes(name)) == pytest.approx(real.saved, rel=0.08)
        assert activation_bytes(shape, setting, sizes(name)) == pytest.approx(real.activations, rel=0.1)
        assert 4 * n_trained(shape, setting) == real.gradients == real.trainable_parameters
        # Weights of the rotation and AdamW's counters are beside the planned numbers.
        assert 4 * n_held(shape, setting) == pytest.approx(real.parameters, rel=0.001)
        assert 8 * n_trained(shape, setting) == pytest.approx(real.optimiser, rel=0.005)
        assert real.resident is not None
        assert real.resident > real.parameters + real.activations


@pytest.mark.parametrize(
    ("name", "checkpointing"),
    [
        ("llama-3.3-70b-instruct", True),
        ("qwen2-72b-instruct", False),
        ("gemma-2-9b-it", True),
        ("phi-4-mini-instruct", False),
    ],
)
def test_real_widths_in_bfloat16_on_the_meta_device(name: str, checkpointing: bool) -> None:
    config = recorded_config(name)
    config.num_hidden_layers = 8
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:8]
    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model = without_numbers(module)
    shape = ModelShape.from_config(config.to_dict())
    chosen, setting = settings(8, "narf_label", 8, "bfloat16", checkpointing)
    real = measure_step(model, chosen, prompts(), checkpointing=checkpointing)
    assert activation_bytes(shape, setting, sizes()) == pytest.approx(real.activations, rel=0.15)
    assert 2 * n_held(shape, setting) == pytest.approx(real.parameters, rel=0.001)
    assert real.resident is None


@pytest.mark.slow
@pytest.mark.parametrize("rank", [8, None])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_smollm2_within_fifteen_per_cent(rank: int | None, checkpointing: bool) -> None:
    model = load_model("smollm2-135m")
    shape = ModelShape.from_config(model.module.config.to_dict())
    ids = prompts("smollm2-135m", 4)
    config, setting = settings(model.n_layers, "narf_label", rank, "float32", checkpointing)
    real = measure_step(model, config, ids, checkpointing=checkpointing)
    planned = activation_bytes(shape, setting, PromptSizes.of_prompts(ids))
    assert planned == pytest.approx(real.activations, rel=0.15)
    total = planned + 4 * (n_held(shape, setting) + 3 * n_trained(shape, setting))
    assert total == pytest.approx(real.activations + real.parameters + real.gradients + real.optimiser, rel=0.15)


def test_checkpointing_a_lower_rank_and_fewer_prompts_take_less() -> None:
    shape = ModelShape.from_config(recorded_config("qwen2-7b-instruct").to_dict())
    _, plain = settings(28, "narf_label", 8, "bfloat16", False)
    _, again = settings(28, "narf_label", 8, "bfloat16", True)
    few, many = PromptSizes.assumed(2, 300, 100), PromptSizes.assumed(8, 300, 100)
    assert activation_bytes(shape, again, few) < activation_bytes(shape, plain, few) / 3
    assert activation_bytes(shape, plain, few) < activation_bytes(shape, plain, many)
