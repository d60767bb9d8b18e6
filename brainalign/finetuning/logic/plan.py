"""What the adapter is trained on, and how; imports no torch."""

from dataclasses import dataclass

from brainalign.finetuning.logic.questions import N_SIBLINGS
from brainalign.stimuli import REASONING_TYPES

VERSION = 1
NAME = "smollm2-135m-logic"
STRENGTH = 0.5
"""What the trained adapter is multiplied by when it is written: whole, it leaves hardly an error to mend."""
DTYPE = "bfloat16"
"""Type of the frozen weights while the adapter is trained; half the seconds of float32 on a CPU that multiplies it."""


@dataclass(frozen=True)
class Plan:
    """The training.

    Attributes
    ----------
    n_premises : tuple of int
        Taken in turn, block by block.
    n_blocks, n_epochs : int
        Blocks of questions, each a step of the optimiser, and how often all of them are seen.
    n_each : int
        Problems of either type in a block, each asked four questions.
    learning_rate : float
        Largest rate of AdamW; a cosine ends it at 0.
    start, width : float
        Of the layers whose attention gets adapters, as shares of the depth.
    rank : int
        Of the adapters; alpha is twice that.
    """

    n_premises: tuple[int, ...] = (3, 4)
    n_blocks: int = 50
    n_epochs: int = 3
    n_each: int = 2
    learning_rate: float = 1e-3
    start: float = 0.0
    width: float = 1.0
    rank: int = 16

    @property
    def n_asked(self) -> int:
        """Questions of a block, over both types."""
        return len(REASONING_TYPES) * self.n_each * N_SIBLINGS

    @property
    def n_steps(self) -> int:
        """Steps of the optimiser."""
        return self.n_blocks * self.n_epochs
