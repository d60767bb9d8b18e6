"""What an arm is: a way to spend a pair's checks."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.steering.config import NariConfig
from brainalign.steering.inputs import Rows
from brainalign.steering.ledger import Attempt
from brainalign.steering.pairs import Group, Pairs

Names = tuple[str | int, ...]
"""Names that an arm's random streams start with: the result key and the replicate seed."""


class Attempts(Protocol):
    """The search of one block of pairs, as far as it has come."""

    def attempt(self, check: int, rows: Rows) -> Attempt:
        """Ask the model for the pairs at positions ``rows`` of the block; every call's rows are among the last's."""
        ...

    def settle(self, valid: NDArray[np.bool_]) -> None:
        """Learn which of the rows just asked gave True or False at all."""
        ...


class Arm(ABC):
    """One arm on the pairs of one reasoning type.

    Parameters
    ----------
    group : Group
    config : NariConfig
    names : tuple of str or int
        Start of the names of its random streams. The arm, subject, stimulus, layer and draw follow.
    """

    name: ClassVar[str]

    def __init__(self, group: Group, config: NariConfig, names: Names) -> None:
        self.group = group
        self.config = config
        self.names = (*names, self.name)

    @property
    def n_checks(self) -> int:
        """Questions to the model that a pair gets at most; the same for all arms unless ``compat`` says otherwise."""
        return self.config.n_checks

    @abstractmethod
    def start(self, pairs: Pairs) -> Attempts:
        """Begin the search of a block of the group's pairs."""


def ask(group: Group, pairs: Pairs, rows: Rows, displacements: Tensor) -> Attempt:
    """Ask the model with displacements (len(rows), L, d) and measure the largest one in units of sigma."""
    inputs = group.inputs
    answers = inputs.prompts.answer(inputs.prompt_rows[pairs.problems[rows]], group.layers, displacements)
    sigma = group.sigma.clamp_min(torch.finfo(torch.float32).tiny)
    radius = (torch.linalg.vector_norm(displacements, dim=-1) / sigma).amax(dim=1)
    return Attempt(answers, radius.numpy(), displacements)
