"""Attention of packed rows over a tree of stored prefixes, run inside the models' own attention modules.

transformers lets an attention module call a registered function with its queries, keys and values, after its
projections, norms and rotary embedding. This one reads keys and values of shared prefixes where they lie: nothing is
padded, nothing is copied for each row. Column c of the scores is position c, so what a row may see follows from its
position alone, for full attention and for sliding windows:

    hidden[row, c] = c > position  or  c <= position - window

With S = cap(Q K'), P = softmax(S) and O = P V, the gradient of a loss with respect to O, written D, gives by pieces

    dV = P' D,    dS = cap'(S) P (D V' - rowsum(D O)),    dQ = dS K,    dK = dS' Q

so a pass whose keys are all its own can be trained through: a prefix that prompts share is computed once, and its keys
and values collect the gradients of all that see them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AttentionInterface

from brainalign.activations.prefix_tree import PrefixTree
from brainalign.errors import InputError

NAME = "brainalign_tree"
KeyValue = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Segment:
    """Rows [`first`, `last`) of a packed pass that belong to one node of the tree."""

    node: int
    first: int
    last: int


@dataclass
class KeyValueStore:
    """Keys and values (kv heads, tokens, head width) of tree nodes, one pair a (node, layer)."""

    held: dict[tuple[int, int], KeyValue] = field(default_factory=dict)

    def keep_layers(self, first_layer: int) -> None:
        """Forget the layers below `first_layer`."""
        self.held = {place: pair for place, pair in self.held.items() if place[1] >= first_layer}

    def forget(self, nodes: Iterable[int]) -> None:
        """Forget nodes that no later pass will see."""
        gone = set(nodes)
        for place in [place for place in self.held if place[0] in gone]:
            del self.held[place]

    @property
    def n_bytes(self) -> int:
        """Bytes held."""
        return sum(tensor.nbytes for pair in self.held.values() for tensor in pair)


@dataclass(frozen=True)
class Piece:
    """Rows that see the keys of a node at positions [`start`, `end`).

    The keys are new in this pass and lie in its rows `fresh`; None: they are stored.
    """

    segment: Segment
    start: int
    end: int
    fresh: slice | None = None


@dataclass
class TreePass:
    """What the attention of one packed pass needs to know.

    Attributes
    ----------
    pieces : tuple of Piece
        Which rows see which keys.
    positions : int64 tensor of shape (rows,)
        Position of each row in its prompt.
    n_columns : int
        Stored or new positions that any row can see.
    store : KeyValueStore
        Read for stored pieces, written for `kept` ones.
    kept : tuple of (Segment, int, int)
        New tokens to store: rows, how many of them, and from which layer on.
    sees_itself : bool
        Rows are alternatives at the same position (steered last tokens): each sees its prefix and itself only.
    last_rows : int64 tensor or None
        Rows that are the last tokens of prompts; None: all of them.
    """

    pieces: tuple[Piece, ...]
    positions: torch.Tensor
    n_columns: int
    store: KeyValueStore
    kept: tuple[tuple[Segment, int, int], ...] = ()
    sees_itself: bool = False
    last_rows: torch.Tensor | None = None
    _hidden: dict[int | None, torch.Tensor] = field(default_factory=dict)

    def hidden(self, window: int | None) -> torch.Tensor:
        """Mask (1, rows, 1, columns) of what a row must not see under a sliding window."""
        if window not in self._hidden:
            columns = torch.arange(self.n_columns, device=self.positions.device)
            positions = self.positions[:, None]
            last = positions - 1 if self.sees_itself else positions
            mask = columns > last
            if window is not None:
                mask |= columns <= positions - window
            if self.sees_itself:
                mask = torch.nn.functional.pad(mask, (0, 1), value=False)
            self._hidden[window] = mask[None, :, None, :]
        return self._hidden[window]

    def keys_of(self, piece: Piece, layer: int, fresh: KeyValue) -> KeyValue:
        """Keys and values that a piece's rows see."""
        if piece.fresh is None:
            return self.store.held[piece.segment.node, layer]
        return fresh[0][:, piece.fresh], fresh[1][:, piece.fresh]

    @property
    def stands_alone(self) -> bool:
        """Whether all keys are the pass's own, so that gradients reach all that its rows see."""
        return not self.sees_itself and all(piece.fresh is not None for piece in self.pieces)

    def keep(self, layer: int, fresh: KeyValue) -> None:
        """Store the new keys and values that later passes will see."""
        for segment, n_tokens, first_layer in self.kept:
            if layer >= first_layer and n_tokens:
                rows = slice(segment.first, segment.first + n_tokens)
                self.store.held[segment.node, layer] = (fresh[0][:, rows].clone(), fresh[1][:, rows].clone())


def stored_pieces(tree: PrefixTree, segments: Sequence[Segment], *, own: bool) -> tuple[Piece, ...]:
    """Pieces of stored keys that segments see: the nodes above each and, with `own`, its own node.

    Neighbouring segments below one node share a piece, hence one matrix product.
    """
    ranges: dict[int, Segment] = {}
    for segment in segments:
        chain = tree.chain(segment.node)
        for number in chain if own else chain[:-1]:
            first = ranges[number].first if number in ranges else segment.first
            ranges[number] = Segment(number, first, segment.last)
    pieces = []
    for number, segment in ranges.items():
        node = tree.nodes[number]
        # The last token of a prompt is never stored: it is what the rows compute anew.
        end = node.end - 1 if node.is_leaf else node.end
        if end > node.start:
            pieces.append(Piece(segment, node.start, end))
    return tuple(pieces)


@contextmanager
def tree_attention(config: Any) -> Iterator[None]:
    """Let a model's attention modules call this file's function until the context is left."""
    AttentionInterface.register(NAME, _attend)
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    tree_pass: TreePass,
    scaling: float,
    softcap: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attend; query (1, heads, rows, width), key and value (1, kv heads, rows, width), out (1, rows, heads, width)."""
    if query.requires_grad and not tree_pass.stands_alone:
        raise InputError(
            "expected a pass whose keys are all its own where gradients are asked for, found stored prefixes: "
            "run the whole tree in one pass, or without gradients"
        )
    n_heads, n_rows, width = query.shape[1:]
    n_kv = key.shape[1]
    n_group = n_heads // n_kv
    # Query heads that share a key head become rows of one matrix product.
    grouped = query[0].unflatten(0, (n_kv, n_group)).transpose(1, 2).reshape(n_kv, n_rows * n_group, width) * scaling
    shape = _Shape(tree_pass, module.layer_idx, softcap, sliding_window)
    mixed: torch.Tensor = _Attention.apply(grouped, key[0], value[0], shape)
    tree_pass.keep(module.layer_idx, (key[0], value[0]))
    return mixed.view(n_kv, n_rows, n_group, -1).permute(1, 0, 2, 3).reshape(1, n_rows, n_heads, -1), None


@dataclass(frozen=True)
class _Shape:
    """What attention does besides its tensors."""

    tree_pass: TreePass
    layer: int
    softcap: float | None
    window: int | None


class _Attention(torch.autograd.Function):
    """Attention with the gradient of the file's docstring; grouped queries (kv heads, rows * group, width)."""

    @staticmethod
    def forward(ctx: Any, grouped: torch.Tensor, key: torch.Tensor, value: torch.Tensor, shape: _Shape) -> torch.Tensor:
        """Mix the values."""
        tree_pass, layer = shape.tree_pass, shape.layer
        scores = _scores(tree_pass, layer, grouped, (key, value))
        slope = None
        if shape.softcap is not None:
            saturation = torch.tanh(scores / shape.softcap)
            slope = 1 - saturation**2 if any(ctx.needs_input_grad) else None
            scores = saturation * shape.softcap
        n_rows = len(tree_pass.positions)
        by_row = scores.view(len(scores), n_rows, -1, scores.shape[-1])
        by_row.masked_fill_(tree_pass.hidden(shape.window).to(scores.device), -torch.inf)
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(grouped.dtype)
        mixed = _mix(tree_pass, layer, weights, (key, value))
        ctx.save_for_backward(grouped, key, value, weights, mixed, slope)
        ctx.tree_pass = tree_pass
        return mixed

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        """Spread the gradient over queries, keys and values."""
        grouped, key, value, weights, mixed, slope = ctx.saved_tensors
        (gradient,) = gradients
        n_group = grouped.shape[1] // len(ctx.tree_pass.positions)
        d_query, d_key, d_value = (torch.zeros_like(tensor) for tensor in (grouped, key, value))
        mean = (gradient * mixed).sum(dim=-1, keepdim=True)
        for piece in ctx.tree_pass.pieces:
            rows = slice(piece.segment.first * n_group, piece.segment.last * n_group)
            seen = slice(piece.start, piece.end)
            weight, arriving = weights[:, rows, seen], gradient[:, rows]
            d_value[:, piece.fresh] += weight.transpose(1, 2) @ arriving
            d_scores = (arriving @ value[:, piece.fresh].transpose(1, 2)).sub_(mean[:, rows]).mul_(weight)
            if slope is not None:
                d_scores *= slope[:, rows, seen]
            d_query[:, rows] += d_scores @ key[:, piece.fresh]
            d_key[:, piece.fresh] += d_scores.transpose(1, 2) @ grouped[:, rows]
        return d_query, d_key, d_value, None


def _scores(tree_pass: TreePass, layer: int, grouped: torch.Tensor, fresh: KeyValue) -> torch.Tensor:
    n_kv, n_grouped, width = grouped.shape
    n_group = n_grouped // len(tree_pass.positions)
    scores = grouped.new_zeros(n_kv, n_grouped, tree_pass.n_columns + tree_pass.sees_itself)
    for piece in tree_pass.pieces:
        keys, _ = tree_pass.keys_of(piece, layer, fresh)
        rows = slice(piece.segment.first * n_group, piece.segment.last * n_group)
        torch.matmul(grouped[:, rows], keys.transpose(1, 2), out=scores[:, rows, piece.start : piece.end])
    if tree_pass.sees_itself:
        own = grouped.view(n_kv, -1, n_group, width) * fresh[0][:, :, None, :]
        scores[..., -1] = own.sum(-1).view(n_kv, n_grouped)
    return scores


def _mix(tree_pass: TreePass, layer: int, weights: torch.Tensor, fresh: KeyValue) -> torch.Tensor:
    n_kv, n_grouped, _ = weights.shape
    n_group = n_grouped // len(tree_pass.positions)
    width = fresh[1].shape[-1]
    mixed = weights.new_zeros(n_kv, n_grouped, width)
    for piece in tree_pass.pieces:
        _, values = tree_pass.keys_of(piece, layer, fresh)
        rows = slice(piece.segment.first * n_group, piece.segment.last * n_group)
        mixed[:, rows].baddbmm_(weights[:, rows, piece.start : piece.end], values)
    if tree_pass.sees_itself:
        own = weights[..., -1].view(n_kv, -1, n_group, 1) * fresh[1][:, :, None, :]
        mixed += own.view(n_kv, n_grouped, width)
    return mixed
