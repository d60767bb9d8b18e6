"""Control: the right answer itself in the place of the betas."""

from collections.abc import Hashable, Mapping

import numpy as np

from brainalign.steering.arms.guided import Guided
from brainalign.steering.inputs import Singles


class Label(Guided):
    """Guidance by two made-up voxels, one that is 1 for True problems and one that is 1 for False ones.

    The same maps and the same search, told the answer: what betas that held nothing but the answer would give.
    """

    name = "label"

    def betas(self) -> Mapping[Hashable, Singles]:
        """One-hot answers to the problems that each subject had a trial with."""
        inputs = self.group.inputs
        one_hot = np.stack([inputs.labels, ~inputs.labels], axis=1).astype(np.float32)
        return {name: np.where(inputs.seen(name)[:, None], one_hot, np.float32(np.nan)) for name in inputs.subjects}
