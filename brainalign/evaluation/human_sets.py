"""People's accuracy by what surrounds a problem (order of the premises, type, label), from shared data sets.

Each set is a file in a folder of a shared collection; one that is absent is left out. None of them has people's
accuracy by the believability of a conclusion: the collection's set on belief says of each problem whether
belief and logic go together, but has no people's answers, so there only a model's accuracy can be split, by category.

References
----------
Ragni, M. & Knauff, M. (2013). Psychol. Rev. 120, 561-588. doi 10.1037/a0032460
Lytle, M. N., Prado, J. & Booth, J. R. (2020). Data Brief 33, 106405. doi 10.1016/j.dib.2020.106405
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import DataNotFoundError
from brainalign.statistics import Interval, crossed_bootstrap
from brainalign.stimuli import HumanAnswers, read_people

# By file: what to call the set, and which factors to split it by.
SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "human_reasoning_ccobra/spatial_4premises.csv": ("spatial, three premises", ("premise_order", "label")),
    "human_reasoning_ccobra/spatial_3premises.csv": ("spatial, two premises", ("label",)),
    "human_reasoning_ccobra/syllogism_responses.csv": ("syllogisms, nine answers", ()),
    "child_reasoning_ds002886/trials.csv": (
        "children on the scanner's problems",
        ("reasoning_type", "label", "category"),
    ),
}
ORDER_NAMES = {1: "continuous", 2: "semi-continuous", 3: "discontinuous"}


@dataclass(frozen=True)
class HumanAccuracy:
    """Accuracy of people in one condition.

    Attributes
    ----------
    source : str
        Which set.
    factor, level : str
        What the trials were split by, and which part this is; ``"all"`` twice for the whole set.
    accuracy : Interval
        Share of right answers, a missing one counted as wrong; resamples people and items together.
    n_people, n_items, n_answers : int
    """

    source: str
    factor: str
    level: str
    accuracy: Interval
    n_people: int
    n_items: int
    n_answers: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {**self.__dict__, "accuracy": self.accuracy.to_json()}


def human_accuracies(folder: Path | str) -> list[HumanAccuracy]:
    """Read people's accuracy by condition from the sets in a folder.

    Raises
    ------
    DataNotFoundError
        None of the sets is there.
    InputError
        A file that lacks a column, or holds a value that it must not.
    """
    found: list[HumanAccuracy] = []
    for file, (source, factors) in SETS.items():
        path = Path(folder) / file
        if path.is_file():
            found += accuracies_by(read_people(path), source, factors)
    if not found:
        raise DataNotFoundError(f"expected one of {', '.join(SETS)} in {folder}, found none: name their folder")
    return found


def accuracies_by(answers: HumanAnswers, source: str, factors: tuple[str, ...]) -> list[HumanAccuracy]:
    """Accuracy over all answers, then by each factor (attributes of `HumanAnswer`)."""
    right = np.array([answer.correct for answer in answers], dtype=np.float64)
    people = np.array([answer.person for answer in answers])
    items = np.array([answer.item for answer in answers])
    split = {"all": np.full(len(answers), "all")}
    split |= {factor: np.array([_level(factor, getattr(answer, factor)) for answer in answers]) for factor in factors}
    found = []
    for factor, levels in split.items():
        for level in np.unique(levels).tolist():
            chosen = levels == level
            rng = stream("evaluation", "human sets", source, factor, level)
            one = np.zeros(int(chosen.sum()))
            accuracy = crossed_bootstrap(right[chosen], one, people[chosen], items[chosen], rng=rng)
            counts = (len(np.unique(people[chosen])), len(np.unique(items[chosen])), int(chosen.sum()))
            found.append(HumanAccuracy(source, factor, level, accuracy, *counts))
    return found


def _level(factor: str, value: object) -> str:
    return ORDER_NAMES[value] if factor == "premise_order" and isinstance(value, int) else str(value)
