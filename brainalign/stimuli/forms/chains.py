"""Chains of rules with a fact (syllogisms) and chains of comparisons (transitive), of three to six premises.

False problems are converse fallacies (affirming the consequent, denying the antecedent), or for comparisons the
reversed question. A false problem is made from its true twin by turning every rule or comparison round ("All blemps are
drasks" becomes "All drasks are blemps"): so the two have the same fact, the same conclusion and the same numbers of
negations, words, letters and shared words.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from brainalign.stimuli.forms.drawing import draw, shuffled
from brainalign.stimuli.words import Vocabulary

# Every four problems in a row hold both labels, both polarities and two forms a label: short sets split well too.
_DESIGN: tuple[tuple[int, bool, bool], ...] = (
    (2, True, True),
    (2, True, False),
    (3, False, True),
    (3, False, False),
    (2, False, True),
    (2, False, False),
    (3, True, True),
    (3, True, False),
)


@dataclass(frozen=True)
class ChainForm:
    """Design of one problem.

    Attributes
    ----------
    n_premises : int
    steps : int
        Premises that the conclusion needs; all of them where there are four or more.
    affirm : bool
        The conclusion has no "not".
    label : bool
    late : bool
        Of two steps in three premises: the last two rather than the first two.
    nouns : tuple of bool
        Kinds of words: which are nouns rather than adjectives.
    twinned : bool
        A false problem turns the premises of its true twin round rather than the question. Without it the kinds of
        words are mixed, and letters match between the labels but nearly.
    """

    n_premises: int
    steps: int
    affirm: bool
    label: bool
    late: bool
    nouns: tuple[bool, bool, bool]
    twinned: bool

    @property
    def turned(self) -> bool:
        """Every rule or comparison of the true twin is turned round."""
        return self.twinned and not self.label

    @property
    def category(self) -> str:
        """Name of the sub-type."""
        return f"{self.steps}_{'true' if self.label else 'false'}_{'affirm' if self.affirm else 'negate'}"


def chain_form(index: int, n_premises: int, *, twinned: bool) -> ChainForm:
    """Design of the problem at a place: all categories, then the same with the other end and other words.

    Places 0 and 1, 2 and 3, … are twins.
    """
    if n_premises == 3:
        steps, affirm, label = _DESIGN[index % len(_DESIGN)]
        round_ = index // len(_DESIGN)
        question = bool(round_ & 2)
        nouns = (question, question if twinned else not round_ & 4, False)
        return ChainForm(3, steps, affirm, label, late=bool(round_ & 1), nouns=nouns, twinned=twinned)
    round_ = index // 4
    nouns = (not round_ & 1, bool(round_ & 2), not round_ & 4)
    return ChainForm(n_premises, n_premises, not index & 2, not index & 1, late=False, nouns=nouns, twinned=twinned)


def write_syllogism(form: ChainForm, words: Vocabulary, rng: np.random.Generator) -> tuple[list[str], str]:
    """Chain A -> B -> C … with a fact about one of them; the question is about another."""
    last = form.n_premises - 1
    pair = (0, last) if form.steps == form.n_premises else ((1, 2) if form.late else (0, 1))
    # Affirmed, truth travels up the chain; denied, it travels down.
    given, asked = pair if form.affirm == (form.label or form.twinned) else pair[::-1]
    is_noun = _kinds_of_words(form, asked)
    n_words = form.n_premises
    pseudowords, adjectives = iter(draw(words.pseudowords, n_words, rng)), iter(draw(words.adjectives, n_words, rng))
    terms = [next(pseudowords) if is_noun[place] else next(adjectives) for place in range(n_words)]
    (name,) = draw(words.names, 1, rng)

    def all_are(lower: int, upper: int) -> str:
        members = f"{terms[lower]}s" if is_noun[lower] else f"{terms[lower]} things"
        return f"All {members} are {terms[upper]}{'s' if is_noun[upper] else ''}"

    def one_is(place: int) -> str:
        return f"{name} is {'' if form.affirm else 'not '}{'a ' if is_noun[place] else ''}{terms[place]}"

    rules = [all_are(*(step[::-1] if form.turned else step)) for step in pairwise(range(n_words))]
    return shuffled([*rules, one_is(given)], rng), one_is(asked)


def _kinds_of_words(form: ChainForm, asked: int) -> tuple[bool, ...]:
    """Choose which terms are nouns.

    A rule about "odd things" is a word longer than one about "blemps", and all terms but the last are subjects of
    rules. So that no length tells which end is asked, the rule that names what is asked must have the same kinds of
    words at either end. From four premises up the two terms at each end are therefore of one kind, and those between
    them are free. With three premises, a question about A has kinds (q, f, f) and one about C (f, q, q), with q the
    kind of the question and f that of the fact: the rule that names what is asked is then of length q and the other of
    length f in both. Where B is asked or given, only words of one kind can be matched so.
    """
    question, fact, further = form.nouns
    if form.n_premises > 3:
        n_free = form.n_premises - 4
        return (question, question, *(fact, further)[:n_free], question, question)
    if form.steps == 2:
        return question, question, question
    return (question, fact, fact) if asked == 0 else (fact, question, question)


def write_transitive(form: ChainForm, words: Vocabulary, rng: np.random.Generator) -> tuple[list[str], str]:
    """Chain a > b > c > d …; the question is about two of them that no premise compares."""
    names = draw(words.names, form.n_premises + 1, rng)
    (scale,) = draw(words.comparatives, 1, rng)
    pair = (0, form.n_premises) if form.steps == form.n_premises else ((1, 3) if form.late else (0, 2))
    upper, lower = pair if form.affirm == (form.label or form.twinned) else pair[::-1]
    steps = [step[::-1] if form.turned else step for step in pairwise(names)]
    premises = [f"{high} is {scale} than {low}" for high, low in steps]
    conclusion = f"{names[upper]} is {'' if form.affirm else 'not '}{scale} than {names[lower]}"
    return shuffled(premises, rng), conclusion
