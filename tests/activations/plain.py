"""Oracles: transformers' own forward pass with bare torch hooks, nothing of the package's hook or packing code."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from brainalign.zoo import LanguageModel


def plain_states(model: LanguageModel, ids: Sequence[int]) -> np.ndarray:
    """States (2, n_layers, d) at the last token, by `output_hidden_states` and a bare hook on each attention module."""
    decoder = model.module.model
    attention: list[np.ndarray] = []
    last: list[np.ndarray] = []

    def keep_attention(module: Any, inputs: Any, output: Any) -> None:
        attention.append(output[0][0, -1].numpy())

    def keep_last(module: Any, inputs: Any, output: Any) -> None:
        last.append((output[0] if isinstance(output, tuple) else output)[0, -1].numpy())

    handles = [layer.self_attn.register_forward_hook(keep_attention) for layer in decoder.layers]
    # `output_hidden_states` gives the last layer's output after the final norm only.
    handles.append(decoder.layers[-1].register_forward_hook(keep_last))
    with torch.inference_mode():
        found = model.module(input_ids=torch.tensor([list(ids)]), output_hidden_states=True, use_cache=False)
    for handle in handles:
        handle.remove()
    residual = [state[0, -1].numpy() for state in found.hidden_states[1:-1]] + last
    return np.stack([np.stack(attention), np.stack(residual)])


def plain_logits(
    model: LanguageModel, ids: Sequence[int], layers: Sequence[int] = (), displacements: torch.Tensor | None = None
) -> torch.Tensor:
    """Logits of the next token, with displacements (len(layers), d) added to attention outputs at the last token."""
    handles = []
    for place, layer in enumerate(layers):

        def add(module: Any, inputs: Any, output: Any, place: int = place) -> Any:
            changed = output[0].clone()
            changed[0, -1] += displacements[place]  # type: ignore[index]
            return (changed, *output[1:])

        handles.append(model.module.model.layers[layer].self_attn.register_forward_hook(add))
    with torch.inference_mode():
        logits: torch.Tensor = model.module(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits


def plain_margin(model: LanguageModel, logits: torch.Tensor) -> float:
    """Logit of True minus logit of False."""
    return float(logits[list(model.true_ids)].max() - logits[list(model.false_ids)].max())


def plain_answer(model: LanguageModel, logits: torch.Tensor) -> int:
    """1 True, 0 False, -1 neither."""
    best = int(logits.argmax())
    return 1 if best in model.true_ids else 0 if best in model.false_ids else -1


def hooks_of(model: LanguageModel) -> list[list[int]]:
    """Ids of all forward hooks, module by module."""
    return [list(module._forward_hooks) for module in model.module.modules()]
