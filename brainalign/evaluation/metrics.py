"""Accuracy of True/False answers, and what a plain accuracy hides."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from brainalign.errors import InputError

TRUE, FALSE, NEITHER = 1, 0, -1


@dataclass(frozen=True)
class AnswerMetrics:
    """Scores of one set of answers; all but ``n`` are shares in [0, 1], NaN where there is nothing to count.

    Attributes
    ----------
    accuracy : float
        Share of right answers; an answer that is neither True nor False is wrong.
    balanced_accuracy : float
        Mean over the labels present of the share of right answers: 0.5 for a model that always says True.
    share_true : float
        Share of answers that are True.
    invalid : float
        Share of answers that are neither.
    n : int
        Answers scored, those whose label is known.
    """

    accuracy: float
    balanced_accuracy: float
    share_true: float
    invalid: float
    n: int

    def to_json(self) -> dict[str, float | int | None]:
        """Return the scores as a JSON object, None for NaN."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def answer_metrics(answers: ArrayLike, labels: ArrayLike) -> AnswerMetrics:
    """Score answers against labels.

    Parameters
    ----------
    answers : array_like of int, shape (n,)
        1 for True, 0 for False, -1 for neither.
    labels : array_like of bool or float, shape (n,)
        True or False (1.0 or 0.0); NaN where the label is missing, and that answer is left out.

    Raises
    ------
    InputError
        Shapes that differ, an answer outside {1, 0, -1} or a label outside {1, 0, NaN}.

    Examples
    --------
    >>> answer_metrics([1, 1, -1], [True, False, False]).balanced_accuracy
    0.5
    """
    given = np.asarray(answers)
    truth = np.asarray(labels, dtype=np.float64)
    if given.ndim != 1 or given.shape != truth.shape:
        raise InputError(
            f"expected as many answers as labels in one dimension, found shapes {given.shape} and {truth.shape}: "
            "align them by stimulus id first"
        )
    _check_values(given, truth)
    known = ~np.isnan(truth)
    given, truth = given[known], truth[known]
    if given.size == 0:
        return AnswerMetrics(math.nan, math.nan, math.nan, math.nan, 0)
    right = given == truth
    shares = [float(right[truth == label].mean()) for label in (TRUE, FALSE) if np.any(truth == label)]
    return AnswerMetrics(
        accuracy=float(right.mean()),
        balanced_accuracy=float(np.mean(shares)),
        share_true=float((given == TRUE).mean()),
        invalid=float((given == NEITHER).mean()),
        n=int(given.size),
    )


def _check_values(answers: np.ndarray, labels: np.ndarray) -> None:
    """Refuse values that no answer or label has."""
    strange = answers[~np.isin(answers, (TRUE, FALSE, NEITHER))]
    if strange.size:
        raise InputError(
            f"expected answers 1 (True), 0 (False) or -1 (neither), found {strange[0]!r}: convert them first"
        )
    strange = labels[~(np.isin(labels, (TRUE, FALSE)) | np.isnan(labels))]
    if strange.size:
        raise InputError(f"expected labels True, False or NaN (missing), found {strange[0]!r}: convert them first")
