"""Controls that put other betas in the place of a subject's own: of another region, or of one subject for all."""

from collections.abc import Hashable, Mapping
from typing import ClassVar

import numpy as np

from brainalign.errors import InputError
from brainalign.steering.arms.guided import Guided
from brainalign.steering.inputs import Singles


class OtherRoi(Guided):
    """Guidance by the same subject's betas of another region: the next in the data set's order.

    Of the release's regions, deductive_reasoning takes language, language takes md, md takes deductive_reasoning. The
    region taken is ``NariInputs.other_roi``. Where a search varies the region, this arm varies it too; it says
    something of the region only where the region is fixed.
    """

    name = "other_roi"

    def betas(self) -> Mapping[Hashable, Singles]:
        """Betas of the other region, in the order of the inputs' subjects."""
        inputs = self.group.inputs
        if not inputs.other_betas:
            raise InputError(
                "expected betas of a second region for the arm other_roi, found one region only: leave the arm out"
            )
        return {subject: inputs.other_betas[subject] for subject in inputs.subjects}


class BestSubject(Guided):
    """Every pair is guided by the betas of the subject with the best answers.

    Best is the largest share of right answers over the problems of the pool, of all types; the first name where several
    share it. Where subjects saw different problems, the choice is among those who saw all that the pair's subject saw.
    The pairs stay those of all subjects, so the arm has the guided arm's rows.
    """

    name = "best_subject"
    sign: ClassVar[int] = 1

    def betas(self) -> Mapping[Hashable, Singles]:
        """Betas of the chosen subject under the name of every subject that it stands for."""
        inputs = self.group.inputs
        seen = np.stack([inputs.seen(name) for name in inputs.subjects])
        n_seen = np.maximum(seen[:, inputs.pool].sum(axis=1), 1)
        accuracy = self.sign * inputs.correct[:, inputs.pool].sum(axis=1) / n_seen
        betas: dict[Hashable, Singles] = {}
        for place, name in enumerate(inputs.subjects):
            able = (seen | ~seen[place]).all(axis=1)
            chosen = int(np.argmax(np.where(able, accuracy, -np.inf)))
            values = inputs.betas[inputs.subjects[chosen]]
            same = np.array_equal(seen[chosen], seen[place])
            betas[name] = values if same else np.where(seen[place][:, None], values, np.float32(np.nan))
        return betas


class WorstSubject(BestSubject):
    """Every pair is guided by the betas of the subject with the worst answers, chosen like the best."""

    name = "worst_subject"
    sign: ClassVar[int] = -1
