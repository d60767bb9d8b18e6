"""People beside a model on the same problems: accuracy by sub-type and subject, and whether they err alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainalign.artifacts import stream
from brainalign.betas import FmriDataset
from brainalign.errors import InputError
from brainalign.evaluation.consistency import Consistency, consistency
from brainalign.statistics import Interval, crossed_bootstrap


@dataclass(frozen=True)
class HumanComparison:
    """A model and the people of a data set.

    Attributes
    ----------
    by_category : mapping of str to mapping of str to float
        Category (with its type) to subject to share of right answers; the model stands as ``"model"``.
    people : mapping of str to Interval
        People's accuracy by type, by category and over ``"all"`` problems; intervals resample subjects and problems.
    model : mapping of str to float
        The model's accuracy on the same sets of problems.
    consistency : mapping of str to Consistency
        Over all problems and by type.
    """

    by_category: Mapping[str, Mapping[str, float]]
    people: Mapping[str, Interval]
    model: Mapping[str, float]
    consistency: Mapping[str, Consistency]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {
            "by_category": {name: dict(row) for name, row in self.by_category.items()},
            "people": {name: interval.to_json() for name, interval in self.people.items()},
            "model": dict(self.model),
            "consistency": {name: found.to_json() for name, found in self.consistency.items()},
        }


def compare_with_people(answers: np.ndarray, dataset: FmriDataset) -> HumanComparison:
    """Set a model's answers beside the people of a data set.

    Parameters
    ----------
    answers : int8 array of shape (n_problems,)
        The model's answers to ``dataset.problems``: 1 True, 0 False, -1 neither.
    dataset : FmriDataset
        A subject's missing answer counts as wrong, like a model's that is neither True nor False.

    Raises
    ------
    InputError
        Not one answer a problem, or subjects who saw different problems.
    """
    problems, correct = dataset.problems, dataset.betas.correct
    if np.shape(answers) != (len(problems),):
        raise InputError(f"expected {len(problems)} answers, found shape {np.shape(answers)}: give one a problem")
    if not dataset.betas.seen.all():
        raise InputError(
            f"expected people who all saw the {len(problems)} problems, found some who saw others: "
            "select the subjects and problems of one list"
        )
    right = np.asarray(answers) == problems.labels
    types = problems.types
    categories = np.array([f"{p.reasoning_type}/{p.category}" for p in problems], dtype=np.str_)
    every = np.ones(len(problems), dtype=bool)
    by_type = {str(name): types == name for name in np.unique(types)}
    by_category = {str(name): categories == name for name in np.unique(categories)}
    subjects = dataset.betas.subjects
    return HumanComparison(
        by_category={
            name: {
                "model": float(right[chosen].mean()),
                **dict(zip(subjects, correct[:, chosen].mean(axis=1).tolist(), strict=True)),
            }
            for name, chosen in by_category.items()
        },
        people={
            name: _accuracy(correct[:, chosen], name)
            for name, chosen in {"all": every, **by_type, **by_category}.items()
        },
        model={name: float(right[chosen].mean()) for name, chosen in {"all": every, **by_type, **by_category}.items()},
        consistency={
            name: consistency(right[chosen], correct[:, chosen], rng=stream("evaluation", "consistency", name))
            for name, chosen in {"all": every, **by_type}.items()
        },
    )


def _accuracy(correct: np.ndarray, name: str) -> Interval:
    n_subjects, n_problems = correct.shape
    subjects, problems = np.indices(correct.shape).reshape(2, -1)
    rng = stream("evaluation", "people", name)
    shares = crossed_bootstrap(correct.ravel(), np.zeros(n_subjects * n_problems), subjects, problems, rng=rng)
    return shares.cut(0, 1)
