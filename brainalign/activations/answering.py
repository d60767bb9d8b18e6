"""Answers to many prompts without their states: shared prefixes computed once, in bounded memory.

Unlike `extract`, nothing but the next token's logits is read, and keys and values of a shared prefix are forgotten as
soon as the last prompt that begins with it has been read. So 720 orders of six premises cost the memory of a few.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from brainalign.activations.packed import BLOCK_TOKENS, Block, blocks, embed, run_layers
from brainalign.activations.prefix_tree import Node, PrefixTree, build_tree
from brainalign.activations.tree_attention import KeyValueStore
from brainalign.errors import InputError
from brainalign.zoo import Answers, LanguageModel

# Premises are shorter than what `extract` shares: in orders of premises even short stretches recur many times.
MIN_SHARED = 4
# Tokens of shared prefixes held at a time.
MAX_STORED = 2048
HEAD_ROWS = 128


@dataclass(frozen=True)
class PassSize:
    """Tokens a pass, shortest stretch that is shared, and tokens held: they change speed and memory, not answers."""

    block_tokens: int = BLOCK_TOKENS
    min_shared: int = MIN_SHARED
    max_stored: int = MAX_STORED


@torch.inference_mode()
def answer_prompts(model: LanguageModel, prompts: Sequence[Sequence[int]], size: PassSize | None = None) -> Answers:
    """Answer prompts of token ids; `edited` models are steered as in plain forward passes.

    Parameters
    ----------
    model : LanguageModel
    prompts : sequence of token ids
        Equal prompts are computed once.
    size : PassSize, optional

    Returns
    -------
    Answers
        In the order of `prompts`.

    Raises
    ------
    InputError
        No prompt, or an empty one.
    """
    tree = build_tree(prompts, (size or PassSize()).min_shared)
    margin = np.empty(len(tree.leaves), dtype=np.float32)
    answer = np.empty(len(tree.leaves), dtype=np.int8)

    def read(places: np.ndarray, logits: torch.Tensor) -> None:
        answers = model.score(logits)
        margin[places], answer[places] = answers.margin, answers.answer

    _read_leaves(model, tree, read, size or PassSize())
    rows = tree.places(tree.leaf_of)
    return Answers(margin[rows], answer[rows])


@torch.inference_mode()
def option_logits(
    model: LanguageModel, prompts: Sequence[Sequence[int]], options: Sequence[int], size: PassSize | None = None
) -> np.ndarray:
    """Logits float32 (n_prompts, n_options) of some tokens to come next after each prompt."""
    tree = build_tree(prompts, (size or PassSize()).min_shared)
    found = np.empty((len(tree.leaves), len(options)), dtype=np.float32)

    def read(places: np.ndarray, logits: torch.Tensor) -> None:
        found[places] = logits[:, list(options)].cpu().numpy()

    _read_leaves(model, tree, read, size or PassSize())
    return found[tree.places(tree.leaf_of)]


@dataclass(frozen=True)
class Continuation:
    """Log likelihood in nats of a continuation's tokens, and whether each is the most probable one."""

    log_likelihood: float
    is_greedy: bool


@torch.inference_mode()
def continuations(
    model: LanguageModel,
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
    *,
    block_tokens: int = BLOCK_TOKENS,
) -> list[Continuation]:
    r"""Score continuations of contexts, :math:`\sum_t \log p(y_t | x, y_{<t})`.

    Every token that predicts one of the continuation's is a last token to hooks, and what they make of it is seen by
    the tokens behind it: as if the continuation were generated token by token from a cache.

    Parameters
    ----------
    model : LanguageModel
    pairs : sequence of (context, continuation)
        Token ids.

    Raises
    ------
    InputError
        An empty context or continuation.
    """
    if not all(len(context) and len(ending) for context, ending in pairs):
        raise InputError(
            "expected a context and a continuation of at least one token, found an empty one: begin a "
            "text with the model's begin-of-text token"
        )
    # The last token predicts nothing that is asked for. One node a pair: texts with unequal contexts share no steering.
    rows = [(*context, *ending[:-1]) for context, ending in pairs]
    tree = PrefixTree(tuple(Node(row, 0, -1, 0, is_leaf=True) for row in rows), tuple(range(len(rows))))
    scores: list[Continuation] = []
    for block in blocks(tree, KeyValueStore(), device=model.device, n_rows=block_tokens) if rows else ():
        spans = [
            range(int(last) + 1 - len(pairs[leaf][1]), int(last) + 1)
            for leaf, last in zip(block.leaves, block.final_rows.tolist(), strict=True)
        ]
        asked = torch.tensor([row for span in spans for row in span], device=model.device)
        targets = [token for leaf in block.leaves for token in pairs[leaf][1]]
        tree_pass = replace(block.tree_pass, last_rows=asked)
        last = run_layers(model, embed(model, block.ids), tree_pass)
        states = last[asked.to(last.device)]
        chosen, greedy = _log_probabilities(model, states, torch.tensor(targets, device=states.device))
        start = 0
        for span in spans:
            part = slice(start, start + len(span))
            scores.append(Continuation(float(chosen[part].sum()), bool(greedy[part].all())))
            start += len(span)
    return scores


def _log_probabilities(
    model: LanguageModel, states: torch.Tensor, targets: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Log probability (float64) of each row's target, and whether it is the most probable token."""
    chosen, greedy = [], []
    for part, target in zip(states.split(HEAD_ROWS), targets.split(HEAD_ROWS), strict=True):
        logits = model.head(part)
        own = logits.gather(1, target[:, None])[:, 0]
        chosen.append((own - torch.logsumexp(logits, dim=1)).double().cpu().numpy())
        greedy.append((logits.argmax(dim=1) == target).cpu().numpy())
    return np.concatenate(chosen), np.concatenate(greedy)


def _read_leaves(
    model: LanguageModel, tree: PrefixTree, read: Callable[[np.ndarray, torch.Tensor], None], size: PassSize
) -> None:
    """Call ``read(places, logits)`` with the logits (n, vocabulary) after each prompt, a few prompts at a time."""
    for block in _portioned(model, tree, size):
        last = run_layers(model, embed(model, block.ids), block.tree_pass)
        places = tree.places(block.leaves)
        for start in range(0, len(places), HEAD_ROWS):
            part = slice(start, start + HEAD_ROWS)
            read(places[part], model.head(last[block.final_rows[part].to(last.device)]))


def _portioned(model: LanguageModel, tree: PrefixTree, size: PassSize) -> Iterator[Block]:
    store = KeyValueStore()
    for nodes, done in tree.portions(size.max_stored):
        if nodes:
            yield from blocks(tree, store, device=model.device, n_rows=size.block_tokens, nodes=nodes)
        store.forget(done)
