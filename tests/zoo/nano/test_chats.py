"""Training chats: the tokens that the tokenizer makes of their text, with the labels that the solver proves."""

import re
from dataclasses import replace

import numpy as np
import pytest

from brainalign.stimuli import REASONING_TYPES, Problem, decide, forward_order, own_wording
from brainalign.zoo.nano.chats import Batch, write_batch
from brainalign.zoo.nano.tokenizer import build_tokenizer

CASES = [(kind, n) for kind in REASONING_TYPES for n in (3, 4, 6)]
_BODY = re.compile(r"Premises:\n(?P<premises>.*)\.\nConclusion:\n(?P<conclusion>.*)\.<\|end\|>", re.S)


def batch_of(kind: str, n_premises: int, n_chats: int = 16, **options: float) -> Batch:
    return write_batch(kind, n_premises, n_chats, 4, np.random.default_rng(7), **options)  # type: ignore[arg-type]


def text_of(batch: Batch, chat: int, asked: int) -> str:
    alone = (batch.branch == 0) | (batch.branch == asked + 1)
    text: str = build_tokenizer().decode(batch.tokens[chat][alone])
    return text


def problem_of(kind: str, text: str, label: bool) -> Problem:
    found = _BODY.search(text)
    assert found
    premises = re.split(r"\.\n\d\. ", found["premises"].removeprefix("1. "))
    return Problem.of(kind, premises, found["conclusion"], label=label, category="")  # type: ignore[arg-type]


def plain(problem: Problem) -> Problem:
    """Make all terms adjectives that end in "x": the tokenizer drops the plural by which the solver knows a noun."""

    def said(sentence: str) -> str:
        sentence = sentence.replace(" things ", " ").replace(" is a ", " is ").replace(" not a ", " not ")
        return re.sub(r"\b(?!is\b|are\b|not\b|than\b|All\b)(\w+)", r"\1x", sentence)

    return replace(problem, premises=tuple(map(said, problem.premises)), conclusion=said(problem.conclusion))


@pytest.mark.parametrize(("kind", "n_premises"), CASES)
def test_labels_are_what_the_solver_proves(kind: str, n_premises: int) -> None:
    batch = batch_of(kind, n_premises)
    for chat, asked in np.ndindex(batch.labels.shape):
        problem = problem_of(kind, text_of(batch, chat, asked), bool(batch.labels[chat, asked]))
        assert len(problem.premises) == n_premises
        assert decide(plain(problem)) == problem.label


@pytest.mark.parametrize(("kind", "n_premises"), CASES)
def test_tokens_are_the_tokenizer_s_for_the_wording_of_the_platform(kind: str, n_premises: int) -> None:
    batch, tokenizer = batch_of(kind, n_premises), build_tokenizer()
    for chat in range(8):
        text = text_of(batch, chat, 2)
        messages = own_wording().texts(kind).messages(problem_of(kind, text, True))
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert rendered == text
        alone = batch.branch % 3 == 0
        assert tokenizer(rendered, add_special_tokens=False)["input_ids"] == batch.tokens[chat][alone].tolist()
        assert batch.position[alone].tolist() == list(range(int(alone.sum())))


@pytest.mark.parametrize(("kind", "n_premises"), CASES)
def test_labels_are_balanced_also_within_each_polarity(kind: str, n_premises: int) -> None:
    batch = batch_of(kind, n_premises, 8000)
    affirmed = ~np.isin(batch.tokens[:, batch.answers - 6], _negations()) & ~np.isin(
        batch.tokens[:, batch.answers - 4], _negations()
    )
    for polarity in (True, False):
        assert batch.labels[affirmed == polarity].mean() == pytest.approx(0.5, abs=0.03)
    assert affirmed.mean() == pytest.approx(0.5, abs=0.03)


def _negations() -> list[int]:
    found: list[int] = build_tokenizer().convert_tokens_to_ids([" is not ", " is not a "])
    return found


def test_a_token_sees_the_premises_and_its_own_conclusion_only() -> None:
    batch = batch_of("transitive", 3)
    visible, branch = batch.visible, batch.branch
    for row, column in np.ndindex(visible.shape):
        assert visible[row, column] == (column <= row and branch[column] in (0, branch[row]))


def test_words_are_where_their_roles_are_told() -> None:
    batch = batch_of("transitive", 4)
    for chat in range(8):
        text = text_of(batch, chat, 0)
        problem = problem_of("transitive", text, True)
        lefts, rights = zip(*((said.split()[0], said.split()[-1]) for said in problem.premises), strict=True)
        said = build_tokenizer().convert_ids_to_tokens(batch.tokens[chat][batch.words[0]])
        assert said == [problem.conclusion.split()[0], problem.conclusion.split()[-1]]
        assert batch.roles[chat, 0].tolist() == [1 - (w not in rights) + (w not in lefts) for w in said]


def test_in_order_and_affirmed() -> None:
    batch = batch_of("syllogisms", 5, in_order=1.0, affirmed=1.0)
    for chat in range(8):
        text = text_of(batch, chat, 1)
        assert " not " not in text.split("Premises")[1]
        assert forward_order(problem_of("syllogisms", text, True)) == (0, 1, 2, 3, 4)


def test_a_foreign_instruction_leaves_the_rest_as_it_is() -> None:
    batch = batch_of("transitive", 3, n_foreign=30)
    text = text_of(batch, 0, 0)
    assert batch.n_shared == 30 + 5 + 18
    assert text.startswith("<|user|>")
    assert text.count("<|end|>") == 3
    assert own_wording().acknowledgement not in text
    assert decide(problem_of("transitive", text, True)) == batch.labels[0, 0]
