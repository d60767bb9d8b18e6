"""Questions that the adapter is trained on: the labels that the solver proves, and nothing on the surface."""

from collections import Counter

import pytest

from brainalign.finetuning.logic.questions import N_SIBLINGS, blocks, siblings
from brainalign.stimuli import REASONING_TYPES, Problem, ProblemSet, decide, generate_problems, shortcut_scores
from brainalign.stimuli.words import words_of

LENGTHS = (3, 4, 6)


@pytest.fixture(scope="module")
def written() -> list[list[Problem]]:
    return list(blocks(12, 2, LENGTHS, 0))


def test_labels_are_what_the_solver_proves(written: list[list[Problem]]) -> None:
    for block in written:
        assert [decide(question) for question in block] == [question.label for question in block]


def test_a_block_has_one_length_both_types_and_both_labels_equally_often(written: list[list[Problem]]) -> None:
    for number, block in enumerate(written):
        assert {len(question.premises) for question in block} == {LENGTHS[number % len(LENGTHS)]}
        found = Counter((question.reasoning_type, question.label) for question in block)
        assert found == {(kind, label): N_SIBLINGS for kind in REASONING_TYPES for label in (True, False)}


@pytest.mark.parametrize("kind", REASONING_TYPES)
def test_siblings_share_their_rules_and_differ_in_what_is_asked(kind: str) -> None:
    for problem in generate_problems(8, 1, n_premises=4, reasoning_types=(kind,), vocabulary="train"):  # type: ignore[arg-type]
        found = siblings(problem)
        rules = [set(question.premises) & set(problem.premises) for question in found]
        assert min(map(len, rules)) >= len(problem.premises) - (kind == "syllogisms")
        assert len({question.conclusion for question in found}) == N_SIBLINGS
        assert any((q.premises, q.conclusion) == (problem.premises, problem.conclusion) for q in found)
        assert sum(" not " in question.conclusion for question in found) == N_SIBLINGS // 2


def test_the_surface_says_nothing() -> None:
    questions = [question for block in blocks(32, 2, (4,), 0) for question in block]
    scores = shortcut_scores(ProblemSet(tuple(questions), "generated"))
    assert all(scores[kind].balanced_accuracy <= 0.55 for kind in REASONING_TYPES)


def test_words_are_those_of_training_alone(written: list[list[Problem]]) -> None:
    text = " ".join(" ".join((*q.premises, q.conclusion)) for block in written for q in block)
    said = {word.lower().removesuffix("s") for word in text.split()}
    for name in ("validation", "test"):
        words = words_of(name)
        others = (*words.pseudowords, *words.names, *words.comparatives)
        assert not said & {word.lower().removesuffix("s") for word in others}


def test_more_blocks_begin_with_the_same_ones_and_a_seed_names_others(written: list[list[Problem]]) -> None:
    assert list(blocks(6, 2, LENGTHS, 0)) == written[:6]
    assert next(blocks(1, 2, LENGTHS, 1)) != written[0]
