"""People's accuracy by what surrounds a problem (order of the premises, steps, belief), from shared data sets.

Each set is a folder of a shared collection; one that is absent is left out.

- ``human_reasoning_ccobra/spatial_4premises.csv``: spatial problems of three premises and a conclusion in three orders.
- ``child_reasoning_ds002886/trials.csv``: children's answers to the scanner problems, all in one order.

Accuracy by the believability of a conclusion is not in any of them: ``neubaroco`` says of each problem whether belief
and logic go together, but has no people's answers, so there only a model's accuracy can be split (its categories).

References
----------
Ragni, M. & Knauff, M. (2013). Psychol. Rev. 120, 561-588. doi 10.1037/a0032460
Lytle, M. N., Prado, J. & Booth, J. R. (2020). Data Brief 33, 106405. doi 10.1016/j.dib.2020.106405
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import DataNotFoundError, InputError
from brainalign.statistics import Interval, crossed_bootstrap

SPATIAL = Path("human_reasoning_ccobra/spatial_4premises.csv")
CHILDREN = Path("child_reasoning_ds002886/trials.csv")
_ORDERS = {"1": "continuous", "2": "semi-continuous", "3": "discontinuous"}
# As encoded, these tasks' premises do not decide their conclusion.
_UNDECIDED = ("60", "108", "156")
Row = Mapping[str, str]


@dataclass(frozen=True)
class HumanAccuracy:
    """Accuracy of people in one condition.

    Attributes
    ----------
    source : str
        Which set.
    factor, level : str
        What was varied, and how.
    accuracy : Interval
        Share of right answers; resamples people and items together.
    n_people, n_trials : int
    """

    source: str
    factor: str
    level: str
    accuracy: Interval
    n_people: int
    n_trials: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {**self.__dict__, "accuracy": self.accuracy.to_json()}


@dataclass(frozen=True)
class _Set:
    """How a set's file says who answered what, whether rightly, and under which levels of which factors."""

    path: Path
    source: str
    person: str
    item: Callable[[Row], str]
    right: Callable[[Row], bool]
    factors: Mapping[str, Callable[[Row], str]]
    keep: Callable[[Row], bool] = lambda row: True


_SETS = (
    _Set(
        SPATIAL,
        "spatial problems (ccobra)",
        person="id",
        item=lambda row: row["TaskID"],
        right=lambda row: _truth(row["response_correct"]),
        factors={"premise order": lambda row: _ORDERS[row["premise order effect"]]},
        keep=lambda row: row["TaskID"] not in _UNDECIDED,
    ),
    _Set(
        CHILDREN,
        "children on the scanner problems (ds002886)",
        person="participant",
        item=lambda row: "|".join(row[name] for name in ("premise1", "premise2", "premise3", "conclusion")),
        right=lambda row: row["accuracy"] == "1",
        factors={
            "type": lambda row: row["task"].lower(),
            "label": lambda row: row["label"],
            "steps": lambda row: row["hops_premises"],
            "category": lambda row: f"{row['task'].lower()}/{row['trial_type']}",
        },
    ),
)


def human_accuracies(folder: Path | str) -> list[HumanAccuracy]:
    """Read people's accuracy by condition from the sets in a folder.

    Raises
    ------
    DataNotFoundError
        None of the sets is there.
    InputError
        A file that lacks a column, or holds a value that it must not.
    """
    found = [row for known in _SETS if (Path(folder) / known.path).is_file() for row in _read(Path(folder), known)]
    if not found:
        named = ", ".join(str(known.path) for known in _SETS)
        raise DataNotFoundError(f"expected one of {named} in {folder}, found none: name the folder that holds the sets")
    return found


def _read(folder: Path, known: _Set) -> list[HumanAccuracy]:
    path = folder / known.path
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        kept = [row for row in rows if known.keep(row)]
        levels = {factor: np.array([read(row) for row in kept]) for factor, read in known.factors.items()}
        right = np.array([known.right(row) for row in kept], dtype=np.float64)
        people = np.array([row[known.person] for row in kept])
        items = np.array([known.item(row) for row in kept])
    except KeyError as error:
        raise InputError(f"expected a column or value {error} in {path}, found none: restore the file") from error
    found = []
    for factor, values in levels.items():
        for level in np.unique(values).tolist():
            chosen = values == level
            rng = stream("evaluation", "human sets", known.source, factor, level)
            one = np.zeros(int(chosen.sum()))
            interval = crossed_bootstrap(right[chosen], one, people[chosen], items[chosen], rng=rng)
            n_people = len(np.unique(people[chosen]))
            found.append(HumanAccuracy(known.source, factor, level, interval, n_people, int(chosen.sum())))
    return found


def _truth(text: str) -> bool:
    return {"True": True, "False": False}[text]
