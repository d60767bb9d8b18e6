"""Control: betas drawn at random; the maps are fitted anew on them by the same procedure, then searched alike."""

from collections.abc import Hashable, Mapping

import numpy as np
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.steering.arms.guided import Guided
from brainalign.steering.inputs import Singles


class RandomBetas(Guided):
    """Guidance by Gaussian betas of zero mean and the subject's standard deviation at each voxel.

    A problem's draw is named after subject and stimulus, so it is the same whichever problems stand beside it; the
    standard deviation is that over the subject's trials with the pool's problems of the type. Where the subject had no
    trial nothing is drawn: the maps stand on as many trials as the guided arm's.
    """

    name = "random_betas"

    def betas(self) -> Mapping[Hashable, Singles]:
        """Drawn betas, in the order of the inputs' subjects."""
        inputs = self.group.inputs
        drawn: dict[Hashable, Singles] = {}
        for subject in inputs.subjects:
            seen = inputs.seen(subject)
            measured = inputs.betas[subject][self.group.pool[seen[self.group.pool]]].astype(np.float64)
            spread = measured.std(axis=0)
            noise = [stream(*self.names, subject, name).standard_normal(len(spread)) for name in inputs.stimulus_ids]
            values = np.stack(noise) * spread + self.centre(measured)
            drawn[subject] = np.where(seen[:, None], values, np.nan).astype(np.float32)
        return drawn

    def centre(self, measured: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of the drawn betas, (v,), given those measured on the pool, (n, v)."""
        return np.zeros(measured.shape[1])


class RandomBetasMean(RandomBetas):
    """The same with the subject's true mean at each voxel: random patterns around what all problems share."""

    name = "random_betas_mean"

    def centre(self, measured: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean over the pool's problems of the type."""
        mean: NDArray[np.float64] = measured.mean(axis=0)
        return mean
