"""Split problems once into a selection and a report part that share no logical form."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli.formulas import Conditional, Formula, Literal, read_formula
from brainalign.stimuli.pictures import read_pictures
from brainalign.stimuli.problems import Problem, ProblemSet
from brainalign.stimuli.sentences import Comparison, Fact, Statement, Universal, parse

_MAX_ORDERED_PREMISES = 6


@dataclass(frozen=True)
class Split:
    """Ids of the two parts, each in the order of the problems.

    Attributes
    ----------
    selection : tuple of str
        What searches and their intervals see.
    report : tuple of str
        What winners and their controls are reported on.
    """

    selection: tuple[str, ...]
    report: tuple[str, ...]


def logical_form(problem: Problem) -> str:
    """Spell a problem with its words renamed; problems that differ in words or premise order alone are spelled alike.

    The form of deduction in everyday language is not known: each such problem is a form of its own.

    Raises
    ------
    InputError
        A sentence that the solver cannot read.
    """
    if problem.reasoning_type == "other":
        return problem.stimulus_id
    if problem.reasoning_type == "relational":
        return _spell_pictures(read_pictures(problem.premises))
    if problem.reasoning_type == "propositional":
        return min(_spell_formulas([*order, problem.conclusion]) for order in permutations(problem.premises))
    *premises, conclusion = parse([*problem.premises, problem.conclusion])
    orders = permutations(premises) if len(premises) <= _MAX_ORDERED_PREMISES else [tuple(premises)]
    return min(_spell([*order, conclusion]) for order in orders)


def split_problems(problems: ProblemSet, *, selection_share: float = 0.5, seed: int = 0) -> Split:
    """Split by logical form, stratified by reasoning type and label.

    All problems of one form go to one part, so that nothing learnt about a form on the selection part is rewarded on
    the report part. Within each type and label those forms are chosen that come nearest to the share.

    Parameters
    ----------
    problems : ProblemSet
    selection_share : float
        Share of the problems that the selection part shall hold, between 0 and 1.
    seed : int
        Names the choice among equally good ones.

    Returns
    -------
    Split

    Raises
    ------
    InputError
        The share is not between 0 and 1, or a type and label has one form only.
    """
    if not 0 < selection_share < 1:
        raise InputError(
            f"expected a selection share between 0 and 1, found {selection_share}: 0.5 halves the problems"
        )
    strata: dict[tuple[str, bool], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for problem in problems:
        strata[problem.reasoning_type, problem.label][logical_form(problem)].append(problem.stimulus_id)
    selected: set[str] = set()
    wanted = 0.0
    for (reasoning_type, label), forms in sorted(strata.items()):
        if len(forms) < 2:
            raise InputError(
                f"expected two or more logical forms among the {label} {reasoning_type}, found {len(forms)}: "
                "a split would leave one part without them; take more problems"
            )
        # What rounding leaves over is asked of the next stratum, so that it does not add up.
        wanted += selection_share * sum(len(ids) for ids in forms.values())
        groups = [forms[form] for form in sorted(forms)]
        order = stream("split", seed, reasoning_type, int(label)).permutation(len(groups))
        chosen = _nearest_subset([groups[place] for place in order], wanted)
        selected.update(chosen)
        wanted -= len(chosen)
    return Split(
        selection=tuple(name for name in problems.ids if name in selected),
        report=tuple(name for name in problems.ids if name not in selected),
    )


def _nearest_subset(groups: Sequence[list[str]], wanted: float) -> list[str]:
    """Whole groups, neither none nor all, whose total is nearest to `wanted` (subset sums by dynamic programming)."""
    total = sum(len(group) for group in groups)
    reachable: dict[int, tuple[int, ...]] = {0: ()}
    for place, group in enumerate(groups):
        for size, places in list(reachable.items()):
            reachable.setdefault(size + len(group), (*places, place))
    sizes = [size for size in reachable if 0 < size < total]
    best = min(sizes, key=lambda size: abs(size - wanted))
    return [name for place in reachable[best] for name in groups[place]]


def _spell(statements: Sequence[Statement]) -> str:
    """Write statements with people, predicates and scales numbered as they come."""
    numbers: dict[str, str] = {}

    def number(kind: str, word: str) -> str:
        return numbers.setdefault(f"{kind} {word}", f"{kind}{sum(name.startswith(kind) for name in numbers)}")

    spelled = []
    for statement in statements:
        sign = "" if statement.positive else "not "
        if isinstance(statement, Universal):
            spelled.append(f"{sign}{number('p', statement.subject)} in {number('p', statement.predicate)}")
        elif isinstance(statement, Fact):
            spelled.append(f"{sign}{number('x', statement.name)} in {number('p', statement.predicate)}")
        elif isinstance(statement, Comparison):
            scale = number("s", statement.scale)
            spelled.append(f"{sign}{number('x', statement.left)} {scale} {number('x', statement.right)}")
    return "; ".join(spelled)


def _spell_formulas(sentences: Sequence[str]) -> str:
    """Write formulas with the simple statements numbered as they come."""
    numbers: dict[str, int] = {}

    def spell(formula: Formula) -> str:
        if isinstance(formula, Literal):
            sign = "" if formula.positive else "not "
            return f"{sign}p{numbers.setdefault(formula.atom, len(numbers))}"
        joint = "->" if isinstance(formula, Conditional) else "or"
        return f"({spell(formula.left)} {joint} {spell(formula.right)})"

    return "; ".join(spell(read_formula(sentence)) for sentence in sentences)


def _spell_pictures(pictures: Mapping[str, tuple[str, str]]) -> str:
    """Write pictures with the values of each feature numbered as they come."""
    numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})
    spelled = []
    for name in sorted(pictures):
        values = [seen.setdefault(word, len(seen)) for seen, word in zip(numbers, pictures[name], strict=True)]
        spelled.append(f"{name} {values}")
    return "; ".join(spelled)
