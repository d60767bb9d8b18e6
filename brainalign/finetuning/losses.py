"""The losses of fine-tuning: of predicted betas, of states, and of the answer; tensors in, tensors out."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from brainalign.steering.objectives import Forms, similarity_gradient


class _Similarity(torch.autograd.Function):
    """Similarity of predicted and measured betas with steering's closed-form gradient."""

    @staticmethod
    def forward(ctx: Any, coordinates: Tensor, forms: Forms, loss: str) -> Tensor:
        """Similarity (L, P) of pairs with coordinates (L, P, r)."""
        value, gradient = similarity_gradient(forms, coordinates, loss)
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        """Scale the closed form."""
        (gradient,) = ctx.saved_tensors
        return gradients[0].unsqueeze(-1) * gradient, None, None


def betas_loss(coordinates: Tensor, forms: Forms, loss: str) -> Tensor:
    r"""Loss of predicted against measured betas, summed over layers.

    .. math:: \sum_l 1 - \cos(W_l x_l, y), \quad \sum_l 1 - r(W_l x_l, y), \quad \sum_l |W_l x_l - y|^2 / v

    Parameters
    ----------
    coordinates : Tensor
        float32, (L, P, r): states of P pairs in the maps' basis.
    forms : Forms
        Of these pairs; centred over voxels for ``loss="pearson"``.
    loss : {"cosine", "pearson", "mse"}

    Returns
    -------
    Tensor
        (P,).
    """
    similarity: Tensor = _Similarity.apply(coordinates, forms, loss)
    return ((0.0 if loss == "mse" else 1.0) - similarity).sum(dim=0)


def states_loss(states: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error of states (L, n, d) against targets of that shape, summed over layers: (n,)."""
    return (states - targets).square().mean(dim=-1).sum(dim=0)


def answer_loss(logits: Tensor, labels: Tensor, spellings: tuple[Sequence[int], Sequence[int]]) -> Tensor:
    r"""Cross-entropy of the right answer over the whole vocabulary.

    .. math:: -\log \sum_{t \in \text{spellings of the right answer}} p(t)

    Parameters
    ----------
    logits : Tensor
        float32, (n, vocabulary): of the next token.
    labels : Tensor
        bool, (n,).
    spellings : (sequence of int, sequence of int)
        Tokens that say True, and tokens that say False.

    Returns
    -------
    Tensor
        (n,).
    """
    true, false = (logits[:, list(ids)].logsumexp(dim=1) for ids in spellings)
    return logits.logsumexp(dim=1) - torch.where(labels, true, false)
