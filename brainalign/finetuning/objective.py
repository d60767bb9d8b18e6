"""What training asks of a loss over examples; it knows nothing of engines, workers or schedules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class Losses:
    """Losses of a micro-batch, each the sum over its examples divided by the batch's number of examples.

    So the gradients of a batch's micro-batches add up to the gradient of the batch's mean.

    Attributes
    ----------
    total : torch.Tensor
        Scalar float32 with gradient: the weighted sum.
    parts : dict of str to torch.Tensor
        Scalar float32 with gradient: every term before its weight, by name (``"brain"``, ``"regulariser"``,
        ``"label"``).
    weights : dict of str to float
        Each term's weight in the sum.
    """

    total: torch.Tensor
    parts: dict[str, torch.Tensor]
    weights: dict[str, float] = field(default_factory=dict)


class Objective(Protocol):
    """A loss over examples."""

    @property
    def n_examples(self) -> int:
        """How many there are; rows of a micro-batch are 0 … n_examples - 1."""

    @property
    def identity(self) -> str:
        """Hash over all that the loss depends on besides the model; a checkpoint of another objective is refused."""

    def losses(self, model: "LanguageModel", rows: Sequence[int], batch_size: int) -> Losses:
        """Run the model once on some examples, with gradient.

        Parameters
        ----------
        model : LanguageModel
            Its module may be wrapped by an engine; its trainable parameters require gradient.
        rows : sequence of int
            Examples of this micro-batch.
        batch_size : int
            Examples of the whole batch, over all micro-batches and workers.
        """
