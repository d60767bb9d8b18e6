"""Seconds of all premise orders as a tree of shared prefixes beside the best plain batching of transformers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from brainalign.activations import answer_prompts
from brainalign.activations.answering import MIN_SHARED
from brainalign.activations.prefix_tree import build_tree
from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli import OrderPlan, Problem, ProblemSet, Wording, premise_orders
from brainalign.zoo import Answers, LanguageModel

# Prompts a batch that the plain peer may choose among; it runs with the fastest.
BATCH_SIZES = (4, 8, 16, 32)
_TRIAL_PROMPTS = 32


@dataclass(frozen=True)
class OrdersBenchmark:
    """One comparison in one process, wall time in s.

    Attributes
    ----------
    n_problems, n_premises, n_prompts, n_distinct : int
        Size of the task; prompts that are equal run once on both sides.
    n_tokens, n_tokens_computed : int
        Tokens of the distinct prompts, and those that the tree computes.
    tree_s : float
        All distinct prompts as a tree.
    batch_size : int
        Of plain batching: the fastest of several on 32 prompts, tried before.
    n_timed : int
        Prompts that plain batching ran, drawn at random where not all of them.
    plain_s : float
        Plain batching of all distinct prompts: the time of those run, scaled by their tokens.
    ratio : float
        ``plain_s / tree_s``.
    n_same : int
        Answers that are the same both ways, of ``n_timed``.
    largest_difference : float
        Of the margins, in logits.
    n_threads : int
    """

    n_problems: int
    n_premises: int
    n_prompts: int
    n_distinct: int
    n_tokens: int
    n_tokens_computed: int
    tree_s: float
    batch_size: int
    n_timed: int
    plain_s: float
    ratio: float
    n_same: int
    largest_difference: float
    n_threads: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


def benchmark_orders(
    model: LanguageModel, problems: ProblemSet, wording: Wording, *, n_timed: int | None = None
) -> OrdersBenchmark:
    """Time all orders of the premises of problems both ways.

    The peer sorts prompts by length, pads them to a batch's longest on the left, and computes the last token's logits
    only, in the model's own attention.

    Parameters
    ----------
    model : LanguageModel
    problems : ProblemSet
        With as many premises each.
    wording : Wording
    n_timed : int, optional
        Prompts that the peer runs; all by default.
    """
    prompts = [
        tuple(model.encode_problem(order.apply(problem), wording))
        for problem in problems
        for order in premise_orders(problem, OrderPlan("all"))
    ]
    distinct = list(dict.fromkeys(prompts))
    chosen = list(range(len(distinct)))
    if n_timed is not None and n_timed < len(distinct):
        chosen = sorted(stream("benchmark", "orders").choice(len(distinct), n_timed, replace=False).tolist())
    sample = [distinct[place] for place in chosen]
    batch_size = fastest_batch_size(model, sample)
    # The peer runs half before and half after, so that a machine that others use slows both sides alike.
    half = len(sample) // 2
    before, before_s = _timed(lambda: plain_answers(model, sample[:half], batch_size))
    tree, tree_s = _timed(lambda: answer_prompts(model, distinct))
    after, after_s = _timed(lambda: plain_answers(model, sample[half:], batch_size))
    plain_answer, plain_margin = np.append(before.answer, after.answer), np.append(before.margin, after.margin)
    seconds = before_s + after_s
    n_tokens = sum(map(len, distinct))
    plain_s = seconds * n_tokens / sum(map(len, sample))
    return OrdersBenchmark(
        n_problems=len(problems),
        n_premises=len(problems[0].premises),
        n_prompts=len(prompts),
        n_distinct=len(distinct),
        n_tokens=n_tokens,
        n_tokens_computed=build_tree(distinct, MIN_SHARED).n_tokens,
        tree_s=tree_s,
        batch_size=batch_size,
        n_timed=len(sample),
        plain_s=plain_s,
        ratio=plain_s / tree_s,
        n_same=int((tree.answer[chosen] == plain_answer).sum()),
        largest_difference=float(np.abs(tree.margin[chosen] - plain_margin).max()),
        n_threads=torch.get_num_threads(),
    )


def _timed(run: Callable[[], Answers]) -> tuple[Answers, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def first_of_each_category(
    problems: ProblemSet, n_premises: int, per_category: int, at_most: int | None = None
) -> ProblemSet:
    """Take the first problems of each type and category among those with so many premises.

    Raises
    ------
    InputError
        There are none with so many.
    """
    taken: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        if len(problem.premises) == n_premises:
            taken.setdefault((problem.reasoning_type, problem.category), []).append(problem)
    chosen = [problem for members in taken.values() for problem in members[:per_category]]
    if not chosen:
        raise InputError(f"expected problems of {n_premises} premises, found none among {len(problems)}: use others")
    return ProblemSet(tuple(chosen[:at_most]), problems.source)


def fastest_batch_size(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> int:
    """Batch size with which plain batching needs the fewest seconds on some of the prompts."""
    sample = list(prompts)[:_TRIAL_PROMPTS]
    plain_answers(model, sample[:1], 1)
    seconds = {}
    for size in BATCH_SIZES:
        start = time.perf_counter()
        plain_answers(model, sample, size)
        seconds[size] = time.perf_counter() - start
    return min(seconds, key=seconds.__getitem__)


@torch.inference_mode()
def plain_answers(model: LanguageModel, prompts: Sequence[Sequence[int]], batch_size: int) -> Answers:
    """Answer prompts in padded batches, sorted by length: the peer that the tree must equal."""
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    margin = np.empty(len(prompts), dtype=np.float32)
    answer = np.empty(len(prompts), dtype=np.int8)
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        longest = len(prompts[places[-1]])
        ids = torch.zeros(len(places), longest, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, longest - len(prompts[place]) :] = torch.tensor(prompts[place])
            mask[row, longest - len(prompts[place]) :] = 1
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        logits = model.module(
            input_ids=ids.to(model.device),
            attention_mask=None if bool(mask.all()) else mask.to(model.device),
            position_ids=positions.to(model.device),
            use_cache=False,
            logits_to_keep=1,
        ).logits[:, -1]
        answers = model.score(logits.float())
        margin[places], answer[places] = answers.margin, answers.answer
    return Answers(margin, answer)
