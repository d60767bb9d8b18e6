"""Prompts as a tree of shared prefixes: what two prompts begin with is computed once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from brainalign.errors import InputError

# A shared stretch shorter than this costs more in small matrix products than it saves.
MIN_SHARED = 16
Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """Tokens at positions `start` …, seen by all prompts below; `parent` is -1 at the top."""

    tokens: Tokens
    start: int
    parent: int
    depth: int
    is_leaf: bool

    @property
    def end(self) -> int:
        """Position behind the last token."""
        return self.start + len(self.tokens)


@dataclass(frozen=True)
class PrefixTree:
    """A forest in preorder, so that the leaves below a node are neighbours.

    Attributes
    ----------
    nodes : tuple of Node
        Parents stand before their children.
    leaf_of : tuple of int
        For each prompt the node that holds its last token; equal prompts share it.
    """

    nodes: tuple[Node, ...]
    leaf_of: tuple[int, ...]

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """The leaves' node numbers in order."""
        return tuple(number for number, node in enumerate(self.nodes) if node.is_leaf)

    @property
    def n_tokens(self) -> int:
        """Tokens that have to be computed."""
        return sum(len(node.tokens) for node in self.nodes)

    def chain(self, number: int) -> tuple[int, ...]:
        """Nodes from the top down to `number`, itself included."""
        above: list[int] = []
        while number >= 0:
            above.append(number)
            number = self.nodes[number].parent
        return tuple(reversed(above))

    def places(self, leaves: Sequence[int]) -> np.ndarray:
        """Rank (int64) among all leaves of some leaves' node numbers."""
        return np.searchsorted(np.array(self.leaves), np.array(leaves, dtype=np.int64)).astype(np.int64)

    def levels(self, numbers: Sequence[int] | None = None) -> Iterator[list[int]]:
        """Node numbers (all, or some) by depth: a level needs only what stands above it."""
        chosen = range(len(self.nodes)) if numbers is None else numbers
        by_depth: dict[int, list[int]] = {}
        for number in chosen:
            by_depth.setdefault(self.nodes[number].depth, []).append(number)
        for depth in sorted(by_depth):
            yield by_depth[depth]

    def portions(self, max_tokens: int) -> Iterator[tuple[list[int], list[int]]]:
        """Cut the forest so that few tokens besides the leaves' have to be held at a time.

        Parameters
        ----------
        max_tokens : int
            Tokens of inner nodes in a portion of whole subtrees, unless one node alone has more.

        Yields
        ------
        (list of int, list of int)
            Nodes to compute, in preorder, and the nodes that nothing later needs once they are computed.
        """
        children: dict[int, list[int]] = {}
        inner = [0 if node.is_leaf else len(node.tokens) for node in self.nodes]
        ends = [number + 1 for number in range(len(self.nodes))]
        for number in reversed(range(len(self.nodes))):
            parent = self.nodes[number].parent
            children.setdefault(parent, []).insert(0, number)
            if parent >= 0:
                inner[parent] += inner[number]
                ends[parent] = max(ends[parent], ends[number])

        def visit(siblings: Sequence[int]) -> Iterator[tuple[list[int], list[int]]]:
            group: list[int] = []
            held = 0
            for number in siblings:
                if group and held + inner[number] > max_tokens:
                    yield group, group
                    group, held = [], 0
                if inner[number] > max_tokens:
                    yield [number], []
                    yield from visit(children[number])
                    yield [], [number]
                else:
                    group = [*group, *range(number, ends[number])]
                    held += inner[number]
            if group:
                yield group, group

        yield from visit(children[-1])


def build_tree(prompts: Sequence[Sequence[int]], min_shared: int = MIN_SHARED) -> PrefixTree:
    """Build the tree of prompts' token ids.

    Raises
    ------
    InputError
        No prompt, or an empty one.
    """
    if not prompts or not all(len(prompt) for prompt in prompts):
        raise InputError(
            f"expected prompts of at least one token, found {len(prompts)} with an empty one or none at all"
        )
    distinct = sorted({tuple(prompt) for prompt in prompts})
    nodes: list[Node] = []
    leaves: dict[Tokens, int] = {}

    def grow(group: list[Tokens], start: int, parent: int, depth: int) -> None:
        if len(group) == 1:
            leaves[group[0]] = len(nodes)
            nodes.append(Node(group[0][start:], start, parent, depth, is_leaf=True))
            return
        shared = _shared_length(group)
        if shared - start >= min_shared:
            nodes.append(Node(group[0][start:shared], start, parent, depth, is_leaf=False))
            start, parent, depth = shared, len(nodes) - 1, depth + 1
        for part in _parts(group, shared):
            grow(part, start, parent, depth)

    grow(distinct, 0, -1, 0)
    return PrefixTree(tuple(nodes), tuple(leaves[tuple(prompt)] for prompt in prompts))


def _shared_length(group: list[Tokens]) -> int:
    """Length of what all begin with, at most all but the last token of the shortest: a leaf holds a last token."""
    first, last = group[0], group[-1]
    longest = min(len(prompt) for prompt in group) - 1
    for position in range(longest):
        if first[position] != last[position]:
            return position
    return longest


def _parts(group: list[Tokens], position: int) -> list[list[Tokens]]:
    """Split sorted prompts by their token at `position`; one that ends there stands alone."""
    parts: list[list[Tokens]] = []
    previous: int | None = None
    for prompt in group:
        token = prompt[position]
        ends = len(prompt) == position + 1
        if parts and token == previous and not ends and len(parts[-1][-1]) > position + 1:
            parts[-1].append(prompt)
        else:
            parts.append([prompt])
        previous = token
    return parts
