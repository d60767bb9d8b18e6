"""Decide propositional problems: formulas are read from sentences and every assignment of truth values is tried.

"If P, then Q" and "P only if Q" are material conditionals, "P or Q" (with or without "either") is inclusive.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from brainalign.errors import InputError
from brainalign.stimuli.problems import clean_sentence

_IF = re.compile(r"if (?P<left>.+?),? then (?P<right>.+)", re.I)
_ONLY_IF = re.compile(r"(?P<left>.+) only if (?P<right>.+)", re.I)
_OR = re.compile(r"(?:either )?(?P<left>.+) or (?P<right>.+)", re.I)
_ATOM = re.compile(r"(?P<subject>\S+) is (?P<no>not )?(?P<predicate>(?:an? )?\S+)", re.I)
_MAX_ATOMS = 16


@dataclass(frozen=True)
class Literal:
    """A simple statement or its denial."""

    atom: str
    positive: bool = True

    def holds(self, truth: Mapping[str, bool]) -> bool:
        """Truth value under an assignment."""
        return truth[self.atom] == self.positive

    def atoms(self) -> Iterator[str]:
        """Names of the simple statements inside."""
        yield self.atom


@dataclass(frozen=True)
class Conditional:
    """If `left`, then `right`."""

    left: "Formula"
    right: "Formula"

    def holds(self, truth: Mapping[str, bool]) -> bool:
        """Truth value under an assignment."""
        return not self.left.holds(truth) or self.right.holds(truth)

    def atoms(self) -> Iterator[str]:
        """Names of the simple statements inside."""
        yield from self.left.atoms()
        yield from self.right.atoms()


@dataclass(frozen=True)
class Disjunction:
    """`left` or `right` or both."""

    left: "Formula"
    right: "Formula"

    def holds(self, truth: Mapping[str, bool]) -> bool:
        """Truth value under an assignment."""
        return self.left.holds(truth) or self.right.holds(truth)

    def atoms(self) -> Iterator[str]:
        """Names of the simple statements inside."""
        yield from self.left.atoms()
        yield from self.right.atoms()


Formula = Literal | Conditional | Disjunction


def is_compound(sentence: str) -> bool:
    """Tell whether a sentence joins simple statements with "if", "only if" or "or"."""
    return any(pattern.fullmatch(clean_sentence(sentence)) for pattern in (_IF, _ONLY_IF, _OR))


def read_formula(sentence: str) -> Formula:
    """Read one sentence.

    Raises
    ------
    InputError
        A sentence of another form.
    """
    text = clean_sentence(sentence)
    if match := _IF.fullmatch(text):
        return Conditional(read_formula(match["left"]), read_formula(match["right"]))
    if match := _ONLY_IF.fullmatch(text):
        return Conditional(read_formula(match["left"]), read_formula(match["right"]))
    if match := _OR.fullmatch(text):
        return Disjunction(read_formula(match["left"]), read_formula(match["right"]))
    if match := _ATOM.fullmatch(text):
        return Literal(f"{match['subject']} is {match['predicate']}".lower(), not match["no"])
    raise InputError(
        f"expected 'N is (not) Y' or such statements joined by 'if … then', 'only if' or 'or', found {text!r}: "
        "only these forms can be decided"
    )


def formulas_entail(premises: Iterable[str], statement: str) -> bool:
    """Tell whether the statement is true wherever all premises are.

    Raises
    ------
    InputError
        A sentence of another form, or too many simple statements.
    """
    given, asked = [read_formula(premise) for premise in premises], read_formula(statement)
    return all(asked.holds(truth) for truth in _assignments([*given, asked]) if all(f.holds(truth) for f in given))


def formulas_contradict(premises: Iterable[str]) -> bool:
    """Tell whether the premises cannot all be true together.

    Raises
    ------
    InputError
        A sentence of another form, or too many simple statements.
    """
    given = [read_formula(premise) for premise in premises]
    return not any(all(f.holds(truth) for f in given) for truth in _assignments(given))


def _assignments(formulas: Iterable[Formula]) -> Iterator[dict[str, bool]]:
    atoms = sorted({atom for formula in formulas for atom in formula.atoms()})
    if len(atoms) > _MAX_ATOMS:
        raise InputError(f"expected up to {_MAX_ATOMS} simple statements, found {len(atoms)}: shorten the problem")
    for values in product((False, True), repeat=len(atoms)):
        yield dict(zip(atoms, values, strict=True))
