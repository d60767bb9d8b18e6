"""The (subject, problem) pairs that a search works on, and what pairs of one reasoning type share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.errors import InputError
from brainalign.steering.inputs import NariInputs, Rows


@dataclass(frozen=True)
class Pairs:
    """P pairs, in the order of subject and then problem.

    Attributes
    ----------
    subjects : ndarray of int64, shape (P,)
        Positions among the inputs' subjects.
    problems : ndarray of int64, shape (P,)
        Rows of the inputs.
    targeted : ndarray of bool, shape (P,)
        Whether the model had the problem wrong (neither True nor False is wrong); the others it had right.
    """

    subjects: Rows
    problems: Rows
    targeted: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.subjects)

    def blocks(self, size: int) -> "Iterator[Pairs]":
        """Consecutive pairs, at most ``size`` at a time, so that memory stays flat in their number."""
        for start in range(0, len(self), size):
            cut = slice(start, start + size)
            yield Pairs(self.subjects[cut], self.problems[cut], self.targeted[cut])


@dataclass(frozen=True)
class Group:
    """The pairs of one reasoning type, with the pool that their maps and scales stand on.

    Attributes
    ----------
    inputs : NariInputs
    reasoning_type : str
    layers : tuple of int
        Steered layers.
    pool : ndarray of int64, shape (n,)
        The type's problems in the pool.
    pairs : Pairs
    sigma : Tensor
        float32, (L,): root of the mean squared distance of the pool's states from their mean.
    magnitude : Tensor
        float32, (L,): mean absolute value over the pool's states and units.
    """

    inputs: NariInputs
    reasoning_type: str
    layers: tuple[int, ...]
    pool: Rows
    pairs: Pairs
    sigma: Tensor
    magnitude: Tensor


def form_groups(
    inputs: NariInputs, layers: tuple[int, ...], choose: Callable[[NariInputs, Rows], Pairs] | None = None
) -> list[Group]:
    """Group pairs by reasoning type.

    Parameters
    ----------
    inputs : NariInputs
    layers : tuple of int
        Steered layers.
    choose : callable, optional
        Pairs of a type's targets; by default :func:`solved_pairs`.

    Raises
    ------
    InputError
        A layer beyond the model, or a type to steer of which the pool holds no problem.
    """
    inputs.check_layers(layers)
    groups = []
    for reasoning_type in sorted(set(inputs.types[inputs.targets].tolist())):
        targets = inputs.targets[inputs.types[inputs.targets] == reasoning_type]
        pool = inputs.pool[inputs.types[inputs.pool] == reasoning_type]
        if not len(pool):
            raise InputError(
                f"expected problems of type {reasoning_type} in the pool that maps are fitted on, found none: "
                "split within the reasoning types"
            )
        sigma, magnitude = _scales(inputs.states[list(layers)][:, pool])
        pairs = (choose or solved_pairs)(inputs, targets)
        groups.append(Group(inputs, reasoning_type, layers, pool, pairs, sigma, magnitude))
    return groups


def solved_pairs(inputs: NariInputs, targets: Rows) -> Pairs:
    """Pairs of all subjects with the targets that they had right."""
    return _pairs(inputs, targets, inputs.correct[:, targets])


def all_pairs(inputs: NariInputs, targets: Rows) -> Pairs:
    """Pairs of all subjects with all targets."""
    return _pairs(inputs, targets, np.ones((len(inputs.subjects), len(targets)), dtype=bool))


def _pairs(inputs: NariInputs, targets: Rows, chosen: NDArray[np.bool_]) -> Pairs:
    subjects, columns = np.nonzero(chosen)
    problems = targets[columns]
    wrong = inputs.answers.answer != inputs.labels.astype(np.int8)
    return Pairs(subjects.astype(np.int64), problems.astype(np.int64), wrong[problems])


def _scales(states: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Sigma and mean absolute value of states (L, n, d), computed in float64."""
    exact = states.astype(np.float64)
    spread = exact - exact.mean(axis=1, keepdims=True)
    sigma = np.sqrt((spread**2).sum(axis=2).mean(axis=1))
    magnitude = np.abs(exact).mean(axis=(1, 2))
    return torch.from_numpy(sigma.astype(np.float32)), torch.from_numpy(magnitude.astype(np.float32))
