"""The tokenizer: what it keeps of a word, and that the platform's prompts are short and known."""

import pytest

from brainalign.stimuli import VOCABULARIES, Problem, generate_problems, own_wording
from brainalign.zoo.nano.sizes import VOCABULARY
from brainalign.zoo.nano.tokenizer import SYMBOLS, UNKNOWN, build_tokenizer, phrases, symbol


def tokens(text: str) -> list[str]:
    tokenizer = build_tokenizer()
    return tokenizer.convert_ids_to_tokens(tokenizer(text, add_special_tokens=False)["input_ids"])


def prompt(problem: Problem) -> str:
    messages = own_wording().texts(problem.reasoning_type).messages(problem)
    return build_tokenizer().apply_chat_template(messages, tokenize=False, add_generation_prompt=True)


@pytest.mark.parametrize(
    ("word", "kept"), [("Daphne", "dp"), ("bidrim", "bd"), ("bidrims", "bd"), ("qoc", "qc"), ("Ed", "ed"), ("I", "i")]
)
def test_a_word_is_its_first_and_third_letter(word: str, kept: str) -> None:
    assert tokens(word) == [kept] == [symbol(word)]


def test_words_and_marks_around_phrases() -> None:
    assert tokens("Daphne is not a bidrim.") == ["dp", " is not a ", "bd", "."]
    assert tokens("All bidrims are frail.\n2. Who?\n\n 17") == [
        "All ",
        "bd",
        " are ",
        "fa",
        ".\n2. ",
        "wo",
        "?",
        "1",
        "7",
    ]
    assert tokens("naïve 日本") == ["na", UNKNOWN, UNKNOWN, UNKNOWN] or UNKNOWN in tokens("日本")


def test_the_vocabulary_has_no_hole_and_no_double() -> None:
    tokenizer = build_tokenizer()
    assert len(tokenizer) == VOCABULARY
    assert sorted(tokenizer.get_vocab().values()) == list(range(VOCABULARY))
    assert len(SYMBOLS) == 676
    assert all(tokens(text) == [text] for text in phrases())


@pytest.mark.parametrize("n_premises", [3, 6])
@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_prompts_are_a_few_dozen_known_tokens(vocabulary: str, n_premises: int) -> None:
    problems = generate_problems(4, 0, n_premises=n_premises, vocabulary=vocabulary)
    lengths = {problem.reasoning_type: len(tokens(prompt(problem))) for problem in problems}
    assert lengths == {"syllogisms": 15 + 5 * n_premises, "transitive": 18 + 6 * n_premises}
    assert all(UNKNOWN not in tokens(prompt(problem)) for problem in problems)


def test_phrases_are_one_token_and_decode_to_their_text() -> None:
    tokenizer = build_tokenizer()
    text = "<|user|>Premises:\n1. ab is not cd than ef.\nConclusion:\nab is cd than ef.<|end|><|assistant|>True"
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
