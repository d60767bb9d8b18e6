"""Displacements of all pairs and layers, moved together towards a subject's betas."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.encoding.guidance import GuidanceMaps
from brainalign.steering.adamw import AdamW, project_onto_ball
from brainalign.steering.objectives import Forms, similarity_gradient


class Ascent:
    """AdamW on the similarity of P pairs at L layers, with a projection after each step.

    The pairs are independent: they share a batch, not a loss.

    Parameters
    ----------
    maps : GuidanceMaps
        Fitted maps, centred over voxels for ``loss="pearson"``.
    states : ndarray, shape (L, T, d)
        float32: states of the maps' targets.
    pairs : (subjects, targets)
        int64, (P,) each: positions in the maps' subjects and targets.
    scales : (learning_rates, radii)
        Tensor, (L,) each: of each layer, in activation units.
    loss : str
        ``"cosine"``, ``"mse"`` or ``"pearson"``.
    """

    def __init__(
        self,
        maps: GuidanceMaps,
        states: NDArray[np.float32],
        pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
        scales: tuple[Tensor, Tensor],
        loss: str,
    ) -> None:
        subjects, targets = pairs
        learning_rates, radii = scales
        self._loss = loss
        self._radii = radii
        self._basis = torch.from_numpy(maps.basis)
        about = torch.from_numpy(states - maps.reference[:, None])
        self._start = torch.matmul(about, self._basis.transpose(1, 2))[:, torch.from_numpy(targets)]
        self._forms = Forms.of_pairs(maps, subjects, targets)
        shape = (states.shape[0], len(subjects), states.shape[2])
        self._optimiser = AdamW(shape, learning_rates)

    @property
    def displacements(self) -> Tensor:
        """float32, (L, P, d): the displacements, themselves and not a copy."""
        return self._optimiser.parameters

    def similarity(self) -> Tensor:
        """Similarity that each pair has reached at each layer, (L, P)."""
        return similarity_gradient(self._forms, self._coordinates(), self._loss)[0]

    def gradient(self) -> Tensor:
        """Gradient of the similarity with respect to the states, (L, P, d)."""
        _, gradient = similarity_gradient(self._forms, self._coordinates(), self._loss)
        return torch.matmul(gradient, self._basis)

    def advance(self, n_steps: int) -> None:
        """Take ``n_steps`` steps, each followed by the projection."""
        for _ in range(n_steps):
            self._optimiser.step(self.gradient().neg_())
            project_onto_ball(self._optimiser.parameters, self._radii)

    def keep(self, kept: Tensor) -> None:
        """Drop all pairs but those at positions ``kept`` (int64)."""
        self._start = self._start[:, kept]
        self._forms = self._forms.keep(kept)
        self._optimiser.keep(kept)

    def _coordinates(self) -> Tensor:
        return self._start + torch.matmul(self.displacements, self._basis.transpose(1, 2))
