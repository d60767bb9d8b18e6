"""Generate problems in the platform's own words, with labels that the logic solver proves.

A problem's surface says nothing about its label. For each design (steps, polarity of the conclusion, where in the chain
the question sits, kinds of the words) as many problems are true as false, with the same negations, lengths in words and
words shared with the conclusion (exactly so in multiples of 64 a type), and premises stand in random order. False
problems are converse fallacies (affirming the consequent, denying the antecedent), or for comparisons the reversed
question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli.logic import contradicts, entails
from brainalign.stimuli.problems import REASONING_TYPES, Problem, ProblemSet, ReasoningType
from brainalign.stimuli.words import ADJECTIVES, COMPARATIVES, NAMES, PSEUDOWORDS

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
_MAX_TRIES = 200


@dataclass(frozen=True)
class _Form:
    """Design of one problem: premises needed, polarity of the conclusion, label, end of the chain, kinds of words."""

    steps: int
    affirm: bool
    label: bool
    late: bool
    nouns: tuple[bool, bool]

    @property
    def category(self) -> str:
        return f"{self.steps}_{'true' if self.label else 'false'}_{'affirm' if self.affirm else 'negate'}"


def generate_problems(n_per_type: int, seed: int) -> ProblemSet:
    """Generate syllogisms and transitive problems of three premises, both labels equally often.

    Parameters
    ----------
    n_per_type : int
        Problems of each reasoning type; a multiple of 8 holds every category equally often.
    seed : int
        Names the random stream: the same numbers give the same problems, and more problems begin with the same ones.

    Returns
    -------
    ProblemSet
        ``2 * n_per_type`` problems, syllogisms first.

    Raises
    ------
    InputError
        Fewer than one problem, or more than the words can tell apart.
    """
    if n_per_type < 1:
        raise InputError(f"expected at least 1 problem of each type, found {n_per_type}: raise n_per_type")
    problems: dict[str, Problem] = {}
    for reasoning_type in REASONING_TYPES:
        for index in range(n_per_type):
            problem = _fresh_problem(reasoning_type, index, seed, problems)
            problems[problem.stimulus_id] = problem
    return ProblemSet(tuple(problems.values()), "generated")


def _fresh_problem(reasoning_type: ReasoningType, index: int, seed: int, taken: dict[str, Problem]) -> Problem:
    form = _form(index)
    write = _WRITERS[reasoning_type]
    for attempt in range(_MAX_TRIES):
        rng = stream("generator", seed, reasoning_type, index, attempt)
        premises, conclusion = write(form, rng)
        problem = Problem.of(reasoning_type, premises, conclusion, label=form.label, category=form.category)
        if problem.stimulus_id not in taken:
            _prove(problem)
            return problem
    raise InputError(f"expected fewer {reasoning_type} than the words can tell apart, found {index}: lower n_per_type")


def _form(index: int) -> _Form:
    """Design of the problem at a place: all eight categories, then the same with the other end and other words."""
    steps, affirm, label = _DESIGN[index % len(_DESIGN)]
    round_ = index // len(_DESIGN)
    return _Form(steps, affirm, label, late=bool(round_ & 1), nouns=(bool(round_ & 2), not round_ & 4))


def _prove(problem: Problem) -> None:
    if contradicts(problem.premises) or entails(problem.premises, problem.conclusion) != problem.label:
        raise AssertionError(f"the generator and the solver disagree on {problem}")


def _write_syllogism(form: _Form, rng: np.random.Generator) -> tuple[list[str], str]:
    """Chain A -> B -> C with a fact about one of them; the question is about another."""
    pair = (0, 2) if form.steps == 3 else ((1, 2) if form.late else (0, 1))
    # Affirmed, truth travels up the chain; denied, it travels down.
    given, asked = pair if form.affirm == form.label else pair[::-1]
    is_noun = _kinds_of_words(form, asked)
    pseudowords, adjectives = iter(_draw(PSEUDOWORDS, 3, rng)), iter(_draw(ADJECTIVES, 3, rng))
    words = [next(pseudowords) if is_noun[place] else next(adjectives) for place in range(3)]
    (name,) = _draw(NAMES, 1, rng)

    def all_are(lower: int, upper: int) -> str:
        members = f"{words[lower]}s" if is_noun[lower] else f"{words[lower]} things"
        return f"All {members} are {words[upper]}{'s' if is_noun[upper] else ''}"

    def one_is(place: int) -> str:
        return f"{name} is {'' if form.affirm else 'not '}{'a ' if is_noun[place] else ''}{words[place]}"

    return _shuffled([all_are(0, 1), all_are(1, 2), one_is(given)], rng), one_is(asked)


def _kinds_of_words(form: _Form, asked: int) -> tuple[bool, bool, bool]:
    """Choose which of A, B, C are nouns.

    A rule about "odd things" is a word longer than one about "blemps", and only A and B are subjects of rules. So that
    no length tells which end is asked, a question about A has kinds (q, f, f) and one about C (f, q, q), with q the
    kind of the question and f that of the fact: the rule that names what is asked is then of length q and the other of
    length f in both. Where B is asked or given, only words of one kind can be matched so.
    """
    question, fact = form.nouns
    if form.steps == 2:
        return question, question, question
    return (question, fact, fact) if asked == 0 else (fact, question, question)


def _write_transitive(form: _Form, rng: np.random.Generator) -> tuple[list[str], str]:
    """Chain a > b > c > d; the question is about two of them that no premise compares."""
    names = _draw(NAMES, 4, rng)
    (scale,) = _draw(COMPARATIVES, 1, rng)
    pair = (0, 3) if form.steps == 3 else ((1, 3) if form.late else (0, 2))
    upper, lower = pair if form.affirm == form.label else pair[::-1]
    premises = [f"{high} is {scale} than {low}" for high, low in pairwise(names)]
    conclusion = f"{names[upper]} is {'' if form.affirm else 'not '}{scale} than {names[lower]}"
    return _shuffled(premises, rng), conclusion


_WRITERS: dict[ReasoningType, Callable[[_Form, np.random.Generator], tuple[list[str], str]]] = {
    "syllogisms": _write_syllogism,
    "transitive": _write_transitive,
}


def _draw(words: Sequence[str], n_words: int, rng: np.random.Generator) -> list[str]:
    return [words[place] for place in rng.choice(len(words), n_words, replace=False)]


def _shuffled(sentences: list[str], rng: np.random.Generator) -> list[str]:
    return [sentences[place] for place in rng.permutation(len(sentences))]
