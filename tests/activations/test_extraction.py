"""Packed extraction against one prompt at a time, on every architecture."""

import numpy as np
import pytest

from brainalign.activations import Activations, extract
from brainalign.activations.extraction import extract_prompts
from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import Answers, LanguageModel
from tests.activations.plain import hooks_of, plain_answer, plain_logits, plain_margin, plain_states


@pytest.mark.parametrize("block_tokens", [1, 100, 768])
def test_equals_one_by_one(model: LanguageModel, prompts: list[list[int]], block_tokens: int) -> None:
    values, answers = extract_prompts(model, prompts, block_tokens=block_tokens)
    expected = np.stack([plain_states(model, ids) for ids in prompts], axis=2)
    assert values.dtype == np.float32
    assert values.shape == expected.shape
    np.testing.assert_allclose(values, expected, atol=1e-4, rtol=0)
    logits = [plain_logits(model, ids) for ids in prompts]
    np.testing.assert_allclose(answers.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)
    assert answers.answer.tolist() == [plain_answer(model, row) for row in logits]


def test_prompts_without_a_common_prefix(model: LanguageModel) -> None:
    size = len(model.tokenizer)
    rng = np.random.default_rng(0)
    prompts = [rng.integers(5, size, length).tolist() for length in (1, 2, 40, 17)]
    values, _ = extract_prompts(model, prompts)
    expected = np.stack([plain_states(model, ids) for ids in prompts], axis=2)
    np.testing.assert_allclose(values, expected, atol=1e-4, rtol=0)


def test_sliding_window_matters(model: LanguageModel, prompts: list[list[int]]) -> None:
    # Guards the tests above: were the window inactive on these prompts, they would not test it.
    tokens = prompts[0]
    changed = [tokens[0], *tokens[1:20][::-1], *tokens[20:]]
    first, _ = extract_prompts(model, [tokens])
    second, _ = extract_prompts(model, [changed])
    layers_seen = [not np.array_equal(first[0, layer], second[0, layer]) for layer in range(model.n_layers)]
    # 16 tokens a layer reach less far back than the prompts are long; Gemma 2 sees all of it from its second layer,
    # Gemma 3 from its fourth.
    expected = {
        "mistral": [False] * 4,
        "gemma2": [False, True, True, True],
        "gemma3_text": [False, False, False, True],
    }
    assert layers_seen == expected.get(model.facts.family, [True] * 4)


def test_model_is_left_as_it_was(model: LanguageModel, prompts: list[list[int]]) -> None:
    before = hooks_of(model)
    attention = model.module.config._attn_implementation
    extract_prompts(model, prompts[:2])
    assert hooks_of(model) == before
    assert model.module.config._attn_implementation == attention


def test_states_are_found_again(model: LanguageModel, problems: ProblemSet, wording: Wording, store: Store) -> None:
    first = extract(model, problems, wording, store=store)
    with model.hook("layer", 0, lambda state: None) as firings:
        second = extract(model, problems, wording, store=store)
    assert firings.count == 0
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.answers.margin, second.answers.margin)
    assert np.array_equal(first.answers.answer, second.answers.answer)
    assert first.stimulus_ids == second.stimulus_ids == problems.ids
    with model.hook("layer", 0, lambda state: None) as firings:
        extract(model, problems.subset(problems.ids[:3]), wording, store=store)
    assert firings.count > 0


def test_site_and_select() -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    answers = Answers(np.arange(4, dtype=np.float32), np.array([1, 0, -1, 1], dtype=np.int8))
    states = Activations(values, ("a", "b", "c", "d"), answers)
    assert np.array_equal(states.site("layer", 2), values[1, 2])
    chosen = states.select(["d", "b"])
    assert np.array_equal(chosen.values, values[:, :, [3, 1]])
    assert chosen.answers.answer.tolist() == [1, 0]
    with pytest.raises(InputError, match="found 'e' and 0 others"):
        states.select(["e"])
    with pytest.raises(InputError, match="a layer from 0 to 2, found 'layer' and 3"):
        states.site("layer", 3)
    with pytest.raises(InputError, match=r"expected states of shape \(2, n_layers, 1, d\)"):
        Activations(values, ("a",), answers)
