"""Settings of a training: what its result depends on, and how it is carried out."""

import math
from dataclasses import dataclass
from typing import Literal

from brainalign.errors import InputError

SCHEDULES = ("cosine", "constant")
STAGES = (0, 1, 2, 3)
LEAST_WARMUP_STEPS = 2
"""DeepSpeed's own least."""


@dataclass(frozen=True)
class TrainingConfig:
    """What a training's result depends on besides model, objective and names.

    Attributes
    ----------
    n_epochs : int
        Passes over all examples.
    batch_size : int
        Examples of a step over all workers; the last batch of an epoch may be smaller.
    learning_rate : float
        Largest rate of AdamW.
    weight_decay : float
    clip : float
        Gradients are scaled down to this norm; 0 leaves them.
    schedule : {"cosine", "constant"}
    warmup : float
        Share of the steps over which the rate rises (at least two steps); read by ``"cosine"`` only.
    final_rate : float
        Share of the rate that the cosine ends above; read by ``"cosine"`` only.
    validate_every : int
        Epochs between validations; the last epoch is validated too.
    patience : int or None
        The training stops after so many validations without a better one; None never stops early.
    """

    n_epochs: int = 100
    batch_size: int = 14
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    clip: float = 1.0
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: float = 0.1
    final_rate: float = 0.0
    validate_every: int = 1
    patience: int | None = None

    def __post_init__(self) -> None:
        """Refuse settings that no training can run with."""
        for name in ("n_epochs", "batch_size", "validate_every"):
            _at_least_one(name, getattr(self, name))
        if self.patience is not None:
            _at_least_one("patience", self.patience)
        if self.schedule not in SCHEDULES:
            raise InputError(
                f"expected a schedule of {', '.join(SCHEDULES)}, found {self.schedule!r}: choose one of them"
            )
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"expected a learning rate above 0, found {self.learning_rate}: try 1e-4")
        for name in ("weight_decay", "clip"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"expected a {name} of at least 0, found {value}: 0 leaves it out")
        for name in ("warmup", "final_rate"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise InputError(f"expected a {name} from 0 to 1, found {value}: it is a share")

    def n_steps(self, n_examples: int) -> int:
        """Count the optimiser's steps in the whole training."""
        return self.n_epochs * math.ceil(n_examples / self.batch_size)

    def n_warmup_steps(self, n_examples: int) -> int:
        """Count the steps over which the rate rises."""
        return max(LEAST_WARMUP_STEPS, round(self.warmup * self.n_steps(n_examples)))


@dataclass(frozen=True)
class Execution:
    """How a training is carried out; its result is the same up to rounding, so no key depends on it.

    Attributes
    ----------
    n_workers : int
        Processes that share every batch. One runs in the calling process, more under Ray Train.
    zero_stage : {0, 1, 2, 3}
        What DeepSpeed partitions over the workers: nothing, moments, gradients too, weights too.
    offload : bool
        Keep what stage 3 partitions in the memory of the host.
    micro_batch : int
        Examples of one forward pass in a worker.
    save_every : int
        Epochs between checkpoints to go on from.
    diagnose_every : int
        Steps between those whose gradients are taken apart by loss; 0 for none.
    recompute : bool
        Compute every layer anew in the backward pass rather than keep what lies within it.
    max_failures : int
        Lost workers after which a training under Ray Train is given up.
    """

    n_workers: int = 1
    zero_stage: int = 0
    offload: bool = False
    micro_batch: int = 14
    save_every: int = 1
    diagnose_every: int = 0
    recompute: bool = False
    max_failures: int = 3

    def __post_init__(self) -> None:
        """Refuse what no engine can carry out."""
        for name in ("n_workers", "micro_batch", "save_every"):
            _at_least_one(name, getattr(self, name))
        if self.zero_stage not in STAGES:
            raise InputError(f"expected a ZeRO stage from 0 to 3, found {self.zero_stage}: choose one of them")
        if self.offload and self.zero_stage != 3:
            raise InputError(f"expected ZeRO stage 3 with off-load, found {self.zero_stage}: only it is off-loaded")
        if self.diagnose_every and self.zero_stage == 3:
            raise InputError(
                "expected a ZeRO stage below 3 for gradients by loss, found 3: they need whole weights in a worker"
            )


def _at_least_one(name: str, value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise InputError(f"expected a {name} of at least 1, found {value!r}: give a whole number")
