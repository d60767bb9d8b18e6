"""Propositional problems of two premises: valid arguments, each beside a fallacy with the same surface."""

from dataclasses import dataclass

import numpy as np

from brainalign.stimuli.forms.drawing import draw, shuffled
from brainalign.stimuli.words import Vocabulary


@dataclass(frozen=True)
class PropositionalForm:
    """One argument over simple statements 0, 1, 2.

    Attributes
    ----------
    category : str
    label : bool
    rules : tuple of str
        Premises that join statements, over the places ``{p}``, ``{q}``, ``{r}`` and the denials ``{not_p}`` and so on;
        of several spellings one is chosen by the problem's place.
    fact : str
        The other premise.
    conclusion : str
    """

    category: str
    label: bool
    rules: tuple[str, ...]
    fact: str
    conclusion: str


_IF = ("If {p}, then {q}",)
_IF_TURNED = ("If {q}, then {p}",)
_ONLY_IF = ("{p} only if {q}",)
_ONLY_IF_TURNED = ("{q} only if {p}",)
_OR = ("{p} or {not_q}", "{not_q} or {p}")
_OR_TURNED = ("{q} or {not_p}", "{not_p} or {q}")

PROPOSITIONAL_FORMS: tuple[PropositionalForm, ...] = (
    PropositionalForm("modus_ponens_true", True, _IF, "{p}", "{q}"),
    PropositionalForm("affirmed_consequent_false", False, _IF_TURNED, "{p}", "{q}"),
    PropositionalForm("modus_tollens_true", True, _IF, "{not_q}", "{not_p}"),
    PropositionalForm("denied_antecedent_false", False, _IF_TURNED, "{not_q}", "{not_p}"),
    PropositionalForm("disjunction_affirm_true", True, _OR, "{q}", "{p}"),
    PropositionalForm("disjunction_affirm_false", False, _OR_TURNED, "{q}", "{p}"),
    PropositionalForm("disjunction_negate_true", True, _OR, "{not_p}", "{not_q}"),
    PropositionalForm("disjunction_negate_false", False, _OR_TURNED, "{not_p}", "{not_q}"),
    PropositionalForm("chain_true", True, _IF, "If {q}, then {r}", "If {p}, then {r}"),
    PropositionalForm("chain_false", False, _IF_TURNED, "If {r}, then {q}", "If {p}, then {r}"),
    PropositionalForm("only_if_true", True, _ONLY_IF, "{p}", "{q}"),
    PropositionalForm("only_if_false", False, _ONLY_IF_TURNED, "{p}", "{q}"),
)
"""Twins stand side by side: a fallacy is its valid twin with the rule turned round, so their surfaces are the same."""


def write_propositional(
    form: PropositionalForm, round_: int, words: Vocabulary, rng: np.random.Generator
) -> tuple[list[str], str]:
    """Put people and properties into the places of an argument; `round_` chooses the spelling."""
    names, adjectives = draw(words.names, 3, rng), draw(words.adjectives, 3, rng)
    said = {place: f"{name} is {word}" for place, name, word in zip("pqr", names, adjectives, strict=True)}
    denied = {
        f"not_{place}": f"{name} is not {word}" for place, name, word in zip("pqr", names, adjectives, strict=True)
    }
    rule = form.rules[round_ % len(form.rules)]
    premises = [template.format(**said, **denied) for template in (rule, form.fact)]
    return shuffled(premises, rng), form.conclusion.format(**said, **denied)
