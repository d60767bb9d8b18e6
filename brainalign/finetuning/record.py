"""What a training tells of itself: every step, every validation, and which epoch was best."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """One step of the optimiser.

    Attributes
    ----------
    number, epoch : int
        Counted from 0 and from 1.
    loss : float
        The weighted sum, mean over the batch's examples.
    parts : mapping of str to float
        Each term before its weight.
    gradient_norm : float
        Before clipping.
    learning_rate : float
    part_norms : mapping of str to float, optional
        Norm of each term's gradient before its weight; only of diagnosed steps.
    cosine : float, optional
        Between the gradients of brain and label; only of diagnosed steps that have both.
    """

    number: int
    epoch: int
    loss: float
    parts: Mapping[str, float]
    gradient_norm: float
    learning_rate: float
    part_norms: Mapping[str, float] | None = None
    cosine: float | None = None


@dataclass(frozen=True)
class Validation:
    """Score of the weights after an epoch, counted from 1; higher is better."""

    epoch: int
    score: float


@dataclass(frozen=True)
class TrainingRecord:
    """The course of a training.

    Attributes
    ----------
    n_epochs : int
        Epochs that were run.
    steps : tuple of Step
    validations : tuple of Validation
    is_finished : bool
        Whether no epoch is left, or patience is spent.
    """

    n_epochs: int = 0
    steps: tuple[Step, ...] = ()
    validations: tuple[Validation, ...] = ()
    is_finished: bool = False

    @property
    def best(self) -> Validation | None:
        """The first among the best validations; None without any."""
        return max(self.validations, key=lambda validation: validation.score, default=None)

    @property
    def n_since_best(self) -> int:
        """Validations after the best one."""
        return len(self.validations) - 1 - self.validations.index(self.best) if self.best else 0

    def best_by(self, epochs: Iterable[int]) -> dict[int, float]:
        """Give the best score of the validations up to each of these epochs; none of epochs that are yet to come.

        A training whose patience was spent stays at its best.
        """
        found = {}
        for epoch in epochs:
            scores = [validation.score for validation in self.validations if validation.epoch <= epoch]
            if scores and (self.is_finished or self.n_epochs >= epoch):
                found[epoch] = max(scores)
        return found

    def to_json(self) -> dict[str, Any]:
        """Spell it as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainingRecord":
        """Read what :meth:`to_json` spelled."""
        return cls(
            n_epochs=value["n_epochs"],
            steps=tuple(Step(**step) for step in value["steps"]),
            validations=tuple(Validation(**validation) for validation in value["validations"]),
            is_finished=value["is_finished"],
        )
