"""The real models' tokenizers through our own prompts: how prompts end, what stops, which tokens are True and False."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brainalign.stimuli import Problem, generate_problems, own_wording
from brainalign.zoo import Chat, model_facts
from brainalign.zoo.recorded import recorded
from tests.zoo import real_tokenizers as real

# Name of the registry, tokenizer, begin-of-text tokens in a chat of two user turns, texts of the stop tokens.
CHATML = ("<|im_end|>", "<|endoftext|>")
CASES: dict[str, tuple[str, Callable[[], Any], int, tuple[str, ...]]] = {
    "qwen2 by pip": ("qwen2-7b-instruct", real.qwen2, 0, CHATML),
    "qwen3 by pip": ("qwen3-4b", real.qwen3, 0, CHATML),
    "r1 by pip": ("deepseek-r1-distill-qwen-1.5b", real.r1, 1, ("<｜end▁of▁sentence｜>",)),
    "llama 3 by pip": ("llama-3-8b-instruct", real.llama3, 1, ("<|end_of_text|>", "<|eot_id|>")),
    "llama 3.3 by pip": ("llama-3.3-70b-instruct", real.llama33, 1, ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")),
    "qwen3 by npm": ("qwen3-4b", real.npm_qwen3, 0, CHATML),
    "llama 3 by npm": ("llama-3-8b-instruct", real.npm_llama3, 1, ("<|end_of_text|>", "<|eot_id|>")),
    "mistral by npm": ("mistral-7b-instruct-v0.2", real.npm_mistral, 1, ("</s>",)),
    "llama 2 by npm": ("llama-2-7b-chat", real.npm_llama2, 2, ("</s>",)),
    "gemma 2 by npm": ("gemma-2-9b-it", real.npm_gemma2, 1, ("<eos>", "<end_of_turn>")),
    "phi 4 by npm": ("phi-4-mini-instruct", real.npm_phi4, 0, ("<|end|>", "<|endoftext|>")),
}
LEAD = {"llama-2-7b-chat": [29871]}
THINKING_OFF = {"qwen3-4b": [151667, 271, 151668, 271]}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return next(iter(generate_problems(1, seed=5)))


def check(name: str, tokenizer: Any, n_begin: int, stops: tuple[str, ...], problem: Problem) -> None:
    chat = Chat(model_facts(name), tokenizer, 4096)
    chat.check()
    ids = chat.encode_problem(problem, own_wording())
    end = recorded(name).prompt_end
    assert end is not None
    expected = [*end, *THINKING_OFF.get(name, []), *LEAD.get(name, [])]
    assert ids[-len(expected) :] == expected
    # A prompt and what follows it: the answer is one token more, and the prompt's stay as they are.
    answers = model_facts(name).answer_ids
    assert answers is not None
    assert set(chat.true_ids) == set(answers[0])
    assert set(chat.false_ids) == set(answers[1])
    assert ids.count(tokenizer.bos_token_id) == n_begin
    assert n_begin == 0 or ids[0] == tokenizer.bos_token_id
    assert set(tokenizer.convert_ids_to_tokens(list(model_facts(name).stop_ids))) == set(stops)
    assert max(ids) < recorded(name).config["vocab_size"]
    for premise in problem.premises:
        assert premise in tokenizer.decode(ids)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_prompts_stops_and_answers_are_those_of_the_real_model(case: str, problem: Problem) -> None:
    name, build, n_begin, stops = CASES[case]
    check(name, build(), n_begin, stops, problem)


def test_mistral_by_pip(problem: Problem, tmp_path: Path) -> None:
    check("mistral-7b-instruct-v0.2", real.mistral(tmp_path), 1, ("</s>",), problem)


@pytest.mark.slow
def test_sizes_of_one_family_share_a_tokenizer(problem: Problem) -> None:
    tokenizer = real.qwen2()
    for name in ("qwen2-1.5b-instruct", "qwen2-72b-instruct"):
        check(name, tokenizer, 0, CHATML, problem)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "build", "begin"),
    [("qwen2-7b", real.qwen2, None), ("llama-2-7b", real.npm_llama2, 1), ("gemma3-270m", real.npm_gemma3, 2)],
)
def test_base_models_answer_behind_a_line_break(
    name: str, build: Callable[[], Any], begin: int | None, problem: Problem
) -> None:
    tokenizer = build()
    chat = Chat(model_facts(name), tokenizer, 4096)
    chat.check()
    ids = chat.encode_problem(problem, own_wording())
    assert tokenizer.decode(ids).endswith("Answer:\n")
    assert [token for token in ids if token == tokenizer.bos_token_id] == ([] if begin is None else [begin])
    assert begin is None or ids[0] == begin
    assert tokenizer.decode([*ids, chat.true_ids[0]]).endswith("Answer:\nTrue")


@pytest.mark.slow
def test_two_packages_of_one_vocabulary_agree(problem: Problem, tmp_path: Path) -> None:
    pairs = [
        ("qwen3-4b", real.qwen3(), real.npm_qwen3()),
        ("llama-3-8b-instruct", real.llama3(), real.npm_llama3()),
        ("mistral-7b-instruct-v0.2", real.mistral(tmp_path), real.npm_mistral()),
    ]
    for name, first, second in pairs:
        facts = model_facts(name)
        found = [Chat(facts, tokenizer, 4096).encode_problem(problem, own_wording()) for tokenizer in (first, second)]
        assert found[0] == found[1], name


@pytest.mark.slow
def test_alone_llama_2_and_mistral_write_the_word_with_a_space() -> None:
    # So answer tokens are looked for behind a prompt.
    for tokenizer, alone, spaced in ((real.npm_llama2(), 5852, 29871), (real.npm_mistral(), 6110, 28705)):
        assert tokenizer("True", add_special_tokens=False)["input_ids"] == [alone]
        assert tokenizer(" True", add_special_tokens=False)["input_ids"] == [spaced, alone]
