"""What a sentence of the two families says: a universal rule, a fact about someone, or a comparison."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from brainalign.errors import InputError
from brainalign.stimuli.problems import clean_sentence

# Pairs of opposite comparatives on one scale: "Ned is slower than Max" says "Max is faster than Ned".
_OPPOSITES = {
    "shorter": "taller",
    "smaller": "bigger",
    "slower": "faster",
    "younger": "older",
    "poorer": "richer",
    "lighter": "heavier",
    "colder": "warmer",
    "narrower": "wider",
    "weaker": "stronger",
    "softer": "harder",
    "shallower": "deeper",
    "quieter": "louder",
    "sadder": "happier",
    "duller": "brighter",
}

_COMPARISON = re.compile(r"(?P<left>\S+) is (?P<no>not )?(?P<scale>(?:more |less )?\S+) than (?P<right>\S+)", re.I)
_UNIVERSAL = re.compile(r"(?P<quantifier>All|No) (?P<subject>\S+(?: things)?) are (?P<predicate>\S+(?: things)?)", re.I)
_FACT = re.compile(r"(?P<name>\S+) is (?P<no>not )?(?P<article>an? )?(?P<predicate>\S+)", re.I)


@dataclass(frozen=True)
class Universal:
    """Every member of `subject` has `predicate`, or none has it."""

    subject: str
    predicate: str
    positive: bool = True


@dataclass(frozen=True)
class Fact:
    """`name` has `predicate`, or has it not."""

    name: str
    predicate: str
    positive: bool = True


@dataclass(frozen=True)
class Comparison:
    """`left` stands above `right` on a scale, or does not."""

    left: str
    right: str
    scale: str
    positive: bool = True


Statement = Universal | Fact | Comparison


def parse(sentences: Iterable[str]) -> list[Statement]:
    """Read sentences that belong to one problem.

    A plural noun ("trabs") and its singular ("a trab") are one predicate, and so are "fast" and "fast things". Whether
    "luvs" in "All qocs are luvs" is a noun shows in the other sentences, so a problem is read as a whole.

    Raises
    ------
    InputError
        A sentence is none of the three kinds.
    """
    cleaned = [clean_sentence(sentence) for sentence in sentences]
    matches = [_match(sentence) for sentence in cleaned]
    nouns = {m["predicate"].lower() for m in matches if m.re is _FACT and m["article"]}
    plurals = {
        m["subject"].lower() for m in matches if m.re is _UNIVERSAL and not m["subject"].lower().endswith(" things")
    }
    return [_statement(match, nouns, plurals) for match in matches]


def _match(sentence: str) -> re.Match[str]:
    for pattern in (_COMPARISON, _UNIVERSAL, _FACT):
        if match := pattern.fullmatch(sentence):
            return match
    raise InputError(
        f"expected 'All X are Y', 'No X are Y', 'N is (not) (a) Y' or 'N is (not) more than M', found {sentence!r}: "
        "only these forms can be decided"
    )


def _statement(match: re.Match[str], nouns: set[str], plurals: set[str]) -> Statement:
    if match.re is _COMPARISON:
        scale, left, right = match["scale"].lower(), match["left"], match["right"]
        if scale.startswith("less "):
            scale, left, right = "more " + scale.removeprefix("less "), right, left
        if scale in _OPPOSITES:
            scale, left, right = _OPPOSITES[scale], right, left
        return Comparison(left.lower(), right.lower(), scale, not match["no"])
    if match.re is _UNIVERSAL:
        return Universal(
            _predicate(match["subject"].lower(), nouns, plurals),
            _predicate(match["predicate"].lower(), nouns, plurals),
            match["quantifier"].lower() == "all",
        )
    word = match["predicate"].lower()
    return Fact(match["name"].lower(), f"noun {word}" if match["article"] else f"adjective {word}", not match["no"])


def _predicate(words: str, nouns: set[str], plurals: set[str]) -> str:
    """Name of a predicate that stands in a universal sentence."""
    if words.endswith(" things"):
        return f"adjective {words.removesuffix(' things')}"
    singulars = [words.removesuffix(ending) for ending in ("s", "es") if words.endswith(ending)]
    known = [word for word in singulars if word in nouns]
    if known:
        return f"noun {known[0]}"
    return f"noun {singulars[0]}" if words in plurals and singulars else f"adjective {words}"
