"""Decide whether a conclusion follows, for universal rules with facts, comparisons on a scale, and formulas.

Rules and comparisons are decided by refutation: premises entail a statement exactly if they contradict its denial.

- Rules and facts ("All X are Y", "No X are Y", "N is (not) Y") are Horn clauses: unit propagation is complete for them.
- Comparisons order individuals on a scale where ties are possible. "A > B" and its denial "A <= B" are difference
  constraints; they conflict exactly if a cycle of them holds a strict one.

Sentences with "if" or "or" are decided by truth tables, pictures by comparing them.
"""

from collections.abc import Iterable, Sequence

from brainalign.errors import InputError
from brainalign.stimuli.formulas import formulas_contradict, formulas_entail, is_compound
from brainalign.stimuli.pictures import pictures_agree
from brainalign.stimuli.problems import Problem
from brainalign.stimuli.sentences import Comparison, Fact, Statement, Universal, parse

_SOMEONE = "someone nobody named"


def entails(premises: Iterable[str], statement: str) -> bool:
    """Tell whether the statement is true wherever all premises are.

    Contradictory premises entail everything: ask `contradicts` first.

    Raises
    ------
    InputError
        A sentence that is of no family.
    """
    sentences = list(premises)
    if any(is_compound(sentence) for sentence in (*sentences, statement)):
        return formulas_entail(sentences, statement)
    *given, asked = parse([*sentences, statement])
    return _inconsistent([*given, *_denial(asked)])


def contradicts(premises: Iterable[str]) -> bool:
    """Tell whether the premises cannot all be true together.

    Raises
    ------
    InputError
        A sentence that is of no family.
    """
    sentences = list(premises)
    if any(is_compound(sentence) for sentence in sentences):
        return formulas_contradict(sentences)
    return _inconsistent(parse(sentences))


def decide(problem: Problem) -> bool:
    """Tell what a problem's label ought to be.

    Raises
    ------
    InputError
        A sentence of a form that cannot be decided, or premises that contradict themselves.
    """
    if problem.reasoning_type == "relational":
        return pictures_agree(problem.premises)
    if contradicts(problem.premises):
        raise InputError(
            f"expected premises that can be true together, found a contradiction in {problem.stimulus_id} "
            f"({'; '.join(problem.premises)}): drop the problem"
        )
    return entails(problem.premises, problem.conclusion)


def _denial(statement: Statement) -> list[Statement]:
    """Statements that together say the opposite."""
    if isinstance(statement, Universal):
        return [
            Fact(_SOMEONE, statement.subject),
            Fact(_SOMEONE, statement.predicate, not statement.positive),
        ]
    if isinstance(statement, Fact):
        return [Fact(statement.name, statement.predicate, not statement.positive)]
    return [Comparison(statement.left, statement.right, statement.scale, not statement.positive)]


def _inconsistent(statements: Sequence[Statement]) -> bool:
    rules = [s for s in statements if isinstance(s, Universal)]
    facts = [s for s in statements if isinstance(s, Fact)]
    comparisons = [s for s in statements if isinstance(s, Comparison)]
    clashing_facts = any(_facts_clash(rules, [f for f in facts if f.name == name]) for name in {f.name for f in facts})
    scales = {comparison.scale for comparison in comparisons}
    return clashing_facts or any(_order_clashes([c for c in comparisons if c.scale == scale]) for scale in scales)


def _facts_clash(rules: Sequence[Universal], facts: Sequence[Fact]) -> bool:
    """Propagate what is known of one individual until two things clash or nothing new follows."""
    truth: dict[str, bool] = {}
    waiting = [(fact.predicate, fact.positive) for fact in facts]
    while waiting:
        predicate, value = waiting.pop()
        if predicate in truth:
            if truth[predicate] != value:
                return True
            continue
        truth[predicate] = value
        for rule in rules:
            if rule.subject == predicate and value:
                waiting.append((rule.predicate, rule.positive))
            if rule.predicate == predicate and value != rule.positive:
                waiting.append((rule.subject, False))
    return False


def _order_clashes(comparisons: Sequence[Comparison]) -> bool:
    """Look for a cycle with a strict step; an edge (a, b) says that a is at or above b."""
    edges = [(c.left, c.right, True) if c.positive else (c.right, c.left, False) for c in comparisons]
    return any(strict and upper in _at_or_below(lower, edges) for upper, lower, strict in edges)


def _at_or_below(start: str, edges: Sequence[tuple[str, str, bool]]) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        fresh = {lower for upper, lower, _ in edges if upper == here} - reached
        reached |= fresh
        waiting.extend(fresh)
    return reached
