"""Long answers that go on from stored prompts: greedy generation after a displaced last input token.

The stored keys and values of a prompt become the cache that transformers generates with. Its last token then runs with
the displacement, which leaves its own keys and values in the cache as steering made them; what is generated after that
is the model's own.
"""

import inspect
from collections.abc import Sequence

import torch
from transformers import DynamicCache

from brainalign.activations.hooks import hooked
from brainalign.activations.prefix_tree import PrefixTree
from brainalign.activations.tree_attention import KeyValue, KeyValueStore
from brainalign.zoo import LanguageModel


def stored_cache(model: LanguageModel, tree: PrefixTree, store: KeyValueStore, leaf: int, n_rows: int) -> DynamicCache:
    """Copy the keys and values of a prompt, all tokens but the last, into a cache of so many equal rows."""
    cache = DynamicCache(config=model.module.config)
    for layer in range(model.n_layers):
        parts = [store.held[node, layer] for node in tree.chain(leaf) if (node, layer) in store.held]
        if parts:
            keys, values = (_join(parts, place, n_rows) for place in (0, 1))
            cache.update(keys, values, layer)
    return cache


def _join(parts: Sequence[KeyValue], place: int, n_rows: int) -> torch.Tensor:
    """Keys (0) or values (1) of a chain of nodes, (rows, kv heads, tokens, head width)."""
    return torch.cat([part[place] for part in parts], dim=1)[None].repeat(n_rows, 1, 1, 1)


def continue_rows(
    model: LanguageModel,
    cache: DynamicCache,
    last_token: int,
    layers: Sequence[int],
    displacements: torch.Tensor,
    max_new_tokens: int,
) -> list[list[int]]:
    """Generate greedily from a cache, one row for each of its rows, until each has ended or has its most tokens.

    Parameters
    ----------
    model : LanguageModel
    cache : DynamicCache
        Of all tokens but the last; it grows.
    last_token : int
        The prompt's last token.
    layers : sequence of int
        Steered layers.
    displacements : tensor of shape (rows, len(layers), d)
        Added to the attention outputs at the last token.
    max_new_tokens : int

    Returns
    -------
    list of list of int
        New tokens of each row, its end token included.
    """
    ends, name = _end_tokens(model), cache_name(model)
    tokens = torch.full((len(displacements), 1), last_token, device=model.device)
    found: list[list[int]] = [[] for _ in displacements]
    places = {layer: place for place, layer in enumerate(layers)}

    def add(layer: int, state: torch.Tensor) -> torch.Tensor:
        return state + displacements[:, places[layer], None].to(state)

    for step in range(max_new_tokens):
        with hooked(model, "attention", layers if step == 0 else (), add):
            logits = model.module(input_ids=tokens, use_cache=True, logits_to_keep=1, **{name: cache}).logits
        tokens = logits[:, -1].argmax(dim=-1, keepdim=True)
        going = [row for row in zip(found, tokens[:, 0].tolist(), strict=True) if not ends.intersection(row[0][-1:])]
        for row, token in going:
            row.append(token)
        if all(ends.intersection(row[-1:]) for row in found):
            break
    return found


def cache_name(model: LanguageModel) -> str:
    """Name the argument that takes the cache: it changed between versions of transformers."""
    taken = inspect.signature(type(model.module).forward).parameters
    return "cache" if "cache" in taken else "past_key_values"


def _end_tokens(model: LanguageModel) -> frozenset[int]:
    """Tokens that end an answer, by the model's generation settings, else by its tokenizer."""
    ends = model.module.generation_config.eos_token_id
    ends = model.tokenizer.eos_token_id if ends is None else ends
    return frozenset(ends if isinstance(ends, (list, tuple)) else [ends])
