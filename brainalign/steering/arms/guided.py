"""The guided arm: displacements that bring the predicted voxels nearer to the subject's betas."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from brainalign.encoding.guidance import GuidanceConfig, GuidanceMaps
from brainalign.encoding.guidance_fit import fit_guidance
from brainalign.steering.arms.arm import Arm, Names, ask
from brainalign.steering.ascent import Ascent
from brainalign.steering.config import NariConfig
from brainalign.steering.inputs import Rows, Singles
from brainalign.steering.ledger import Attempt
from brainalign.steering.pairs import Group, Pairs


class Guided(Arm):
    """Ascend the similarity of ``W x`` and the betas of the same problem, at every layer on its own.

    Attributes
    ----------
    targets : ndarray of int64, shape (T,)
        Problems of the group's pairs, rising.
    maps : GuidanceMaps
        Maps of these targets, centred over voxels for ``loss="pearson"``.
    """

    name = "guided"

    def __init__(self, group: Group, config: NariConfig, names: Names) -> None:
        super().__init__(group, config, names)
        self.targets = np.unique(group.pairs.problems)
        self._states = group.inputs.states[list(group.layers)]
        maps = fit_guidance(
            self._states,
            self.betas(),
            pool=group.pool,
            targets=self.targets,
            config=GuidanceConfig(config.ridge_alphas, config.leaves_target_out, config.intercept),
        )
        self.maps: GuidanceMaps = maps.centred() if config.loss == "pearson" else maps

    def betas(self) -> Mapping[Hashable, Singles]:
        """Betas that guide, in the order of the inputs' subjects."""
        return {subject: self.group.inputs.betas[subject] for subject in self.group.inputs.subjects}

    def start(self, pairs: Pairs) -> "GuidedAttempts":
        """Begin the search of a block, all displacements at zero."""
        group, config = self.group, self.config
        ascent = Ascent(
            self.maps,
            self._states[:, self.targets],
            (pairs.subjects, np.searchsorted(self.targets, pairs.problems)),
            (config.learning_rate * group.magnitude, config.alpha * group.sigma),
            config.loss,
        )
        return GuidedAttempts(group, pairs, ascent, config.check_every)


class GuidedAttempts:
    """Steps, a check, and a roll-back after an invalid answer, for one block of pairs."""

    def __init__(self, group: Group, pairs: Pairs, ascent: Ascent, check_every: int) -> None:
        self._group, self._pairs = group, pairs
        self._ascent = ascent
        self._check_every = check_every
        self._rows = np.arange(len(pairs))
        self._valid = ascent.displacements.clone()

    def attempt(self, check: int, rows: Rows) -> Attempt:
        """Take the steps between two checks, then ask."""
        if len(rows) < len(self._rows):
            kept = torch.from_numpy(np.searchsorted(self._rows, rows))
            self._ascent.keep(kept)
            self._valid = self._valid[:, kept]
            self._rows = rows
        self._ascent.advance(self._check_every)
        displacements = self._ascent.displacements.transpose(0, 1).contiguous()
        return ask(self._group, self._pairs, rows, displacements)

    def settle(self, valid: NDArray[np.bool_]) -> None:
        """Put pairs with an invalid answer back to where their last valid one was; the optimiser's moments go on."""
        kept = torch.from_numpy(valid).reshape(1, -1, 1)
        current = self._ascent.displacements
        torch.where(kept, current, self._valid, out=self._valid)
        current.copy_(self._valid)
