"""What is trained: attention modules of some layers, in full or through adapters; afterwards the model is as before."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from brainalign.artifacts import hash_arrays, stream
from brainalign.errors import ModelError
from brainalign.finetuning.config import NarfConfig
from brainalign.zoo import LanguageModel

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "qkv_proj", "o_proj")
"""Names of the projections that adapters are put on; Phi-3 has one for queries, keys and values."""


@dataclass(frozen=True)
class Trainable:
    """Parameters that require gradient.

    Attributes
    ----------
    named : mapping of str to nn.Parameter
        By their name in the module, in the module's order.
    """

    named: dict[str, nn.Parameter]

    @property
    def parameters(self) -> tuple[nn.Parameter, ...]:
        """The parameters in order."""
        return tuple(self.named.values())

    @property
    def n_trainable(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.named.values())


@contextmanager
def trainable(model: LanguageModel, config: NarfConfig, names: tuple[str | int, ...] = ()) -> Iterator[Trainable]:
    """Make attention modules of the configuration's layers trainable until the context is left.

    When it is left, adapters are gone, weights trained in full are what they were, bit for bit, and nothing requires
    gradient. The module keeps its class and paths, so hooks and packed passes work as ever.

    Parameters
    ----------
    model : LanguageModel
    config : NarfConfig
        Layers, rank and alpha.
    names : tuple of str or int
        Start of the names of the random streams that adapters begin with (their first factor; the second is zero, so
        that nothing changes before the first step).

    Raises
    ------
    ModelError
        A layer that the model does not have, or one without attention module or projections.
    """
    module: Any = model.module  # an engine may take its place while the context is open
    attention = [find_attention(model, layer) for layer in config.layers]
    if config.lora_rank is None:
        with _in_full(module, attention) as found:
            yield found
    else:
        alpha = 2 * config.lora_rank if config.lora_alpha is None else config.lora_alpha
        with _with_adapters(module, attention, (config.lora_rank, alpha), names) as found:
            yield found


def find_attention(model: LanguageModel, layer: int) -> nn.Module:
    """Attention module of a layer.

    Raises
    ------
    ModelError
        The model has no such layer, or the layer has no attention module.
    """
    block = model.site("layer", layer)
    attention = getattr(block, "self_attn", None)
    if attention is None:
        raise ModelError(
            f"expected an attention module in layer {layer} of {model.facts.name}, found {type(block).__name__} "
            "without: choose layers that have one"
        )
    module: nn.Module = attention
    return module


def hash_weights(module: nn.Module) -> str:
    """Hash names, types, shapes and bytes of all weights: equal before and after a trial that cleaned up."""
    state = module.state_dict()
    return hash_arrays(
        {name: value.detach().cpu().contiguous().view(torch.uint8).numpy() for name, value in state.items()}
    )


@contextmanager
def _in_full(module: Any, attention: Sequence[nn.Module]) -> Iterator[Trainable]:
    chosen = {id(parameter) for part in attention for parameter in part.parameters()}
    named = {name: parameter for name, parameter in module.named_parameters() if id(parameter) in chosen}
    before = {name: parameter.detach().clone() for name, parameter in named.items()}
    for parameter in named.values():
        parameter.requires_grad_(True)
    try:
        yield Trainable(named)
    finally:
        for name, parameter in named.items():
            parameter.data = before[name]
            parameter.grad = None
            parameter.requires_grad_(False)


@contextmanager
def _with_adapters(
    module: Any, attention: Sequence[nn.Module], size: tuple[int, int], names: tuple[str | int, ...]
) -> Iterator[Trainable]:
    from peft import LoraConfig, inject_adapter_in_model

    chosen = _projections(module, attention)
    rank, alpha = size
    with torch.random.fork_rng(devices=[]):  # peft draws its own first factor, which is drawn again below
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, target_modules=list(chosen)), module)
    try:
        named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        for name, parameter in named.items():
            parameter.data = parameter.data.float()  # steps are too small for half precision
            if "lora_A" in name:
                _draw(parameter, (*names, "lora", name))
        yield Trainable(named)
    finally:
        for path, projection in chosen.items():
            parent, _, child = path.rpartition(".")
            setattr(module.get_submodule(parent), child, projection)
        del module.peft_config
        module.requires_grad_(False)


def _projections(module: Any, attention: Sequence[nn.Module]) -> dict[str, nn.Module]:
    """Projections of attention modules by their path in the model's module.

    Raises
    ------
    ModelError
        An attention module has none that is known.
    """
    paths = {id(part): path for path, part in module.named_modules()}
    found = {}
    for part in attention:
        own = {f"{paths[id(part)]}.{name}": getattr(part, name) for name in PROJECTIONS if hasattr(part, name)}
        if not own:
            children = ", ".join(name for name, _ in part.named_children())
            raise ModelError(
                f"expected a projection among {', '.join(PROJECTIONS)} in {paths[id(part)]}, found {children}: "
                "train attention modules in full"
            )
        found.update(own)
    return found


@torch.no_grad()
def _draw(parameter: nn.Parameter, names: tuple[str | int, ...]) -> None:
    """Fill a first factor (rank, width) as peft would, uniform within 1 / sqrt(width), from the stream of its name."""
    bound = 1 / math.sqrt(parameter.shape[1])
    values = stream(*names).uniform(-bound, bound, size=tuple(parameter.shape))
    parameter.copy_(torch.from_numpy(values))
