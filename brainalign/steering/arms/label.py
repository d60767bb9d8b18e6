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
        """One-hot answers, the same for every subject."""
        labels = self.group.inputs.labels
        one_hot = np.stack([labels, ~labels], axis=1).astype(np.float32)
        return dict.fromkeys(self.group.inputs.subjects, one_hot)
