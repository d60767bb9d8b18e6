"""AdamW for a batch of independent displacements, each layer with its own learning rate, kept inside a ball.

``torch.optim.AdamW`` steps a parameter with one learning rate and cannot drop rows of it. The same update is written
out here for one tensor of all displacements, so that pairs leave the batch when they are done.
"""

import torch
from torch import Tensor

BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-8
WEIGHT_DECAY = 0.01


class AdamW:
    """Decoupled-weight-decay Adam with torch's defaults, on displacements of shape (n_layers, n_pairs, d).

    Parameters
    ----------
    shape : tuple of int
        (n_layers, n_pairs, d).
    learning_rates : Tensor, shape (n_layers,)
        Learning rate of each layer.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, arXiv:1711.05101.
    """

    def __init__(self, shape: tuple[int, int, int], learning_rates: Tensor) -> None:
        self.parameters = torch.zeros(shape)
        self._rates = learning_rates.to(torch.float32).reshape(-1, 1, 1)
        self._mean = torch.zeros(shape)
        self._square = torch.zeros(shape)
        self._n_steps = 0

    def step(self, gradient: Tensor) -> None:
        """Move the parameters against ``gradient``, of their shape."""
        self._n_steps += 1
        self.parameters.mul_(1 - self._rates * WEIGHT_DECAY)
        self._mean.lerp_(gradient, 1 - BETA1)
        self._square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        correction = (1 - BETA2**self._n_steps) ** 0.5
        direction = self._square.sqrt().div_(correction).add_(EPSILON)
        torch.div(self._mean, direction, out=direction)
        self.parameters.addcmul_(direction, self._rates, value=-1 / (1 - BETA1**self._n_steps))

    def keep(self, kept: Tensor) -> None:
        """Drop all pairs but ``kept`` (positions, int64); the others' moments and the step count go on."""
        self.parameters = self.parameters[:, kept]
        self._mean = self._mean[:, kept]
        self._square = self._square[:, kept]


def project_onto_ball(displacements: Tensor, radii: Tensor) -> None:
    """Scale displacements in place to a norm of at most their layer's radius.

    Parameters
    ----------
    displacements : Tensor, shape (n_layers, n_pairs, d)
    radii : Tensor, shape (n_layers,)
        Non-negative; 0 sets a layer's displacements to 0.
    """
    limit = radii.reshape(-1, 1, 1)
    norms = torch.linalg.vector_norm(displacements, dim=-1, keepdim=True)
    displacements.mul_(torch.where(norms > limit, limit / norms, torch.ones_like(norms)))
