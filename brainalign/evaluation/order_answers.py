"""A model's answers to problems in several orders of their premises, problem by problem in bounded memory."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainalign.activations.answering import PassSize, answer_prompts
from brainalign.errors import BrainalignError, InputError
from brainalign.stimuli import Problem, ProblemSet, Wording
from brainalign.stimuli.orders import premise_orders, reorder
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
    """Answers, a row a problem and order; the rows of a problem are neighbours, the given order first.

    Attributes
    ----------
    problems : ProblemSet
        Those that were scored.
    rows : int64 array of shape (n_rows,)
        Place of each row's problem among `problems`.
    orders : mapping of int to int64 array of shape (n_orders, n_premises)
        By number of premises: the orders in which its problems were asked. Row 0 is the order given.
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
    orders: Mapping[int, np.ndarray]
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
        counts = {len(problem.premises) for problem in problems}
        return OrderAnswers(
            problems=ProblemSet(problems, self.problems.source),
            rows=places[self.rows[chosen]],
            orders={count: orders for count, orders in self.orders.items() if count in counts},
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
        ``"all"``, ``"forward"`` (as given) or ``"sample:N"`` (the given order and N - 1 others; problems with as many
        premises share them, so that orders can be compared).
    within : callable
        Makes the context in which the model is asked, such as one that hooks it.
    size : PassSize, optional

    Raises
    ------
    InputError
        No problem could be asked, or an unknown spec.
    """
    asked = _Asked(model, wording, spec)
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
        rows=np.repeat(np.arange(len(asked.problems)), asked.counts),
        orders=asked.orders,
        answer=answer,
        margin=margin,
        n_distinct=len(asked.distinct),
        spec=spec,
        errors=tuple(asked.errors),
    )
    return _without_nan(found_all)


class _Asked:
    """Prompts in batches of whole problems, and what has been asked so far."""

    def __init__(self, model: LanguageModel, wording: Wording, spec: str) -> None:
        self.problems: list[Problem] = []
        self.counts: list[int] = []
        self.errors: list[ProblemError] = []
        self.orders: dict[int, np.ndarray] = {}
        self.distinct: set[bytes] = set()
        self._model, self._wording, self._spec = model, wording, spec
        premise_orders(2, spec)  # an unknown spec is everyone's error, not the first problem's

    def batches(self, problems: ProblemSet) -> Iterator[list[list[int]]]:
        """Yield lists of prompts."""
        batch: list[list[int]] = []
        for problem in problems:
            try:
                prompts = self._prompts(problem)
            except BrainalignError as error:
                self.errors.append(ProblemError(problem.stimulus_id, str(error)))
                continue
            self.problems.append(problem)
            self.counts.append(len(prompts))
            self.distinct.update(hashlib.blake2b(np.array(ids).tobytes(), digest_size=16).digest() for ids in prompts)
            batch += prompts
            if len(batch) >= MAX_PROMPTS:
                yield batch
                batch = []
        if batch:
            yield batch

    def _prompts(self, problem: Problem) -> list[list[int]]:
        # The given order first: a prompt that does not fit is refused before its orders are counted out.
        self._model.encode_chat(self._wording.messages(problem))
        count = len(problem.premises)
        orders = self.orders[count] if count in self.orders else premise_orders(count, self._spec, "evaluation", count)
        prompts = [self._model.encode_chat(self._wording.messages(reorder(problem, order))) for order in orders]
        self.orders[count] = orders
        return prompts


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
