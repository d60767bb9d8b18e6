"""How long the prompts of a pass are, once what they share is counted once."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PromptSizes:
    """Sizes of one packed pass over n prompts.

    Attributes
    ----------
    n_prompts : int
    n_tokens : int
        Tokens that are computed: what prompts share counts once.
    longest : int
        Tokens of the longest prompt.
    shared : int
        Tokens of the longest stretch that prompts share at their beginning.
    """

    n_prompts: int
    n_tokens: int
    longest: int
    shared: int

    @classmethod
    def of_prompts(cls, prompts: Sequence[Sequence[int]]) -> "PromptSizes":
        """Count the tokens of prompts that run in one pass."""
        from brainalign.activations.prefix_tree import build_tree

        tree = build_tree(prompts)
        first = max((len(node.tokens) for node in tree.nodes if node.parent < 0 and not node.is_leaf), default=0)
        return cls(len(prompts), tree.n_tokens, max(map(len, prompts)), first)

    @classmethod
    def assumed(cls, n_prompts: int, longest: int, shared: int) -> "PromptSizes":
        """Take all prompts for as long as the longest, with the same beginning."""
        return cls(n_prompts, shared + n_prompts * (longest - shared), longest, shared)
