"""A model's answers to problems in several orders of their premises, problem by problem in bounded memory."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainalign.activations.answering import PassSize, answer_prompts
from brainalign.errors import BrainalignError, InputError
from brainalign.stimuli import Problem, ProblemSet, Wording
from brainalign.stimuli.orders import OrderPlan, forward_order, parse_orders, premise_orders
from brainalign.zoo import LanguageModel

Within = Callable[[], AbstractContextManager[Any]]
# Prompts of one tree: enough that problems share their instruction, few enough to hold.
MAX_PROMPTS = 2048


@dataclass(frozen=True)
class ProblemError:
    """A problem that was left out, and why."""

    stimulus_id: str
    error: str


@dataclass(frozen=True)
class OrderAnswers:
    """Answers, a row a problem and order; the rows of a problem are neighbours.

    Attributes
    ----------
    problems : ProblemSet
        Those that were scored.
    rows : int64 array of shape (n_rows,)
        Place of each row's problem among `problems`.
    orders : tuple of int8 arrays of shape (n_orders, n_premises)
        For each problem the orders in which it was asked, as places in its forward order: 0, 1, 2 is the forward one.
    answer : int8 array of shape (n_rows,)
        1 True, 0 False, -1 neither.
    margin : float32 array of shape (n_rows,)
        Logit of True minus logit of False.
    n_distinct : int
        Prompts that differ in their tokens.
    spec : str
        Which orders were asked for.
    errors : tuple of ProblemError
        Problems that were left out.
    """

    problems: ProblemSet
    rows: np.ndarray
    orders: tuple[np.ndarray, ...]
    answer: np.ndarray
    margin: np.ndarray
    n_distinct: int
    spec: str
    errors: tuple[ProblemError, ...] = ()

    def by_problem(self) -> list[np.ndarray]:
        """Answers (n_orders,) of each problem, in the order of `problems`."""
        return np.split(self.answer, np.searchsorted(self.rows, np.arange(1, len(self.problems))))

    def select(self, keep: np.ndarray) -> "OrderAnswers":
        """Rows of some problems; `keep` is bool (n_problems,)."""
        places = np.cumsum(keep) - 1
        chosen = keep[self.rows]
        problems = tuple(problem for problem, kept in zip(self.problems, keep.tolist(), strict=True) if kept)
        return OrderAnswers(
            problems=ProblemSet(problems, self.problems.source),
            rows=places[self.rows[chosen]],
            orders=tuple(orders for orders, kept in zip(self.orders, keep.tolist(), strict=True) if kept),
            answer=self.answer[chosen],
            margin=self.margin[chosen],
            n_distinct=self.n_distinct,
            spec=self.spec,
        )


def answer_orders(
    model: LanguageModel,
    problems: ProblemSet,
    wording: Wording,
    spec: str = "all",
    *,
    within: Within = nullcontext,
    size: PassSize | None = None,
) -> OrderAnswers:
    """Ask every problem in every order that `spec` names; what prompts begin with in common is computed once.

    Parameters
    ----------
    model : LanguageModel
    problems : ProblemSet
    wording : Wording
    spec : str
        ``"all"``, ``"forward"`` or ``"sample:N"``, see `brainalign.stimuli.orders`.
    within : callable
        Makes the context in which the model is asked, such as one that hooks it.
    size : PassSize, optional

    Raises
    ------
    InputError
        No problem could be asked, or an unknown spec.
    """
    asked = _Asked(model, wording, parse_orders(spec))
    answers: list[tuple[np.ndarray, np.ndarray]] = []
    with within():
        for batch in asked.batches(problems):
            found = answer_prompts(model, batch, size)
            answers.append((found.answer, found.margin))
    if not asked.problems:
        first = asked.errors[0].error if asked.errors else "no problem at all"
        raise InputError(f"expected at least one problem that can be asked, found none: {first}")
    answer, margin = (np.concatenate(parts) for parts in zip(*answers, strict=True))
    found_all = OrderAnswers(
        problems=ProblemSet(tuple(asked.problems), problems.source),
        rows=np.repeat(np.arange(len(asked.problems)), [len(orders) for orders in asked.orders]),
        orders=tuple(asked.orders),
        answer=answer,
        margin=margin,
        n_distinct=len(asked.distinct),
        spec=spec,
        errors=tuple(asked.errors),
    )
    return _without_nan(found_all)


class _Asked:
    """Prompts in batches of whole problems, and what has been asked so far."""

    def __init__(self, model: LanguageModel, wording: Wording, plan: OrderPlan) -> None:
        self.problems: list[Problem] = []
        self.errors: list[ProblemError] = []
        self.orders: list[np.ndarray] = []
        self.distinct: set[bytes] = set()
        self._model, self._wording, self._plan = model, wording, plan

    def batches(self, problems: ProblemSet) -> Iterator[list[list[int]]]:
        """Yield lists of prompts."""
        batch: list[list[int]] = []
        for problem in problems:
            try:
                orders, prompts = self._prompts(problem)
            except BrainalignError as error:
                self.errors.append(ProblemError(problem.stimulus_id, str(error)))
                continue
            self.problems.append(problem)
            self.orders.append(orders)
            self.distinct.update(hashlib.blake2b(np.array(ids).tobytes(), digest_size=16).digest() for ids in prompts)
            batch += prompts
            if len(batch) >= MAX_PROMPTS:
                yield batch
                batch = []
        if batch:
            yield batch

    def _prompts(self, problem: Problem) -> tuple[np.ndarray, list[list[int]]]:
        # One order first: a prompt that does not fit is refused before its orders are counted out.
        self._model.encode_problem(problem, self._wording)
        orders = premise_orders(problem, self._plan)
        rank = np.argsort(forward_order(problem))
        prompts = [self._model.encode_problem(order.apply(problem), self._wording) for order in orders]
        return rank[np.array([order.places for order in orders])].astype(np.int8), prompts


def _without_nan(answers: OrderAnswers) -> OrderAnswers:
    """Leave out problems with an answer that is no number: steering beyond what the model's numbers hold."""
    bad = np.zeros(len(answers.problems), dtype=bool)
    bad[answers.rows[~np.isfinite(answers.margin)]] = True
    if not bad.any():
        return answers
    why = "expected finite logits, found NaN or infinity: lower the strength of what changes the model"
    errors = tuple(ProblemError(answers.problems.ids[place], why) for place in np.flatnonzero(bad).tolist())
    if bad.all():
        raise InputError(why)
    kept = answers.select(~bad)
    return OrderAnswers(**{**kept.__dict__, "errors": (*answers.errors, *errors)})
