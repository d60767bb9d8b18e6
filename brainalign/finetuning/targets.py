"""What states are compared with: a subject's betas through ridge maps, or states that a NARI search reached."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.artifacts import hash_arrays
from brainalign.finetuning.losses import betas_loss, states_loss
from brainalign.steering.objectives import Forms


class Targets(ABC):
    """Terms of one loss for some of the examples."""

    name: str
    """Of the loss that it belongs to."""
    examples: Tensor
    """int64: the example of each entry, rising."""

    @abstractmethod
    def compare(self, states: Tensor, entries: Tensor, places: Tensor) -> Tensor:
        """Sum the losses of some entries, their examples' states being at `places` of ``states`` (L, n, d)."""

    @abstractmethod
    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """All that the loss depends on."""

    def loss(self, states: Tensor, rows: Sequence[int]) -> Tensor:
        """Sum of the losses of examples `rows`, whose states (L, len(rows), d) are given; 0 without an entry."""
        wanted = torch.tensor(rows, dtype=torch.int64)
        places, entries = torch.nonzero(wanted[:, None] == self.examples[None], as_tuple=True)
        if not len(entries):
            return states[..., :0].sum()
        return self.compare(states, entries, places.to(states.device))

    @property
    def content_hash(self) -> str:
        """Hash of :meth:`arrays`."""
        return hash_arrays({name: np.asarray(array) for name, array in self.arrays().items()})


@dataclass(frozen=True, eq=False)
class BetasTargets(Targets):
    """Betas of the (subject, example) pairs of one reasoning type, for the subjects who got the example right.

    Attributes
    ----------
    examples : Tensor
        int64, (P,): example of each pair.
    shares : Tensor
        float32, (P,): 1 over the example's number of subjects.
    reference : Tensor
        float32, (L, d): what states are taken relative to.
    basis : Tensor
        float32, (L, r, d).
    forms : Forms
        Of the pairs; centred over voxels for ``loss="pearson"``.
    loss_name : str
        ``"cosine"``, ``"pearson"`` or ``"mse"``.
    """

    examples: Tensor
    shares: Tensor
    reference: Tensor
    basis: Tensor
    forms: Forms
    loss_name: str
    name: str = "brain"

    def compare(self, states: Tensor, entries: Tensor, places: Tensor) -> Tensor:
        """Average over an example's subjects, sum over examples and layers."""
        distinct, pair_places = torch.unique(places, return_inverse=True)
        device = states.device
        about = states[:, distinct] - self.reference[:, None].to(device)
        coordinates = torch.matmul(about, self.basis.transpose(1, 2).to(device))
        kept = self.forms.keep(entries)
        forms = Forms(*(part.to(device) for part in (kept.quadratic, kept.linear, kept.y_norm, kept.n_voxels)))
        values = betas_loss(coordinates[:, pair_places], forms, self.loss_name)
        return (values * self.shares[entries].to(device)).sum()

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Pairs, maps and forms."""
        forms = self.forms
        tensors = {
            "examples": self.examples,
            "shares": self.shares,
            "reference": self.reference,
            "basis": self.basis,
            "quadratic": forms.quadratic,
            "linear": forms.linear,
            "y_norm": forms.y_norm,
            "n_voxels": forms.n_voxels,
        }
        return {name: tensor.numpy() for name, tensor in tensors.items()}


@dataclass(frozen=True, eq=False)
class StatesTargets(Targets):
    """States that examples are drawn to.

    The mean squared distance to several states t of an example is that to their mean and a constant,
    mean |x - t|^2 = |x - mean t|^2 + (mean |t|^2 - |mean t|^2), so one state an example is kept.

    Attributes
    ----------
    name : str
        ``"brain"`` for states that a search reached, ``"regulariser"`` for the model's own.
    examples : Tensor
        int64, (K,), each once.
    values : Tensor
        float32, (L, K, d).
    spread : Tensor
        float32, (K,): the constant, mean over units and summed over layers.
    """

    name: str
    examples: Tensor
    values: Tensor
    spread: Tensor

    def compare(self, states: Tensor, entries: Tensor, places: Tensor) -> Tensor:
        """Sum over examples and layers the error's mean over units."""
        targets = self.values[:, entries].to(states.device)
        return (states_loss(states[:, places], targets) + self.spread[entries].to(states.device)).sum()

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Examples and their states."""
        return {"examples": self.examples.numpy(), "values": self.values.numpy(), "spread": self.spread.numpy()}
