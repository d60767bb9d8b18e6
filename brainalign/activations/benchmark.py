"""Seconds of packed extraction and of prefilled answers beside plain forward passes of transformers, one by one."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch

from brainalign.activations.extraction import encode_problems, extract_prompts
from brainalign.activations.hooks import SITES, displaced
from brainalign.activations.prefilled import prefill_prompts
from brainalign.activations.prefix_tree import build_tree
from brainalign.artifacts import stream
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import Answers, LanguageModel

T = TypeVar("T")


@dataclass(frozen=True)
class ExtractionBenchmark:
    """Extraction against its peer in one run.

    `largest_difference` is relative: of two states at a layer and site, over the largest state there.
    """

    n_problems: int
    n_tokens: int
    n_tokens_computed: int
    one_by_one_s: float
    packed_s: float
    ratio: float
    largest_difference: float
    n_threads: int


@dataclass(frozen=True)
class AnsweringBenchmark:
    """Prefilled answers against a full forward pass for each; `largest_difference` is that of the margins (logits)."""

    n_rows: int
    n_problems: int
    n_forward: int
    rows_per_s: float
    forward_rows_per_s: float
    ratio: float
    largest_difference: float
    prefill_s: float
    n_threads: int


def benchmark_extraction(
    model: LanguageModel, problems: ProblemSet, wording: Wording, *, repeats: int = 1
) -> ExtractionBenchmark:
    """Time `extract` against plain forward passes with hooks, one problem after the other (best of `repeats`)."""
    prompts = encode_problems(model, problems, wording)
    (packed, _), packed_s = _best(lambda: extract_prompts(model, prompts), repeats)
    plain, plain_s = _best(lambda: one_by_one(model, prompts), repeats)
    scale = np.abs(plain).max(axis=(2, 3), keepdims=True)
    return ExtractionBenchmark(
        n_problems=len(prompts),
        n_tokens=sum(len(prompt) for prompt in prompts),
        n_tokens_computed=build_tree(prompts).n_tokens,
        one_by_one_s=plain_s,
        packed_s=packed_s,
        ratio=plain_s / packed_s,
        largest_difference=float((np.abs(packed - plain) / scale).max()),
        n_threads=torch.get_num_threads(),
    )


def benchmark_answering(
    model: LanguageModel, problems: ProblemSet, wording: Wording, *, n_rows: int = 480, n_forward: int = 12
) -> AnsweringBenchmark:
    """Time prefilled answers, middle half of the layers steered, against full forward passes of the first rows."""
    prompts = encode_problems(model, problems, wording)
    first = model.n_layers // 4
    layers = range(first, 3 * model.n_layers // 4)
    prefilled, prefill_s = _best(lambda: prefill_prompts(model, prompts, first), 1)
    noise = stream("benchmark", "answering").standard_normal((n_rows, len(layers), model.hidden_size))
    displacements = torch.from_numpy(0.1 * noise.astype(np.float32))
    rows = np.arange(n_rows, dtype=np.int64) % len(prompts)
    answers, packed_s = _best(lambda: prefilled.answer(rows, layers, displacements), 2)
    plain, plain_s = _best(lambda: _steered(model, prompts, rows[:n_forward], layers, displacements), 1)
    return AnsweringBenchmark(
        n_rows=n_rows,
        n_problems=len(prompts),
        n_forward=n_forward,
        rows_per_s=n_rows / packed_s,
        forward_rows_per_s=n_forward / plain_s,
        ratio=n_rows / packed_s / (n_forward / plain_s),
        largest_difference=float(np.abs(plain.margin - answers.margin[:n_forward]).max()),
        prefill_s=prefill_s,
        n_threads=torch.get_num_threads(),
    )


def one_by_one(model: LanguageModel, prompts: Sequence[Sequence[int]]) -> np.ndarray:
    """States (2, n_layers, n_prompts, d) float32 from plain forward passes: the peer that extraction must equal."""
    values = np.empty((len(SITES), model.n_layers, len(prompts), model.hidden_size), dtype=np.float32)

    def write(site: int, layer: int, prompt: int, state: torch.Tensor) -> None:
        values[site, layer, prompt] = state[0, -1].float().cpu().numpy()

    for number, prompt in enumerate(prompts):
        with ExitStack() as stack:
            for site, name in enumerate(SITES):
                for layer in range(model.n_layers):
                    stack.enter_context(model.hook(name, layer, partial(write, site, layer, number)))
            model.forward(prompt)
    return values


def _steered(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    rows: np.ndarray,
    layers: Sequence[int],
    displacements: torch.Tensor,
) -> Answers:
    logits = []
    for row, problem in enumerate(rows.tolist()):
        with displaced(model, "attention", layers, displacements[row]):
            logits.append(model.forward(prompts[problem]))
    return model.score(torch.stack(logits))


def _best(run: Callable[[], T], repeats: int) -> tuple[T, float]:
    """Last result and fewest wall seconds of some runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)
