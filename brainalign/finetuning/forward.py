"""One forward pass for all losses: states of the supervised layers and the answer's logits, with gradient.

Examples run as the packed tree of :mod:`brainalign.activations`, in one pass through the model's own forward: the
instruction that a micro-batch shares is computed once, nothing is padded, and whatever wraps the module (an engine that
gathers partitioned weights, adapters, checkpointed layers) sees an ordinary call.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from brainalign.activations.hooks import hooked
from brainalign.activations.packed import whole_tree
from brainalign.activations.prefix_tree import build_tree
from brainalign.activations.tree_attention import tree_attention
from brainalign.zoo.language_model import LanguageModel, Site


@dataclass(frozen=True)
class Outputs:
    """What the losses are computed from.

    Attributes
    ----------
    states : Tensor
        float32, (L, n, d): outputs of the supervised layers at the last token of n prompts; L may be 0.
    logits : Tensor
        float32, (n, vocabulary): of the next token; (0, vocabulary) where no answer was asked for.
    """

    states: torch.Tensor
    logits: torch.Tensor


def run_forward(
    model: LanguageModel, prompts: Sequence[Sequence[int]], layers: Sequence[int], *, site: Site, answers: bool
) -> Outputs:
    """Run prompts of token ids through the model once.

    Parameters
    ----------
    model : LanguageModel
        Its module may be wrapped; parameters are only read by its own forward.
    prompts : sequence of token ids
        Of any lengths.
    layers : sequence of int
        Supervised layers, rising.
    site : {"attention", "layer"}
    answers : bool
        Whether the answer's logits are needed; if not, the pass ends at the last of `layers`.

    Raises
    ------
    ModelError
        A layer that the model does not have.
    """
    tree = build_tree(prompts)
    block = whole_tree(tree, model.device)
    places = torch.from_numpy(tree.places(tree.leaf_of)).to(model.device)
    held: dict[int, torch.Tensor] = {}
    config = model.decoder.config
    # Hooks only keep what passes: under checkpointing they are not there again when a layer is computed anew.
    with (
        hooked(model, site, layers, held.__setitem__),
        tree_attention(config),
        nullcontext() if answers else _cut(model, layers[-1]),
    ):
        logits = model.module(
            input_ids=block.ids[None],
            position_ids=block.tree_pass.positions[None],
            use_cache=False,
            logits_to_keep=block.final_rows if answers else block.final_rows[:0],
            tree_pass=block.tree_pass,
        ).logits[0]
    rows = block.final_rows[places]
    states = [held[layer][0, rows.to(held[layer].device)].float().to(model.device) for layer in layers]
    logits = logits.float()
    return Outputs(
        states=torch.stack(states) if states else logits.new_zeros(0, len(prompts), 0),
        logits=logits[places.to(logits.device)].to(model.device) if answers else logits,
    )


@contextmanager
def _cut(model: LanguageModel, last: int) -> Iterator[None]:
    """Let the model's own forward end with a layer.

    That layer is not checkpointed. Gradients enter it at its attention, in its middle, so that computing it anew would
    pass by what the backward pass is about to use; with partitioned weights that is then gone again.
    """
    config: Any = model.decoder.config
    layer: Any = model.layers[last]
    before = (config.num_hidden_layers, layer.gradient_checkpointing)
    config.num_hidden_layers, layer.gradient_checkpointing = last + 1, False
    try:
        yield
    finally:
        config.num_hidden_layers, layer.gradient_checkpointing = before


@contextmanager
def checkpointed(model: LanguageModel) -> Iterator[None]:
    """Keep only what enters each layer, and compute the layer anew in the backward pass, until the context is left.

    Open it when adapters are in place and before an engine wraps the module.
    """
    module, layers = model.module, model.layers
    options = {"use_reentrant": False, "context_fn": partial(_contexts, model.decoder.config)}
    module.activation_checkpointing_enable(activation_checkpointing_kwargs=options)
    # Not needed without re-entrance, and it would send gradients through the frozen layers at the bottom.
    module.disable_input_require_grads()
    for layer in layers:
        layer.training = True  # transformers checkpoints in training mode only; what is inside stays without dropout
    try:
        yield
    finally:
        module.activation_checkpointing_disable()
        for layer in layers:
            layer.training = False


class _Again(AbstractContextManager[None]):
    """The context of a layer's repetition, which comes when the packed pass is over, once for each backward pass."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._stack.enter_context(tree_attention(self._config))

    def __exit__(self, *raised: object) -> None:
        self._stack.close()


def _contexts(config: Any) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts of a layer's first pass and of its repetition."""
    return nullcontext(), _Again(config)
