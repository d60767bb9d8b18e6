"""What answers in several premise orders say: accuracy, and how much of it hangs on the order."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.evaluation.metrics import NEITHER, TRUE
from brainalign.evaluation.order_answers import OrderAnswers
from brainalign.evaluation.order_sampling import order_weights, sampling_error, worst_orders
from brainalign.statistics import Interval, crossed_bootstrap
from brainalign.stimuli.orders import kendall_tau

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OrderScores:
    """Scores over problems and orders; intervals resample problems.

    Attributes
    ----------
    intervals : mapping of str to Interval
        ``accuracy``: mean over orders of the share of right answers; ``balanced_accuracy``: the same, mean over labels;
        ``worst_order``: of the order with the fewest right answers (chosen on these answers, so it tends to be low; the
        interval takes the order as given); ``all_orders``: share of problems right in every asked order (with sampled
        orders at least that of all); ``flip_rate``: mean share of the other orders whose answer is not that of the
        given order; ``unstable``: share of problems whose answer is not the same in every asked order; ``invalid``,
        ``share_true``: of answers. What needs a second order is absent where only one was asked.
    worst : mapping of int to (order, float)
        By number of premises: the worst order, and the share of right answers in it.
    sampling_errors : mapping of str to float
        Standard error of accuracy, balanced accuracy, invalid and share_true as estimates of all orders' figures; NaN
        where too few orders were drawn to say.
    n_problems, n_prompts : int
    """

    intervals: Mapping[str, Interval]
    worst: Mapping[int, tuple[tuple[int, ...], float]]
    sampling_errors: Mapping[str, float]
    n_problems: int
    n_prompts: int

    def to_json(self) -> dict[str, Any]:
        """Return each figure by its name, and the intervals beside them."""
        names = ("accuracy", "balanced_accuracy", "worst_order", "all_orders", "flip_rate", "unstable", "invalid")
        figures = {
            name: self.intervals[name].estimate if name in self.intervals else None for name in (*names, "share_true")
        }
        return {
            **figures,
            "n_problems": self.n_problems,
            "n_prompts": self.n_prompts,
            "intervals": {name: interval.to_json() for name, interval in self.intervals.items()},
            "sampling_error": {k: None if math.isnan(v) else v for k, v in self.sampling_errors.items()},
            "worst_orders": [
                {"n_premises": n, "order": list(order), "accuracy": share} for n, (order, share) in self.worst.items()
            ],
        }


def score_orders(answers: OrderAnswers, *names: str | int, n_resamples: int = 2000) -> OrderScores:
    """Score answers; `names` name the random stream of the resamples."""
    rows = answers.by_problem()
    labels = answers.problems.labels.astype(np.int64)
    premises = [len(problem.premises) for problem in answers.problems]
    right = [(row == label).astype(np.float64) for row, label in zip(rows, labels, strict=True)]
    said = {
        "invalid": [(row == NEITHER).astype(np.float64) for row in rows],
        "share_true": [(row == TRUE).astype(np.float64) for row in rows],
    }
    worst = worst_orders(right, premises)
    one = np.zeros_like(labels)
    values: dict[str, tuple[Floats, NDArray[np.int64]]] = {
        "accuracy": (_over_orders(right, premises), one),
        "balanced_accuracy": (_over_orders(right, premises), labels),
        "worst_order": (np.array([row[worst[n][0]] for row, n in zip(right, premises, strict=True)]), one),
        "all_orders": (np.array([row.min() for row in right]), one),
        **{name: (_over_orders(columns, premises), one) for name, columns in said.items()},
    }
    if all(len(row) > 1 for row in rows):
        values["flip_rate"] = (np.array([float((row[1:] != row[0]).mean()) for row in rows]), one)
        values["unstable"] = (np.array([float((row != row[0]).any()) for row in rows]), one)
    intervals = {
        name: problem_interval(column, strata, answers.problems.ids, *names, name, n_resamples=n_resamples)
        for name, (column, strata) in values.items()
    }
    errors = {name: sampling_error(columns, premises, one) for name, columns in {"accuracy": right, **said}.items()}
    errors["balanced_accuracy"] = sampling_error(right, premises, labels)
    named = {n: (tuple(answers.orders[n][place].tolist()), share) for n, (place, share) in worst.items()}
    return OrderScores(intervals, named, errors, len(rows), len(answers.answer))


def problem_interval(
    values: Floats, strata: NDArray[Any], ids: tuple[str, ...], *names: str | int, n_resamples: int = 2000
) -> Interval:
    """Interval of a stratified mean for new problems, one value a problem."""
    rng = stream("evaluation", *names)
    return crossed_bootstrap(values, strata, np.zeros(len(values)), list(ids), rng=rng, n_resamples=n_resamples)


def accuracy_by_tau(answers: OrderAnswers, *names: str | int, n_resamples: int = 2000) -> list[dict[str, Any]]:
    """Accuracy of the asked orders by their Kendall tau against the forward order, lowest first."""
    taus = {n: np.array([round(kendall_tau(order), 6) for order in orders]) for n, orders in answers.orders.items()}
    rows = answers.by_problem()
    by_tau: dict[float, list[tuple[str, float, int]]] = {}
    for problem, row in zip(answers.problems, rows, strict=True):
        own = taus[len(problem.premises)]
        for tau in np.unique(own).tolist():
            chosen = row[own == tau] == problem.label
            by_tau.setdefault(tau, []).append((problem.stimulus_id, float(chosen.mean()), len(chosen)))
    found = []
    for tau in sorted(by_tau):
        ids, values, counts = zip(*by_tau[tau], strict=True)
        one = np.zeros(len(values))
        interval = problem_interval(np.array(values), one, ids, *names, f"tau {tau}", n_resamples=n_resamples)
        found.append(
            {"tau": tau, "accuracy": interval.estimate, "n_prompts": sum(counts), "interval": interval.to_json()}
        )
    return found


def _over_orders(columns: list[Floats], premises: list[int]) -> Floats:
    """Each problem's mean over all orders, as estimated from those asked."""
    return np.array([row @ order_weights(len(row), n) for row, n in zip(columns, premises, strict=True)])
