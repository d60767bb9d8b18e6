r"""Whether a model and people are right about the same problems.

Agreement is the share of problems on which both are right or both are wrong. Two that are often right agree often by
chance alone; with shares :math:`p` and :math:`q` of right answers that are independent of each other

.. math:: c = p q + (1 - p)(1 - q), \qquad \kappa = \frac{a - c}{1 - c}

is the agreement by chance, and Cohen's kappa what is left beyond it (error consistency).

References
----------
Cohen, J. (1960). Educ. Psychol. Meas. 20, 37-46. doi 10.1177/001316446002000104
Geirhos, R., Meding, K. & Wichmann, F. A. (2020). Beyond accuracy: error consistency. arXiv 2006.16736
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainalign.errors import InputError
from brainalign.statistics import Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Consistency:
    """Agreement of a model with each of several people, mean over people.

    Attributes
    ----------
    agreement, chance, kappa : Interval
        Observed, expected by chance, and Cohen's kappa; intervals resample people and problems together.
    between_people : float
        Kappa between two different people, mean over pairs: what a model that errs like a person would have; NaN for
        one person.
    n_subjects, n_problems : int
    """

    agreement: Interval
    chance: Interval
    kappa: Interval
    between_people: float
    n_subjects: int
    n_problems: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        between = None if np.isnan(self.between_people) else self.between_people
        spans = {name: getattr(self, name).to_json() for name in ("agreement", "chance", "kappa")}
        return {**spans, "between_people": between, "n_subjects": self.n_subjects, "n_problems": self.n_problems}


def consistency(
    model: ArrayLike, people: ArrayLike, *, rng: np.random.Generator, n_resamples: int = 2000, level: float = 0.95
) -> Consistency:
    """Compare a model's right and wrong answers with people's.

    Parameters
    ----------
    model : array_like of bool, shape (n_problems,)
        Where the model was right.
    people : array_like of bool, shape (n_subjects, n_problems)
        Where each subject was right.
    rng : Generator
        Source of the resamples.
    n_resamples : int
    level : float
        Nominal coverage of the percentile intervals.

    Raises
    ------
    InputError
        Shapes that do not fit, or nothing to compare.
    """
    right, answers = np.asarray(model, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if right.ndim != 1 or answers.ndim != 2 or answers.shape[1] != len(right) or not answers.size:
        raise InputError(
            f"expected (n_problems,) and (n_subjects, n_problems) with at least one of each, found {right.shape} and "
            f"{answers.shape}: align them by stimulus id"
        )
    n_subjects, n_problems = answers.shape
    estimate = _figures(right, answers, np.ones((1, n_subjects)), np.ones((1, n_problems)))[:, 0]
    # One subject, or one problem, is not a sample: what it says is about that one.
    by_subject = _draw(rng, n_subjects, n_resamples)
    by_problem = _draw(rng, n_problems, n_resamples)
    drawn = _figures(right, answers, by_subject, by_problem)
    method = "percentiles of a crossed bootstrap of subjects and problems"
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1)
    agreement, chance, kappa = (
        Interval(float(estimate[place]), float(low[place]), float(high[place]), level, n_resamples, method)
        for place in range(3)
    )
    return Consistency(agreement, chance, kappa, _between(answers), n_subjects, n_problems)


def _figures(right: Floats, people: Floats, by_subject: Floats, by_problem: Floats) -> Floats:
    """Agreement, chance and kappa (3, B), means over subjects, under weights (B, n_subjects) and (B, n_problems)."""
    weights = by_problem / by_problem.sum(axis=1, keepdims=True)
    agreement = weights @ (people == right).T
    share, theirs = weights @ right, weights @ people.T
    chance = share[:, None] * theirs + (1 - share[:, None]) * (1 - theirs)
    subjects = by_subject / by_subject.sum(axis=1, keepdims=True)
    return np.stack([(subjects * figure).sum(axis=1) for figure in (agreement, chance, _kappa(agreement, chance))])


def _kappa(agreement: Floats, chance: Floats) -> Floats:
    # Both always right, or both always wrong: agreement is certain and says nothing, so it counts as chance.
    return np.divide(agreement - chance, 1 - chance, out=np.zeros_like(agreement), where=chance < 1 - 1e-12)


def _between(people: Floats) -> float:
    n_subjects = len(people)
    if n_subjects < 2:
        return float("nan")
    every = np.ones((1, people.shape[1]))
    pairs = [
        float(_figures(people[one], people[other : other + 1], np.ones((1, 1)), every)[2, 0])
        for one in range(n_subjects)
        for other in range(one + 1, n_subjects)
    ]
    return float(np.mean(pairs))


def _draw(rng: np.random.Generator, n: int, n_resamples: int) -> Floats:
    return rng.multinomial(n, np.full(n, 1 / n), n_resamples).astype(np.float64)
