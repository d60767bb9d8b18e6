"""Controls: steps of growing length along random directions.

A guided search changes its direction at every step, so forty lengths along one direction are a weaker trial than it
seems. The random arm therefore draws a fresh direction for every sweep of radii; the single one does not.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.steering.arms.arm import Arm, Names, ask
from brainalign.steering.config import RADII_A_SWEEP
from brainalign.steering.inputs import Rows
from brainalign.steering.ledger import Attempt
from brainalign.steering.pairs import Group, Pairs


class RandomDirection(Arm):
    """Sweeps of ten radii, alpha/10 … alpha sigma, each along a fresh direction.

    A last, shorter sweep reaches alpha too.

    With ``compat="release"``: one direction, radii 1, 2, … floor(alpha) sigma and no more checks than that.
    """

    name = "random_direction"

    @property
    def n_checks(self) -> int:
        """Checks of a pair at most; fewer than the guided arm's only under ``compat="release"``."""
        if self.config.compat == "release":
            return min(int(self.config.alpha), self.config.n_checks)
        return self.config.n_checks

    def start(self, pairs: Pairs) -> "RandomAttempts":
        """Begin the search of a block."""
        return RandomAttempts(self.group, pairs, self.names, self.schedule())

    def schedule(self) -> list[tuple[int, float]]:
        """Draw and radius (in sigma) of every check."""
        if self.config.compat == "release":
            return [(0, float(check + 1)) for check in range(self.n_checks)]
        return sweeps(self.n_checks, RADII_A_SWEEP, self.config.alpha)


class SingleRandomDirection(RandomDirection):
    """All radii along one direction, as the release's control has it, with as many checks as the other arms."""

    name = "random_direction_single"

    def schedule(self) -> list[tuple[int, float]]:
        """Draw and radius (in sigma) of every check."""
        if self.config.compat == "release":
            return super().schedule()
        return sweeps(self.n_checks, self.n_checks, self.config.alpha)


def sweeps(n_checks: int, length: int, alpha: float) -> list[tuple[int, float]]:
    """Divide checks into sweeps of ``length`` radii up to alpha; a shorter rest is spread up to alpha as well.

    Examples
    --------
    >>> sweeps(3, 2, 10.0)
    [(0, 5.0), (0, 10.0), (1, 10.0)]
    """
    schedule = []
    for start in range(0, n_checks, length):
        size = min(length, n_checks - start)
        schedule += [(start // length, alpha * (step + 1) / size) for step in range(size)]
    return schedule


class RandomAttempts:
    """The directions of one block of pairs, drawn when their sweep begins."""

    def __init__(self, group: Group, pairs: Pairs, names: Names, schedule: list[tuple[int, float]]) -> None:
        self._group, self._pairs = group, pairs
        self._names = names
        self._schedule = schedule
        self._draw = -1
        self._rows = np.arange(len(pairs))
        self._directions = torch.empty(0)

    def attempt(self, check: int, rows: Rows) -> Attempt:
        """Ask with this check's radius, at every layer along a direction of its own."""
        draw, radius = self._schedule[check]
        if draw != self._draw:
            self._directions = torch.stack([self._direction(row, draw) for row in rows])
        elif len(rows) < len(self._rows):
            self._directions = self._directions[torch.from_numpy(np.searchsorted(self._rows, rows))]
        self._draw, self._rows = draw, rows
        length = (radius * self._group.sigma).reshape(1, -1, 1)
        return ask(self._group, self._pairs, rows, self._directions * length)

    def settle(self, valid: NDArray[np.bool_]) -> None:
        """Nothing to learn: the directions are drawn beforehand."""

    def _direction(self, row: int, draw: int) -> torch.Tensor:
        """Draw the unit vectors of a pair, (L, d), each from the stream of its names."""
        inputs = self._group.inputs
        subject = inputs.subjects[self._pairs.subjects[row]]
        stimulus = inputs.stimulus_ids[self._pairs.problems[row]]
        width = inputs.states.shape[2]
        normals = np.stack(
            [
                stream(*self._names, subject, stimulus, layer, draw).standard_normal(width)
                for layer in self._group.layers
            ]
        )
        return torch.from_numpy((normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32))
