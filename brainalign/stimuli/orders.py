"""Orders of a problem's premises: which ones are asked for, which are the same prompt, how far from the forward one.

An order is a tuple of places: the premise at ``order[0]`` is said first. Orders are numbered lexicographically, so
number 0 is the order in which the premises are given and n! - 1 the reverse of it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import factorial
from typing import Literal

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli.problems import Problem, clean_sentence
from brainalign.stimuli.sentences import Comparison, Fact, Universal, parse

_MAX_ENUMERATED = 8  # 8! = 40,320 orders of one problem


@dataclass(frozen=True)
class OrderPlan:
    """Which orders are asked for.

    Attributes
    ----------
    kind : {"all", "forward", "sample"}
    n_sampled : int
        Number of orders of a sample, 0 otherwise.
    """

    kind: Literal["all", "forward", "sample"]
    n_sampled: int = 0

    def __str__(self) -> str:
        return f"sample:{self.n_sampled}" if self.kind == "sample" else self.kind


@dataclass(frozen=True)
class PremiseOrder:
    """One order of a problem's premises.

    Attributes
    ----------
    number : int
        Lexicographic, 0 = as given.
    places : tuple of int
    """

    number: int
    places: tuple[int, ...]

    def apply(self, problem: Problem) -> Problem:
        """Put the premises of a problem in this order; its id stays."""
        return replace(problem, premises=tuple(problem.premises[place] for place in self.places))


def parse_orders(text: str) -> OrderPlan:
    """Read "all", "forward" or "sample:N".

    Raises
    ------
    InputError
        Anything else.
    """
    kind, colon, count = text.strip().partition(":")
    if kind == "sample" and count.isascii() and count.isdigit() and int(count) >= 1:
        return OrderPlan("sample", int(count))
    if not colon and (kind == "all" or kind == "forward"):
        return OrderPlan(kind)  # type: ignore[arg-type]  # narrowed by the comparison above
    raise InputError(
        f"expected orders 'all', 'forward' or 'sample:N' with N of 1 or more, found {text!r}: take one of them"
    )


def premise_orders(problem: Problem, plan: OrderPlan, *, seed: int = 0) -> tuple[PremiseOrder, ...]:
    """Orders of a problem's premises, by number.

    Parameters
    ----------
    problem : Problem
    plan : OrderPlan
        A sample is drawn without replacement, for each problem by itself; a sample of as many orders as there are, or
        more, is all of them.
    seed : int
        Names the sample, together with the problem's id.

    Raises
    ------
    InputError
        All orders of more than 8 premises are asked for.
    """
    n_premises = len(problem.premises)
    if plan.kind == "forward":
        forward = forward_order(problem)
        return (PremiseOrder(order_number(forward), forward),)
    if plan.kind == "all" or plan.n_sampled >= factorial(n_premises):
        if n_premises > _MAX_ENUMERATED:
            raise InputError(
                f"expected up to {_MAX_ENUMERATED} premises where all orders are asked for, found {n_premises} in "
                f"{problem.stimulus_id}, which is {factorial(n_premises):,} orders: ask for 'sample:N'"
            )
        return tuple(PremiseOrder(number, places) for number, places in enumerate(permutations(range(n_premises))))
    rng = stream("premise orders", seed, problem.stimulus_id)
    drawn = _draw_few(n_premises, plan.n_sampled, rng)
    return tuple(sorted((PremiseOrder(order_number(places), places) for places in drawn), key=lambda o: o.number))


def _draw_few(n_premises: int, n_drawn: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    if n_premises <= _MAX_ENUMERATED:
        numbers = rng.choice(factorial(n_premises), n_drawn, replace=False)
        return [order_of(int(number), n_premises) for number in numbers]
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < n_drawn:
        drawn.setdefault(tuple(rng.permutation(n_premises).tolist()))
    return list(drawn)


def order_number(places: Sequence[int]) -> int:
    """Lexicographic number of an order, 0 for the identity."""
    number = 0
    for position, place in enumerate(places):
        smaller_ones_left = sum(later < place for later in places[position + 1 :])
        number += smaller_ones_left * factorial(len(places) - 1 - position)
    return number


def order_of(number: int, n_premises: int) -> tuple[int, ...]:
    """Order that has a lexicographic number.

    Raises
    ------
    InputError
        There are not so many orders.
    """
    if not 0 <= number < factorial(n_premises):
        raise InputError(
            f"expected an order of {n_premises} premises between 0 and {factorial(n_premises) - 1}, found {number}: "
            "orders are numbered from 0"
        )
    left, places = list(range(n_premises)), []
    for n_left in range(n_premises, 0, -1):
        position, number = divmod(number, factorial(n_left - 1))
        places.append(left.pop(position))
    return tuple(places)


def forward_order(problem: Problem) -> tuple[int, ...]:
    """Order in which each premise takes up where the one before it ended.

    Rules run from the narrowest term up, facts come last; comparisons run from the one who is compared first ("A is
    poorer than B" leads from A to B), or, where several comparatives are mixed, from the top of the scale down. The
    public release gives its problems in this order. Premises that nothing links keep the order in which they are given,
    and so do those of problems that are neither syllogisms nor transitive.
    """
    places = tuple(range(len(problem.premises)))
    if problem.reasoning_type not in ("syllogisms", "transitive"):
        return places
    try:
        links = _links(problem.premises)
    except InputError:
        return places
    ordered: list[int] = []
    waiting = [place for place in places if links[place] is not None]
    while waiting:
        # A link may come once no waiting one leads to where it starts; a cycle is cut at its first premise.
        ends = {place: [other for other in waiting if _leads_to(links[other], links[place])] for place in waiting}
        continuing = [p for p in waiting if ordered and _leads_to(links[ordered[-1]], links[p]) and not ends[p]]
        free = continuing or [place for place in waiting if not ends[place]] or waiting
        ordered.append(free[0])
        waiting.remove(free[0])
    return (*ordered, *(place for place in places if links[place] is None))


def _links(premises: Sequence[str]) -> list[tuple[str, str] | None]:
    """From where to where each premise leads, None for a fact."""
    statements = parse(premises)
    said = [clean_sentence(premise).lower().split() for premise in premises]
    comparatives = {
        " ".join(words[2:-2]).removeprefix("not ")
        for words, statement in zip(said, statements, strict=True)
        if isinstance(statement, Comparison)
    }
    one_comparative = len(comparatives) == 1
    links: list[tuple[str, str] | None] = []
    for words, statement in zip(said, statements, strict=True):
        if isinstance(statement, Fact):
            links.append(None)
        elif isinstance(statement, Universal):
            links.append((statement.subject, statement.predicate))
        elif one_comparative:
            links.append((words[0], words[-1]))
        else:
            pair = (statement.left, statement.right)
            links.append(pair if statement.positive else pair[::-1])
    return links


def _leads_to(one: tuple[str, str] | None, other: tuple[str, str] | None) -> bool:
    return one is not None and other is not None and one is not other and one[1] == other[0]


def kendall_tau(places: Sequence[int], forward: Sequence[int]) -> float:
    """Kendall's tau of an order from the forward one: 1 for the same, -1 for the reverse; 1 for a single premise.

    tau = 1 - 4 D / (n (n - 1)) with D the number of pairs that stand the other way round.

    Raises
    ------
    InputError
        The two are not orders of the same premises.
    """
    if sorted(places) != sorted(forward) or len(set(places)) < len(places):
        raise InputError(f"expected two orders of the same premises, found {tuple(places)} and {tuple(forward)}")
    n_premises = len(places)
    if n_premises < 2:
        return 1.0
    rank = {place: position for position, place in enumerate(forward)}
    ranks = [rank[place] for place in places]
    discordant = sum(ranks[i] > ranks[j] for i in range(n_premises) for j in range(i + 1, n_premises))
    return 1 - 4 * discordant / (n_premises * (n_premises - 1))


@dataclass(frozen=True)
class Distinct:
    """Which of many prompts are the same.

    Attributes
    ----------
    first : ndarray
        int64 (n_distinct,): where each distinct prompt comes first, ascending.
    member : ndarray
        int64 (n_prompts,): which distinct prompt each one is, so that ``answers[member]`` answers all.
    """

    first: np.ndarray
    member: np.ndarray


def distinct_prompts(prompts: Sequence[Hashable]) -> Distinct:
    """Find the prompts that are the same: each distinct one need be answered once."""
    number: dict[Hashable, int] = {}
    first: list[int] = []
    member = np.empty(len(prompts), dtype=np.int64)
    for place, prompt in enumerate(prompts):
        if prompt not in number:
            number[prompt] = len(first)
            first.append(place)
        member[place] = number[prompt]
    return Distinct(np.array(first, dtype=np.int64), member)
