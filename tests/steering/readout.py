"""A model small enough to know its answers by hand: a linear readout of the displaced states."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from brainalign.steering.inputs import NariInputs
from brainalign.zoo import Answers


class LinearReadout:
    """Answers True where ``offset + sum_l w_l . displacement_l > 0``; neither beyond a displacement's ``limit``.

    Keeps count of what it was asked.
    """

    def __init__(self, weights: NDArray[np.float32], offsets: NDArray[np.float32], limit: float = np.inf) -> None:
        self.weights = torch.from_numpy(weights)
        self.offsets = offsets
        self.limit = limit
        self.asked: list[tuple[NDArray[np.int64], torch.Tensor]] = []

    def answer(self, rows: NDArray[np.int64], layers: Sequence[int], displacements: torch.Tensor) -> Answers:
        self.asked.append((rows.copy(), displacements.clone()))
        moved = (displacements * self.weights[list(layers)]).sum(dim=(1, 2)).numpy()
        margin = (self.offsets[rows] + moved).astype(np.float32)
        answer = (margin > 0).astype(np.int8)
        answer[torch.linalg.vector_norm(displacements, dim=(1, 2)).numpy() > self.limit] = -1
        return Answers(margin, answer)


class ShiftedVariants:
    """Instruction number i adds its own constant to the margin: 0.5, -0.5, 1, -1, …"""

    def __init__(self, offsets: NDArray[np.float32], count: int = 60) -> None:
        self.offsets = offsets
        self.count = count

    def __len__(self) -> int:
        return self.count

    def answer(self, variant: int, rows: NDArray[np.int64]) -> Answers:
        shift = (variant // 2 + 1) * (0.5 if variant % 2 == 0 else -0.5)
        margin = (self.offsets[rows] + shift).astype(np.float32)
        return Answers(margin, (margin > 0).astype(np.int8))


def make_inputs(*, limit: float = np.inf, n_problems: int = 24, seed: int = 0, offset: float = 0.0) -> NariInputs:
    """Inputs of random states and betas, two types, three subjects, six layers, asked through a linear readout."""
    rng = np.random.default_rng(seed)
    n_layers, width, n_voxels = 6, 16, 40
    labels = rng.permutation(np.arange(n_problems) % 2 == 0)
    weights = rng.standard_normal((n_layers, width)).astype(np.float32)
    offsets = (rng.standard_normal(n_problems) + offset).astype(np.float32)
    readout = LinearReadout(weights, offsets, limit)
    rows = np.arange(n_problems)
    unsteered = readout.answer(rows, (0,), torch.zeros(n_problems, 1, width))
    readout.asked.clear()
    subjects = ("sub-1", "sub-2", "sub-3")
    return NariInputs(
        stimulus_ids=tuple(f"item-{row:03d}" for row in rows),
        types=np.array(["syllogisms", "transitive"])[rows % 2],
        labels=labels,
        states=rng.standard_normal((n_layers, n_problems, width)).astype(np.float32),
        answers=unsteered,
        subjects=subjects,
        betas={name: rng.standard_normal((n_problems, n_voxels)).astype(np.float32) for name in subjects},
        correct=rng.random((3, n_problems)) < 0.8,
        pool=rows,
        targets=rows,
        prompts=readout,
        prompt_rows=rows,
        other_roi="elsewhere",
        other_betas={name: rng.standard_normal((n_problems, n_voxels + 5)).astype(np.float32) for name in subjects},
        variants=ShiftedVariants(offsets),
    )
