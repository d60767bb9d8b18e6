"""Muon for the matrices of the layers, Adam for the rest.

References
----------
K. Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024, kellerjordan.github.io/posts/muon.
"""

from collections.abc import Mapping

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_N_ITERATIONS = 5
_MOMENTUM = 0.95
_BETAS = (0.9, 0.95)
_EPSILON = 1e-10


class Optimiser:
    """Steps over named parameters; those of three axes and more are stacks of matrices.

    Parameters
    ----------
    weights : mapping of str to Tensor
    matrix_rate, other_rate : float
        Learning rates of the matrices (in units of their orthogonalised update) and of all else.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], matrix_rate: float, other_rate: float) -> None:
        self._weights = weights
        self._rates = (matrix_rate, other_rate)
        self.step_number = 0
        self.first = {name: torch.zeros_like(value) for name, value in weights.items()}
        self.second = {name: torch.zeros_like(value) for name, value in weights.items() if not _is_matrix(name, value)}

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Take a step with `factor` times the learning rates, and forget the gradients."""
        self.step_number += 1
        for name, value in self._weights.items():
            gradient = value.grad
            if gradient is None:
                continue
            if name in self.second:
                self._adam(name, value, gradient, factor * self._rates[1])
            else:
                moment = self.first[name].lerp_(gradient, 1 - _MOMENTUM)
                update = orthogonalised(gradient.lerp(moment, _MOMENTUM))
                scale = max(1.0, value.shape[-2] / value.shape[-1]) ** 0.5
                value.add_(update, alpha=-factor * self._rates[0] * scale)
            value.grad = None

    def _adam(self, name: str, value: torch.Tensor, gradient: torch.Tensor, rate: float) -> None:
        first = self.first[name].lerp_(gradient, 1 - _BETAS[0])
        second = self.second[name].lerp_(gradient.square(), 1 - _BETAS[1])
        n = self.step_number
        spread = (second / (1 - _BETAS[1] ** n)).sqrt_().add_(_EPSILON)
        value.addcdiv_(first, spread, value=-rate / (1 - _BETAS[0] ** n))


def _is_matrix(name: str, value: torch.Tensor) -> bool:
    return name in ("qkv", "out", "gate_up", "down")


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """Nearly the orthogonal matrices U V' of matrices U S V' (..., n, m), by five Newton-Schulz steps in bfloat16."""
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).flatten(0, -3)
    x = (x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)).bfloat16()
    for _ in range(_N_ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    x = x.float().view(*matrices.shape[:-2], *x.shape[-2:])
    return x.mT if tall else x
