"""Seconds of packed extraction beside plain forward passes of transformers, and the memory of prefilled answers."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from brainalign.activations.extraction import encode_problems, extract_prompts
from brainalign.activations.hooks import SITES
from brainalign.activations.prefilled import prefill_prompts
from brainalign.activations.prefix_tree import build_tree
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import LanguageModel

T = TypeVar("T")
_GIB = 2**30
_PEAK_RESET = Path("/proc/self/clear_refs")


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
class MemoryBenchmark:
    """Resident memory of the process while prefilled prompts answer ever more configurations, GiB.

    Attributes
    ----------
    n_configurations : tuple of int
        Configurations asked in one call.
    displacements_gib : tuple of float
        What the caller hands in for them.
    peak_gib : tuple of float
        Largest resident memory during the call, model and prompts included, the displacements left out.
    growth : float
        Last peak over the first; 1 where memory does not depend on the number of configurations.
    """

    n_configurations: tuple[int, ...]
    displacements_gib: tuple[float, ...]
    peak_gib: tuple[float, ...]
    growth: float


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


def benchmark_memory(
    model: LanguageModel,
    problems: ProblemSet,
    wording: Wording,
    layers: Sequence[int],
    counts: Sequence[int] = (128, 512, 2048),
) -> MemoryBenchmark:
    """Measure the peak resident memory of prefilled answers while some layers are steered (Linux only)."""
    prefilled = prefill_prompts(model, encode_problems(model, problems, wording), layers[0])
    inputs, peaks = [], []
    for count in counts:
        rows = np.arange(count, dtype=np.int64) % len(problems)
        displacements = torch.full((count, len(layers), model.hidden_size), 1e-3)
        inputs.append(displacements.nbytes / _GIB)
        _PEAK_RESET.write_text("5")
        prefilled.answer(rows, layers, displacements)
        peaks.append(_peak_gib() - inputs[-1])
        del displacements
    return MemoryBenchmark(tuple(counts), tuple(inputs), tuple(peaks), peaks[-1] / peaks[0])


def _peak_gib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / _GIB for line in lines if line.startswith("VmHWM"))


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


def _best(run: Callable[[], T], repeats: int) -> tuple[T, float]:
    """Last result and fewest wall seconds of some runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)
