"""Models that think aloud answer behind their thoughts, which are part of the prompt."""

from dataclasses import replace

import pytest
import torch

from brainalign.activations import extract
from brainalign.errors import ModelError
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import LanguageModel, load_model
from brainalign.zoo.facts import ChatRules
from brainalign.zoo.thinking import MAX_ANSWER, spoken_answer, with_thoughts

N_THOUGHTS = 12


@pytest.fixture
def model() -> LanguageModel:
    """A tiny model told to think: its template leaves the block of thought open."""
    plain = load_model("tiny-random-qwen3")
    facts = replace(plain.facts, chat=ChatRules(style="thinking", max_thoughts=N_THOUGHTS))
    return LanguageModel(facts, plain.module, plain.tokenizer, plain.weights_hash)


def by_hand(model: LanguageModel, ids: list[int]) -> list[int]:
    close = model.tokenizer.convert_tokens_to_ids("</think>")
    written = list(ids)
    for _ in range(N_THOUGHTS):
        token = int(model.forward(written).argmax())
        if token == close:
            break
        written.append(token)
    return [*written, close, *model.tokenizer("\n\n")["input_ids"]]


def test_thoughts_are_greedy_and_closed(model: LanguageModel) -> None:
    problems, wording = generate_problems(1, seed=2), own_wording()
    for problem in problems:
        ids = model.chat.encode_problem(problem, wording)
        assert model.encode_problem(problem, wording) == by_hand(model, ids)


def test_states_and_answers_stand_behind_the_thoughts(model: LanguageModel) -> None:
    problems, wording = generate_problems(1, seed=2), own_wording()
    found = extract(model, problems, wording)
    prompts = [model.encode_problem(problem, wording) for problem in problems]
    plain = model.score(torch.stack([model.forward(ids) for ids in prompts]))
    assert found.answers.answer.tolist() == plain.answer.tolist()
    assert found.answers.margin == pytest.approx(plain.margin, abs=1e-5)


def test_thoughts_are_written_once_but_anew_under_hooks(model: LanguageModel) -> None:
    problem, wording = next(iter(generate_problems(1, seed=2))), own_wording()
    first = model.encode_problem(problem, wording)
    with model.hook("layer", 0, lambda state: None) as firings:
        assert model.encode_problem(problem, wording) == first
    assert firings.count >= 1
    passes: list[int] = []
    handle = model.module.register_forward_hook(lambda *_: passes.append(1))
    assert model.encode_problem(problem, wording) == first
    handle.remove()
    assert passes == []


def test_an_early_end_and_a_full_context(model: LanguageModel) -> None:
    ids = model.encode_chat([{"role": "user", "content": "Hm?"}])
    close = model.tokenizer.convert_tokens_to_ids("</think>")
    ended = with_thoughts(model, [*ids, close])
    assert ended.count(close) == 2
    with pytest.raises(ModelError, match="leaves room for thoughts in 4096 tokens"):
        with_thoughts(model, ids * 400)


def test_a_tokenizer_that_cannot_end_thoughts_is_refused(model: LanguageModel) -> None:
    other = load_model("tiny-random-llama")
    with pytest.raises(ModelError, match="expected the token </think> in the tokenizer of tiny-random-llama"):
        with_thoughts(other, [1, 2])


def test_states_are_means_over_the_tokens_of_the_answer(model: LanguageModel) -> None:
    problems, wording = generate_problems(1, seed=2), own_wording()
    found = extract(model, problems, wording)
    n_spoken = []
    for place, problem in enumerate(problems):
        ids = model.encode_problem(problem, wording)
        spoken = list(ids)
        while len(spoken) < len(ids) + MAX_ANSWER:
            token = int(model.forward(spoken).argmax())
            if token in model.facts.stop_ids:
                break
            spoken.append(token)
        n_spoken.append(len(spoken) - len(ids))
        seen: list[torch.Tensor] = []
        with model.hook("attention", 1, seen.append):
            model.forward(spoken)
        wanted = seen[0][0, len(ids) :].mean(dim=0) if n_spoken[-1] else seen[0][0, -1]
        assert found.site("attention", 1)[place] == pytest.approx(wanted.numpy(), abs=1e-5)
    assert max(n_spoken) > 1


def test_a_model_that_ends_at_once_keeps_the_state_before_its_answer(model: LanguageModel) -> None:
    problem, wording = next(iter(generate_problems(1, seed=2))), own_wording()
    ids = model.encode_problem(problem, wording)
    silent = replace(model.facts, stop_ids=(int(model.forward(ids).argmax()),))
    quiet = LanguageModel(silent, model.module, model.tokenizer, model.weights_hash)
    assert spoken_answer(quiet, ids) == []
    assert spoken_answer(model, ids) != []
