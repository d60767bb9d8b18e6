"""The tree of shared prefixes."""

import numpy as np
import pytest

from brainalign.activations.prefix_tree import PrefixTree, build_tree
from brainalign.errors import InputError


def read(tree: PrefixTree, leaf: int) -> list[int]:
    return [token for number in tree.chain(leaf) for token in tree.nodes[number].tokens]


@pytest.mark.parametrize("min_shared", [1, 3, 16])
@pytest.mark.parametrize("seed", range(8))
def test_every_prompt_reads_back(seed: int, min_shared: int) -> None:
    rng = np.random.default_rng(seed)
    # Two letters and random lengths: many shared prefixes, doubles, and prompts that begin other prompts.
    prompts = [rng.integers(0, 2, rng.integers(1, 12)).tolist() for _ in range(30)]
    tree = build_tree(prompts, min_shared)
    assert [read(tree, leaf) for leaf in tree.leaf_of] == prompts
    assert len(tree.leaves) == len({tuple(prompt) for prompt in prompts})
    for number, node in enumerate(tree.nodes):
        assert node.tokens
        assert node.parent < number
        assert node.start == (tree.nodes[node.parent].end if node.parent >= 0 else 0)
        assert node.is_leaf or len(node.tokens) >= min_shared


def test_shared_tokens_are_counted_once() -> None:
    common = list(range(100, 130))
    tree = build_tree([[*common, 1, 2], [*common, 3], [7, 8]])
    assert tree.n_tokens == 30 + 2 + 1 + 2
    assert [node.depth for node in tree.nodes] == [0, 0, 1, 1]


def test_leaves_below_a_node_are_neighbours() -> None:
    rng = np.random.default_rng(5)
    prompts = [rng.integers(0, 3, 9).tolist() for _ in range(40)]
    tree = build_tree(prompts, 1)
    for number, node in enumerate(tree.nodes):
        below = [rank for rank, leaf in enumerate(tree.leaves) if number in tree.chain(leaf)]
        assert below == list(range(below[0], below[0] + len(below))), node


def test_levels_hold_each_node_once() -> None:
    tree = build_tree([[1] * 20 + [token] for token in range(5)])
    assert sorted(number for level in tree.levels() for number in level) == list(range(len(tree.nodes)))


def test_no_prompt_or_an_empty_one_is_refused() -> None:
    with pytest.raises(InputError, match="expected prompts of at least one token"):
        build_tree([])
    with pytest.raises(InputError, match="expected prompts of at least one token"):
        build_tree([[1], []])
