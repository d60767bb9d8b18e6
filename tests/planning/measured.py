"""Steps to measure: tiny models on the CPU, published ones of fewer layers on the meta device."""

from dataclasses import replace
from functools import cache
from typing import Any

from brainalign.activations import encode_problems
from brainalign.finetuning import NarfConfig
from brainalign.planning.activation_bytes import PassSetting
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.steering import middle_half
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import LanguageModel, load_model

TINY = "tiny-random-llama"


@cache
def prompts(name: str = TINY, n_prompts: int = 3) -> tuple[tuple[int, ...], ...]:
    ids = encode_problems(load_model(name), generate_problems(4, seed=1), own_wording())
    return tuple(tuple(prompt) for prompt in ids[:n_prompts])


def sizes(name: str = TINY) -> PromptSizes:
    return PromptSizes.of_prompts(prompts(name))


def settings(n_layers: int, kind: str, rank: int | None, dtype: str, checkpointing: bool) -> tuple[NarfConfig, Any]:
    """The same step for the real forward pass and for the plan."""
    layers = middle_half(n_layers)
    config = NarfConfig(
        layers=layers,
        lora_rank=rank,
        train_weight=0.0 if kind == "label" else 1.0,
        label_loss_weight=0.0 if kind == "narf" else 1.0,
    )
    setting = PassSetting(layers, rank, kind != "narf", kind != "label", dtype, checkpointing, on_gpu=False)
    return config, setting


def without_numbers(module: Any) -> LanguageModel:
    """A module on the meta device in the place of the tiny model's; its tokens are among the module's."""
    return replace(load_model(TINY), module=module)
