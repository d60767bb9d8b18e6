"""What answers in several premise orders say: accuracy, and how much of it hangs on the order."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainalign.artifacts import stream
from brainalign.evaluation.metrics import NEITHER, TRUE
from brainalign.evaluation.order_answers import OrderAnswers
from brainalign.evaluation.order_sampling import disagreement, sampling_error
from brainalign.statistics import Interval, crossed_bootstrap
from brainalign.stimuli.orders import kendall_tau

Floats = NDArray[np.float64]
Order = tuple[int, ...]
FIGURES = (
    "accuracy",
    "balanced_accuracy",
    "worst_order",
    "all_orders",
    "flip_rate",
    "unstable",
    "invalid",
    "share_true",
)


@dataclass(frozen=True)
class WorstOrder:
    """Of problems with so many premises the order with the fewest right answers, as places in the forward order."""

    n_premises: int
    order: Order
    accuracy: float
    n_problems: int


@dataclass(frozen=True)
class OrderScores:
    """Scores over problems and orders; intervals resample problems.

    Attributes
    ----------
    intervals : mapping of str to Interval
        ``accuracy``: mean over orders of the share of right answers. ``balanced_accuracy``: the same, mean over labels.
        ``worst_order``: of the order with the fewest right answers; it is chosen on these very answers, so it tends to
        be too low, and its interval takes the choice as given; absent where no order was asked of every problem with as
        many premises. ``all_orders``: share of problems right in every asked order; over sampled orders at least that
        over all. ``flip_rate``: chance that two different orders of a problem get different answers. ``unstable``:
        share of problems with different answers in any two asked orders. ``invalid``, ``share_true``: of answers.
        Flip rate and unstable are absent where a problem was asked in one order only.
    worst : tuple of WorstOrder
        By number of premises.
    sampling_errors : mapping of str to float
        Standard error of accuracy, balanced accuracy, invalid and share_true as estimates of all orders' figures: 0
        where all were asked, NaN where one order was asked of several.
    n_problems, n_prompts : int
    """

    intervals: Mapping[str, Interval]
    worst: tuple[WorstOrder, ...]
    sampling_errors: Mapping[str, float]
    n_problems: int
    n_prompts: int

    def to_json(self) -> dict[str, Any]:
        """Return each figure by its name (None where it is absent), and the intervals beside them."""
        return {
            **{name: self.intervals[name].estimate if name in self.intervals else None for name in FIGURES},
            "n_problems": self.n_problems,
            "n_prompts": self.n_prompts,
            "intervals": {name: interval.to_json() for name, interval in self.intervals.items()},
            "sampling_error": {k: None if math.isnan(v) else v for k, v in self.sampling_errors.items()},
            "worst_orders": [{**vars(worst), "order": list(worst.order)} for worst in self.worst],
        }


def score_orders(answers: OrderAnswers, *names: str | int, n_resamples: int = 2000) -> OrderScores:
    """Score answers; `names` name the random stream of the resamples."""
    rows, labels = answers.by_problem(), answers.problems.labels.astype(np.int64)
    premises = [len(problem.premises) for problem in answers.problems]
    columns = {
        "accuracy": [(row == label).astype(np.float64) for row, label in zip(rows, labels, strict=True)],
        "invalid": [(row == NEITHER).astype(np.float64) for row in rows],
        "share_true": [(row == TRUE).astype(np.float64) for row in rows],
    }
    right, one = columns["accuracy"], np.zeros_like(labels)
    values = {name: (_means(column), one) for name, column in columns.items()}
    values["balanced_accuracy"] = (_means(right), labels)
    values["all_orders"] = (np.array([row.min() for row in right]), one)
    worst = _worst_orders(answers, right)
    if len(worst) == len(set(premises)):
        chosen = {found.n_premises: found.order for found in worst}
        values["worst_order"] = (
            np.array([
                row[_place(orders, chosen[n])] for row, orders, n in zip(right, answers.orders, premises, strict=True)
            ]),
            one,
        )  # fmt: skip
    if all(len(row) > 1 for row in rows):
        values["flip_rate"] = (np.array([disagreement(row) for row in rows]), one)
        values["unstable"] = (np.array([float((row != row[0]).any()) for row in rows]), one)
    intervals = {
        name: problem_interval(column, strata, answers.problems.ids, *names, name, n_resamples=n_resamples)
        for name, (column, strata) in values.items()
    }
    errors = {name: sampling_error(column, premises, one) for name, column in columns.items()}
    errors["balanced_accuracy"] = sampling_error(right, premises, labels)
    return OrderScores(intervals, worst, errors, len(rows), len(answers.answer))


def problem_interval(
    values: Floats, strata: NDArray[Any], ids: Sequence[str], *names: str | int, n_resamples: int = 2000
) -> Interval:
    """Interval of a stratified mean for new problems, one value a problem."""
    rng = stream("evaluation", *names)
    return crossed_bootstrap(values, strata, np.zeros(len(values)), list(ids), rng=rng, n_resamples=n_resamples)


def accuracy_by_tau(answers: OrderAnswers, *names: str | int, n_resamples: int = 2000) -> list[dict[str, Any]]:
    """Accuracy of the asked orders by their Kendall tau against the forward order, lowest first."""
    by_tau: dict[float, list[tuple[str, float, int]]] = {}
    for problem, orders, row in zip(answers.problems, answers.orders, answers.by_problem(), strict=True):
        taus = np.array([_tau(tuple(order)) for order in orders.tolist()])
        for tau in np.unique(taus).tolist():
            right = row[taus == tau] == problem.label
            by_tau.setdefault(tau, []).append((problem.stimulus_id, float(right.mean()), len(right)))
    found = []
    for tau in sorted(by_tau):
        ids, values, counts = zip(*by_tau[tau], strict=True)
        one = np.zeros(len(values))
        interval = problem_interval(np.array(values), one, ids, *names, f"tau {tau}", n_resamples=n_resamples)
        found.append(
            {"tau": tau, "accuracy": interval.estimate, "n_prompts": sum(counts), "interval": interval.to_json()}
        )
    return found


def _worst_orders(answers: OrderAnswers, right: Sequence[Floats]) -> tuple[WorstOrder, ...]:
    """By number of premises, among orders that were asked of all problems with so many."""
    tallies: dict[int, dict[Order, list[float]]] = {}
    n_problems: dict[int, int] = {}
    for orders, row in zip(answers.orders, right, strict=True):
        n_premises = orders.shape[1]
        n_problems[n_premises] = n_problems.get(n_premises, 0) + 1
        tally = tallies.setdefault(n_premises, {})
        for order, value in zip(map(tuple, orders.tolist()), row.tolist(), strict=True):
            tally.setdefault(order, []).append(value)
    found = []
    for n_premises, tally in sorted(tallies.items()):
        shared = {order: values for order, values in tally.items() if len(values) == n_problems[n_premises]}
        if shared:
            share, worst = min((float(np.mean(values)), order) for order, values in shared.items())
            found.append(WorstOrder(n_premises, worst, share, n_problems[n_premises]))
    return tuple(found)


def _place(orders: NDArray[Any], order: Order) -> int:
    return int((orders == np.array(order)).all(axis=1).argmax())


def _means(columns: Sequence[Floats]) -> Floats:
    return np.array([row.mean() for row in columns])


@lru_cache(maxsize=1 << 16)
def _tau(order: Order) -> float:
    return round(kendall_tau(order, range(len(order))), 6)
