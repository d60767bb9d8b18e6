"""How well predicted voxels agree with measured ones, and the gradient, for a batch of states in closed form.

The forms are those of :mod:`brainalign.encoding.guidance`: with ``u = [z, 1]`` the coordinates of a state, the
predicted voxels p and the betas y of a problem enter only as

    |p|^2 = u' Q u,    <p, y> = c . u,    |y|

so a step costs one small matrix-vector product a pair and layer, whatever the number of voxels:

    cosine, pearson   S = c.u / (sqrt(u'Qu) |y|)         dS/du = c / (|p| |y|) - S Q u / |p|^2
    mse               S = -(u'Qu - 2 c.u + |y|^2) / v    dS/du = 2 (c - Q u) / v

(Pearson's r over voxels is the cosine of what is left when both lose their mean over voxels; the forms are then the
centred ones.) More is better in all three.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.encoding.guidance import GuidanceMaps

_SMALLEST_NORM = 1e-12
"""Below this a prediction has no direction and its cosine no gradient."""


@dataclass(frozen=True)
class Forms:
    """Guidance forms of P pairs at L layers; r is the rank of the pool's states.

    Attributes
    ----------
    quadratic : Tensor
        float32, (L, P, r + 1, r + 1): Q.
    linear : Tensor
        float32, (L, P, r + 1): c.
    y_norm : Tensor
        float32, (P,): norm of the betas.
    n_voxels : Tensor
        float32, (P,).
    """

    quadratic: Tensor
    linear: Tensor
    y_norm: Tensor
    n_voxels: Tensor

    @classmethod
    def of_pairs(cls, maps: GuidanceMaps, subjects: NDArray[np.int64], targets: NDArray[np.int64]) -> "Forms":
        """Forms of pairs, given as positions among the maps' subjects and targets, (P,) each."""
        return cls(
            quadratic=torch.from_numpy(maps.quadratic[:, subjects, maps.map_index[targets]]),
            linear=torch.from_numpy(maps.linear[:, subjects, targets]),
            y_norm=torch.from_numpy(maps.y_norm[subjects, targets]),
            n_voxels=torch.from_numpy(maps.n_voxels[subjects].astype(np.float32)),
        )

    def keep(self, kept: Tensor) -> "Forms":
        """Forms of the pairs at positions ``kept`` alone."""
        return Forms(self.quadratic[:, kept], self.linear[:, kept], self.y_norm[kept], self.n_voxels[kept])


def similarity_gradient(forms: Forms, coordinates: Tensor, loss: str) -> tuple[Tensor, Tensor]:
    """Similarity of predicted and measured voxels, and its gradient with respect to the coordinates.

    Parameters
    ----------
    forms : Forms
        Centred over voxels for ``loss="pearson"``.
    coordinates : Tensor
        float32, (L, P, r): z.
    loss : str
        ``"cosine"``, ``"mse"`` or ``"pearson"``.

    Returns
    -------
    value : Tensor
        (L, P).
    gradient : Tensor
        (L, P, r).
    """
    ones = torch.ones_like(coordinates[..., :1])
    u = torch.cat([coordinates, ones], dim=-1)
    slope = torch.matmul(forms.quadratic, u.unsqueeze(-1)).squeeze(-1)
    squared = (u * slope).sum(dim=-1).clamp_min(0.0)
    dot = (forms.linear * u).sum(dim=-1)
    if loss == "mse":
        value = -(squared - 2 * dot + forms.y_norm**2) / forms.n_voxels
        gradient = (forms.linear - slope) * (2 / forms.n_voxels)[:, None]
        return value, gradient[..., :-1]
    norm = squared.sqrt().clamp_min(_SMALLEST_NORM)
    scale = norm * forms.y_norm.clamp_min(_SMALLEST_NORM)
    value = dot / scale
    gradient = forms.linear / scale.unsqueeze(-1) - slope * (value / norm**2).unsqueeze(-1)
    return value, gradient[..., :-1]
