"""Evaluate a model on a set of problems in some or all orders of their premises."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from brainalign.evaluation.order_answers import OrderAnswers, ProblemError, Within, answer_orders
from brainalign.evaluation.order_scores import OrderScores, accuracy_by_tau, score_orders
from brainalign.stimuli import ProblemSet, Wording
from brainalign.stimuli.shortcut import Shortcut, shortcut_scores
from brainalign.zoo import LanguageModel


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on a set of problems.

    Attributes
    ----------
    model : str
    orders : str
        Which orders were asked.
    overall : OrderScores
    by_type, by_category : mapping of str to OrderScores
        Categories are named with their type, such as ``"syllogisms/2_true_affirm"``.
    by_tau : list of dict
        Accuracy by Kendall's tau of the order.
    shortcut : mapping of str to Shortcut
        By type: what guessing from the surface of the problems scores. An accuracy at that level shows no reasoning.
    n_distinct : int
        Prompts that differ.
    errors : tuple of ProblemError
        Problems that were left out.
    answers : OrderAnswers
        What all of this was computed from.
    """

    model: str
    orders: str
    overall: OrderScores
    by_type: Mapping[str, OrderScores]
    by_category: Mapping[str, OrderScores]
    by_tau: list[dict[str, Any]]
    shortcut: Mapping[str, Shortcut]
    n_distinct: int
    errors: tuple[ProblemError, ...]
    answers: OrderAnswers

    def to_json(self) -> dict[str, Any]:
        """Return all figures, the answers left out."""
        return {
            "model": self.model,
            "orders": self.orders,
            **self.overall.to_json(),
            "n_distinct": self.n_distinct,
            "by_type": {name: scores.to_json() for name, scores in self.by_type.items()},
            "by_category": {name: scores.to_json() for name, scores in self.by_category.items()},
            "by_tau": self.by_tau,
            "shortcut": {name: score.to_json() for name, score in self.shortcut.items()},
            "errors": [asdict(error) for error in self.errors],
        }


def evaluate(
    model: LanguageModel,
    problems: ProblemSet,
    wording: Wording,
    *,
    orders: str = "all",
    within: Within = nullcontext,
    n_resamples: int = 2000,
) -> Evaluation:
    """Ask the problems in their premise orders and score the answers.

    Parameters
    ----------
    model : LanguageModel
    problems : ProblemSet
    wording : Wording
    orders : str
        ``"all"``, ``"forward"`` or ``"sample:N"``.
    within : callable
        Makes the context in which the model is asked: ``lambda: steered(model, …)``. Packed passes tell by
        ``TreePass.last_rows`` which tokens end a prompt, see `brainalign.activations.edited`.
    n_resamples : int
        Resamples of problems behind each interval.

    Raises
    ------
    InputError
        No problem could be asked, or an unknown spec of orders.
    """
    answers = answer_orders(model, problems, wording, orders, within=within)
    types = answers.problems.types
    categories = np.array([f"{p.reasoning_type}/{p.category}" for p in answers.problems], dtype=np.str_)
    return Evaluation(
        model=model.facts.name,
        orders=orders,
        overall=score_orders(answers, "all", n_resamples=n_resamples),
        by_type=_by(answers, types, n_resamples),
        by_category=_by(answers, categories, n_resamples),
        by_tau=accuracy_by_tau(answers, n_resamples=n_resamples),
        shortcut=shortcut_scores(answers.problems),
        n_distinct=answers.n_distinct,
        errors=answers.errors,
        answers=answers,
    )


def _by(answers: OrderAnswers, groups: np.ndarray, n_resamples: int) -> dict[str, OrderScores]:
    return {
        str(name): score_orders(answers.select(groups == name), str(name), n_resamples=n_resamples)
        for name in np.unique(groups)
    }
