"""The gradient of each loss by itself, and how brain and label agree; their weighted sum is the step's gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from brainalign.finetuning.objective import Losses

_SMALLEST_NORM = 1e-30


@dataclass(frozen=True)
class Gradients:
    """Gradients of a batch, or of a micro-batch of it; those of micro-batches and workers add up.

    Attributes
    ----------
    losses : mapping of str to Tensor
        Scalar float32, without gradient: each term before its weight.
    parts : mapping of str to Tensor
        float32, (n_trainable,): gradient of each term before its weight, all parameters one after the other.
    weights : mapping of str to float
        Each term's weight in the sum.
    """

    losses: Mapping[str, Tensor]
    parts: Mapping[str, Tensor]
    weights: Mapping[str, float]

    def __add__(self, other: "Gradients") -> "Gradients":
        """Sum over micro-batches."""
        losses = {name: value + other.losses[name] for name, value in self.losses.items()}
        parts = {name: value + other.parts[name] for name, value in self.parts.items()}
        return Gradients(losses, parts, self.weights)

    @property
    def total(self) -> Tensor:
        """Gradient of the weighted sum, (n_trainable,)."""
        return torch.stack([self.weights[name] * part for name, part in self.parts.items()]).sum(dim=0)

    @property
    def norms(self) -> dict[str, float]:
        """Norm of each term's gradient before its weight."""
        return {name: float(torch.linalg.vector_norm(part)) for name, part in self.parts.items()}

    @property
    def cosine(self) -> float | None:
        """Cosine between the gradients of brain and label; None unless both are there and neither is zero."""
        if not {"brain", "label"} <= set(self.parts):
            return None
        brain, label = self.parts["brain"], self.parts["label"]
        size = float(torch.linalg.vector_norm(brain) * torch.linalg.vector_norm(label))
        return float(brain @ label) / size if size > _SMALLEST_NORM else None

    def assign(self, parameters: Sequence[nn.Parameter]) -> None:
        """Write the weighted sum into the parameters' ``grad``, which an optimiser's step then reads."""
        pieces = self.total.split([parameter.numel() for parameter in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.grad = piece.view_as(parameter).to(parameter)


def gradients(losses: Losses, parameters: Sequence[nn.Parameter]) -> Gradients:
    """Take each term's gradient by a backward pass of its own over the one forward pass.

    Their weighted sum is the total gradient, so there is no further pass: with two terms it costs one backward pass
    more than ``losses.total.backward()``, a short one where the brain's layers end below the top. It needs whole
    parameters in this process (no ZeRO-2 or 3), and copies of them in float32, one a term.

    Parameters
    ----------
    losses : Losses
        Of a micro-batch; its graph is spent afterwards.
    parameters : sequence of nn.Parameter
        Those that are trained.
    """
    names = list(losses.parts)
    parts = {}
    for name in names:
        found = torch.autograd.grad(
            losses.parts[name], list(parameters), retain_graph=name != names[-1], allow_unused=True
        )
        parts[name] = torch.cat(
            [
                torch.zeros_like(parameter, dtype=torch.float32).flatten()
                if gradient is None
                else gradient.float().flatten()
                for gradient, parameter in zip(found, parameters, strict=True)
            ]
        )
    return Gradients({name: value.detach() for name, value in losses.parts.items()}, parts, dict(losses.weights))
