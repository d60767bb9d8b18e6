"""Generate problems in the platform's own words, with labels that the logic solver proves.

A problem's surface says nothing about its label. Problems come in twins, one true and one false, of the same words and
in the same premise order: a false one is its true twin with every rule, comparison or condition turned round, so both
have the same negations, words, letters and words shared with the conclusion. (Of relational problems the twins share
the first two pictures, and what the last two say is matched in number of words.) Premises stand in random order. Only
the three-premise problems of the "simulation" vocabulary are not twins: they are matched in all but letters, over 64 a
type.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from brainalign.artifacts import stream
from brainalign.errors import InputError
from brainalign.stimuli.forms import (
    PICTURE_FORMS,
    PROPOSITIONAL_FORMS,
    ChainForm,
    PictureForm,
    PropositionalForm,
    chain_form,
    write_pictures,
    write_propositional,
    write_syllogism,
    write_transitive,
)
from brainalign.stimuli.logic import decide
from brainalign.stimuli.problems import REASONING_TYPES, Problem, ProblemSet, ReasoningType
from brainalign.stimuli.words import words_of

GENERATED_TYPES: tuple[ReasoningType, ...] = (*REASONING_TYPES, "propositional", "relational")
N_PREMISES = (3, 4, 5, 6)
_MAX_TRIES = 200


def generate_problems(
    n_per_type: int,
    seed: int,
    *,
    n_premises: int = 3,
    reasoning_types: Sequence[ReasoningType] = REASONING_TYPES,
    vocabulary: str = "simulation",
) -> ProblemSet:
    """Generate problems, both labels equally often.

    Parameters
    ----------
    n_per_type : int
        Problems of each reasoning type. Every category is held equally often by a multiple of 8 (syllogisms and
        transitive of three premises), 4 (of more premises, and relational) or 12 (propositional).
    seed : int
        Names the random stream: the same numbers give the same problems, and more problems begin with the same ones.
    n_premises : int
        3 to 6, for syllogisms and transitive problems; propositional problems have two premises, relational ones four.
    reasoning_types : sequence of str
        Any of `GENERATED_TYPES`.
    vocabulary : {"simulation", "train", "validation", "test"}
        Vocabularies share no word, so problems of one say nothing about those of another.

    Returns
    -------
    ProblemSet
        ``n_per_type`` problems of each type, in the order of `reasoning_types`.

    Raises
    ------
    InputError
        Fewer than one problem, more than the words can tell apart, or a number of premises, type or vocabulary that
        there is none of.
    """
    _check(n_per_type, n_premises, reasoning_types)
    problems: dict[str, Problem] = {}
    for reasoning_type in reasoning_types:
        recipe = _Recipe(reasoning_type, n_premises, vocabulary)
        for index in range(n_per_type):
            problem = _fresh_problem(recipe, index, seed, problems)
            problems[problem.stimulus_id] = problem
    return ProblemSet(tuple(problems.values()), "generated")


def _check(n_per_type: int, n_premises: int, reasoning_types: Sequence[str]) -> None:
    if n_per_type < 1:
        raise InputError(f"expected at least 1 problem of each type, found {n_per_type}: raise n_per_type")
    if n_premises not in N_PREMISES:
        raise InputError(f"expected {N_PREMISES[0]} to {N_PREMISES[-1]} premises, found {n_premises}: choose one")
    unknown = [name for name in reasoning_types if name not in GENERATED_TYPES]
    if unknown or not reasoning_types or len(set(reasoning_types)) < len(reasoning_types):
        raise InputError(
            f"expected reasoning types of {GENERATED_TYPES}, each once, found {tuple(reasoning_types)}: name some"
        )


@dataclass(frozen=True)
class _Recipe:
    """What the problems of one type have in common."""

    reasoning_type: ReasoningType
    n_premises: int
    vocabulary: str

    @property
    def twinned(self) -> bool:
        """Two problems in a row are twins; problems of simulated betas came first and are kept as they were."""
        return self.vocabulary != "simulation" or self.n_premises != 3 or self.reasoning_type not in REASONING_TYPES

    def names(self, index: int) -> tuple[str | int, ...]:
        """Names of the random stream of the problem at a place, the same for twins."""
        if not self.twinned:
            return self.reasoning_type, index
        return self.reasoning_type, self.vocabulary, self.n_premises, index // 2

    def write(self, index: int, rng: np.random.Generator) -> Problem:
        """Problem of the form that belongs to a place, with random words."""
        words = words_of(self.vocabulary)
        form: ChainForm | PropositionalForm | PictureForm
        if self.reasoning_type == "propositional":
            round_, place = divmod(index, len(PROPOSITIONAL_FORMS))
            form = PROPOSITIONAL_FORMS[place]
            premises, conclusion = write_propositional(form, round_, words, rng)
        elif self.reasoning_type == "relational":
            form = PICTURE_FORMS[index % len(PICTURE_FORMS)]
            premises, conclusion = write_pictures(form, words, rng)
        else:
            form = chain_form(index, self.n_premises, twinned=self.twinned)
            write = write_syllogism if self.reasoning_type == "syllogisms" else write_transitive
            premises, conclusion = write(form, words, rng)
        return Problem.of(self.reasoning_type, premises, conclusion, label=form.label, category=form.category)


def _fresh_problem(recipe: _Recipe, index: int, seed: int, taken: Container[str]) -> Problem:
    for attempt in range(_MAX_TRIES):
        problem = recipe.write(index, stream("generator", seed, *recipe.names(index), attempt))
        if problem.stimulus_id not in taken:
            if decide(problem) != problem.label:
                raise AssertionError(f"the generator and the solver disagree on {problem}")
            return problem
    raise InputError(
        f"expected fewer {recipe.reasoning_type} than the words can tell apart, found {index}: lower n_per_type"
    )
