"""Packed passes: the tokens of many prompts, or many versions of their last token, as rows of one sequence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from brainalign.activations.prefix_tree import PrefixTree
from brainalign.activations.tree_attention import (
    KeyValueStore,
    Piece,
    Segment,
    TreePass,
    stored_pieces,
    tree_attention,
)
from brainalign.zoo.language_model import LanguageModel

# Enough rows for full speed of the matrix products, few enough for their results to stay in the processor's cache.
BLOCK_TOKENS = 768
NEVER = 1 << 30


@dataclass(frozen=True)
class Block:
    """New tokens of some nodes, one packed pass.

    Attributes
    ----------
    ids : int64 tensor of shape (rows,)
        Token ids.
    tree_pass : TreePass
        Their attention.
    leaves : tuple of int
        Nodes among them that end a prompt.
    final_rows : int64 tensor of shape (len(leaves),)
        Rows of the prompts' last tokens.
    """

    ids: torch.Tensor
    tree_pass: TreePass
    leaves: tuple[int, ...]
    final_rows: torch.Tensor


def blocks(
    tree: PrefixTree,
    store: KeyValueStore,
    *,
    device: torch.device,
    keep_leaves_from: int = NEVER,
    n_rows: int,
    nodes: Sequence[int] | None = None,
) -> Iterator[Block]:
    """Cut a tree into packed passes in an order in which each finds the keys that it sees in `store`.

    Leaves' keys and values are kept from layer `keep_leaves_from` on, all but their last token's. With `nodes` only
    these are computed; what stands above them is in the store already.
    """
    for level in tree.levels(nodes):
        for numbers in _batches(tree, level, n_rows):
            segments = _segments(tree, numbers)
            yield _block(tree, store, segments, device, keep_leaves_from)


def _batches(tree: PrefixTree, level: Sequence[int], n_rows: int) -> Iterator[list[int]]:
    """Neighbours of a level with about `n_rows` tokens together, in equal parts rather than a small rest."""
    total = sum(len(tree.nodes[number].tokens) for number in level)
    size = total / max(1, round(total / n_rows))
    batch: list[int] = []
    taken, goal = 0, size
    for number in level:
        batch.append(number)
        taken += len(tree.nodes[number].tokens)
        if taken >= goal - 0.5:
            yield batch
            batch, goal = [], goal + size
    if batch:
        yield batch


def _segments(tree: PrefixTree, numbers: Sequence[int]) -> list[Segment]:
    segments, row = [], 0
    for number in numbers:
        n_tokens = len(tree.nodes[number].tokens)
        segments.append(Segment(number, row, row + n_tokens))
        row += n_tokens
    return segments


def _block(
    tree: PrefixTree, store: KeyValueStore, segments: list[Segment], device: torch.device, keep_leaves_from: int
) -> Block:
    nodes = [tree.nodes[segment.node] for segment in segments]
    new = (
        Piece(segment, node.start, node.end, slice(segment.first, segment.last))
        for segment, node in zip(segments, nodes, strict=True)
    )
    kept = tuple(
        (segment, len(node.tokens) - 1, keep_leaves_from) if node.is_leaf else (segment, len(node.tokens), 0)
        for segment, node in zip(segments, nodes, strict=True)
    )
    positions = torch.cat([torch.arange(node.start, node.end) for node in nodes])
    final = [segment for segment, node in zip(segments, nodes, strict=True) if node.is_leaf]
    final_rows = torch.tensor([segment.last - 1 for segment in final], dtype=torch.int64, device=device)
    return Block(
        ids=torch.tensor([token for node in nodes for token in node.tokens], device=device),
        tree_pass=TreePass(
            pieces=(*stored_pieces(tree, segments, own=False), *new),
            positions=positions.to(device),
            n_columns=max(node.end for node in nodes),
            store=store,
            kept=kept,
            last_rows=final_rows,
        ),
        leaves=tuple(segment.node for segment in final),
        final_rows=final_rows,
    )


def whole_tree(tree: PrefixTree, device: torch.device) -> Block:
    """Put a whole tree into one pass: nothing is stored, and gradients reach what prompts share.

    In preorder the rows that see a node's keys, its own and those below it, are neighbours.
    """
    segments = _segments(tree, range(len(tree.nodes)))
    last = [segment.last for segment in segments]
    for number in reversed(range(len(tree.nodes))):
        parent = tree.nodes[number].parent
        if parent >= 0:
            last[parent] = max(last[parent], last[number])
    pieces = tuple(
        Piece(Segment(own.node, own.first, end), node.start, node.end, slice(own.first, own.last))
        for own, end, node in zip(segments, last, tree.nodes, strict=True)
    )
    block = _block(tree, KeyValueStore(), segments, device, NEVER)
    return replace(block, tree_pass=replace(block.tree_pass, pieces=pieces, kept=()))


def embed(model: LanguageModel, ids: torch.Tensor) -> torch.Tensor:
    """Residual states (rows, d) that enter the first layer."""
    states: torch.Tensor = model.decoder.embed_tokens(ids[None])[0]
    return states


def run_layers(
    model: LanguageModel,
    states: torch.Tensor,
    tree_pass: TreePass,
    first_layer: int = 0,
    entering: Callable[[int, torch.Tensor], None] | None = None,
) -> torch.Tensor:
    """Run the layers from `first_layer` up over packed rows; hooks on them fire as in a plain forward pass.

    Parameters
    ----------
    model : LanguageModel
        Its layers are called as its own forward pass calls them.
    states : tensor of shape (rows, d)
        Residual states that enter `first_layer`.
    tree_pass : TreePass
        The rows' attention.
    first_layer : int
        Where to begin.
    entering : callable, optional
        Called as ``entering(layer, states)`` with what enters each layer.

    Returns
    -------
    tensor of shape (rows, d)
        What leaves the last layer, not yet normed.
    """
    position_ids = tree_pass.positions[None]
    rotary = _rotary(model, states[None], position_ids)
    with tree_attention(model.module.config):
        for layer in range(first_layer, model.n_layers):
            if entering is not None:
                entering(layer, states)
            output = model.layers[layer](
                states[None],
                attention_mask=None,
                position_ids=position_ids,
                position_embeddings=rotary[layer],
                use_cache=False,
                tree_pass=tree_pass,
            )
            states = (output[0] if isinstance(output, tuple) else output)[0]
    return states


def _rotary(model: LanguageModel, states: torch.Tensor, position_ids: torch.Tensor) -> list[Any]:
    """Rotations of each layer; Gemma 3 turns its sliding layers otherwise than its full ones."""
    turn, config = model.decoder.rotary_emb, model.module.config
    if "rope_type" in config.rope_parameters:
        return [turn(states, position_ids=position_ids)] * model.n_layers
    kinds = config.layer_types
    turned = {kind: turn(states, position_ids=position_ids, layer_type=kind) for kind in sorted(set(kinds))}
    return [turned[kind] for kind in kinds]
