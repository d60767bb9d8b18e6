"""A NARI search from prefilled prompts beside the same search with a full forward pass for each check."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from brainalign.activations import PrefilledPrompts, displaced, encode_problems, extract, prefill
from brainalign.artifacts import stream
from brainalign.steering.config import NariConfig, middle_half
from brainalign.steering.inputs import Rows, assemble
from brainalign.steering.nari import run_nari
from brainalign.zoo import Answers

if TYPE_CHECKING:
    from brainalign.betas import FmriDataset
    from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class SteeringBenchmark:
    """One comparison in one process, wall time in s.

    Attributes
    ----------
    n_subjects, n_pairs, n_checks : int
        Size of the guided arm's search.
    prefill_s : float
        Prefilling all problems.
    search_s : float
        The search, ridge maps included.
    forward_s : float
        One full forward pass with hooks, the mean over ``n_timed`` of the search's checks drawn at random.
    full_s : float
        The same search with a full forward pass for each check: ``n_checks * forward_s``, the optimisation left out.
    ratio : float
        ``full_s`` over ``prefill_s + search_s``.
    n_same : int
        Checks among those timed with the same answer both ways.
    largest_difference : float
        Of their margins, in logits.
    n_threads : int
    """

    n_subjects: int
    n_pairs: int
    n_checks: int
    prefill_s: float
    search_s: float
    n_timed: int
    forward_s: float
    full_s: float
    ratio: float
    n_same: int
    largest_difference: float
    n_threads: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


@dataclass(frozen=True)
class _Check:
    """A question that the search asked: a prompt, its displacements (L, d), and what came back."""

    prompt: int
    displacements: Tensor
    margin: float
    answer: int


class _SampledPrompts:
    """Prefilled prompts that keep a uniform sample of the questions they are asked (reservoir sampling)."""

    def __init__(self, prompts: PrefilledPrompts, size: int) -> None:
        self.sample: list[_Check] = []
        self.n_asked = 0
        self._prompts, self._size = prompts, size
        self._rng = stream("benchmark", "steering")

    def answer(self, rows: Rows, layers: Sequence[int], displacements: Tensor) -> Answers:
        """Ask, and keep some."""
        answers = self._prompts.answer(rows, layers, displacements)
        for place, prompt in enumerate(rows.tolist()):
            slot = self.n_asked if self.n_asked < self._size else int(self._rng.integers(self.n_asked + 1))
            self.n_asked += 1
            if slot < self._size:
                moved = displacements[place].clone()
                check = _Check(prompt, moved, float(answers.margin[place]), int(answers.answer[place]))
                self.sample[slot : slot + 1] = [check]
        return answers


def benchmark_steering(
    model: "LanguageModel", dataset: "FmriDataset", config: NariConfig | None = None, *, n_timed: int = 100
) -> SteeringBenchmark:
    """Time the guided arm, then repeat some of its checks by full forward passes.

    Parameters
    ----------
    model : LanguageModel
    dataset : FmriDataset
        All its subjects and problems are searched.
    config : NariConfig, optional
        By default the middle half of the layers and the data's first region, with the published settings.
    n_timed : int
        Checks to repeat.
    """
    config = config or NariConfig(middle_half(model.n_layers), next(iter(dataset.betas.values)))
    activations = extract(model, dataset.problems, dataset.wording)
    start = time.perf_counter()
    prefilled = prefill(model, dataset.problems, dataset.wording, first_layer=config.layers[0])
    prefill_s = time.perf_counter() - start
    prompts = _SampledPrompts(prefilled, n_timed)
    inputs = assemble(activations, dataset, prompts, roi=config.roi)
    start = time.perf_counter()
    outcomes = run_nari(inputs, config, "guided", ("benchmark", 0))
    search_s = time.perf_counter() - start
    forward_s, same, difference = _repeat(model, dataset, config, prompts.sample)
    full_s = forward_s * prompts.n_asked
    return SteeringBenchmark(
        n_subjects=len(inputs.subjects),
        n_pairs=outcomes.num_rows,
        n_checks=prompts.n_asked,
        prefill_s=prefill_s,
        search_s=search_s,
        n_timed=len(prompts.sample),
        forward_s=forward_s,
        full_s=full_s,
        ratio=full_s / (prefill_s + search_s),
        n_same=same,
        largest_difference=difference,
        n_threads=torch.get_num_threads(),
    )


def _repeat(
    model: "LanguageModel", dataset: "FmriDataset", config: NariConfig, sample: Sequence[_Check]
) -> tuple[float, int, float]:
    """Mean seconds of a full forward pass, checks with the same answer, and the largest difference of margins."""
    token_ids = encode_problems(model, dataset.problems, dataset.wording)
    found = []
    start = time.perf_counter()
    for check in sample:
        with displaced(model, "attention", config.layers, check.displacements):
            found.append(model.score(model.forward(token_ids[check.prompt])[None]))
    seconds = (time.perf_counter() - start) / max(1, len(sample))
    differences = [abs(float(full.margin[0]) - check.margin) for full, check in zip(found, sample, strict=True)]
    same = sum(int(full.answer[0]) == check.answer for full, check in zip(found, sample, strict=True))
    return seconds, same, float(np.max(differences, initial=0.0))
