"""Answers that go on from stored prompts, against transformers' generation with a bare hook, on every architecture."""

from typing import Any

import numpy as np
import pytest
import torch

from brainalign.activations.continuation import stored_cache
from brainalign.activations.prefilled import PrefilledPrompts, prefill_prompts
from brainalign.errors import InputError
from brainalign.zoo import LanguageModel
from tests.activations.plain import hooks_of

LAYERS = (1, 3)
N_NEW = 12


@pytest.fixture(scope="module")
def prefilled(model: LanguageModel, prompts: list[list[int]]) -> PrefilledPrompts:
    return prefill_prompts(model, prompts, 0)


def generated(
    model: LanguageModel, ids: list[int], displacements: torch.Tensor | None, ends: list[int] | None = None
) -> list[int]:
    """Greedy generation of the whole prompt; a bare hook moves the last token of the pass that reads the prompt."""
    handles = []
    for place, layer in enumerate(LAYERS if displacements is not None else ()):

        def add(module: Any, inputs: Any, output: Any, place: int = place) -> Any:
            if output[0].shape[1] == 1:
                return None
            changed = output[0].clone()
            changed[0, -1] += displacements[place]  # type: ignore[index]
            return (changed, *output[1:])

        handles.append(model.module.model.layers[layer].self_attn.register_forward_hook(add))
    tokens = torch.tensor([ids])
    options: dict[str, Any] = {"pad_token_id": 0, "attention_mask": torch.ones_like(tokens)}
    if ends is not None:
        options["eos_token_id"] = ends
    out = model.module.generate(tokens, max_new_tokens=N_NEW, do_sample=False, **options)
    for handle in handles:
        handle.remove()
    return list(out[0, len(ids) :].tolist())


def noise(model: LanguageModel, n_rows: int) -> torch.Tensor:
    return 2.0 * torch.randn(n_rows, 2, model.hidden_size, generator=torch.Generator().manual_seed(7))


def test_equals_generation_with_a_hook(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts
) -> None:
    rows, before = np.array([3, 0, 3, 8, 9, 10]), hooks_of(model)
    displacements = noise(model, len(rows))
    found = prefilled.continue_answers(rows, LAYERS, displacements, N_NEW)
    expected = [generated(model, prompts[row], moved) for row, moved in zip(rows, displacements, strict=True)]
    assert found == expected
    assert hooks_of(model) == before
    assert len({tuple(text) for text in found}) > 1


def test_the_cache_is_the_one_that_transformers_would_have(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts
) -> None:
    tree = prefilled.tree
    for row in (0, 3, 9):
        cache = stored_cache(model, tree, prefilled.store, tree.leaf_of[row], 2)
        with torch.inference_mode():
            out = model.module(input_ids=torch.tensor([prompts[row][:-1]]), use_cache=True)
        own = out.cache if "cache" in out else out.past_key_values
        assert cache.get_seq_length() == own.get_seq_length() == len(prompts[row]) - 1
        for mine, theirs in zip(cache.layers, own.layers, strict=True):
            for name in ("keys", "values"):
                expected = getattr(theirs, name).expand(2, -1, -1, -1)
                torch.testing.assert_close(getattr(mine, name), expected, atol=1e-5, rtol=0)


def test_without_displacement_it_is_plain_generation(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts
) -> None:
    plain = generated(model, prompts[1], None)
    assert prefilled.continue_answers(np.array([1]), (), None, N_NEW) == [plain]
    zero = torch.zeros(1, 2, model.hidden_size)
    assert prefilled.continue_answers(np.array([1]), LAYERS, zero, N_NEW) == [plain]


def test_the_first_new_token_is_what_answer_reads(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    rows = np.array([0, 4, 4])
    displacements = noise(model, 3)
    answers = prefilled.answer(rows, LAYERS, displacements)
    first = [text[0] for text in prefilled.continue_answers(rows, LAYERS, displacements, 1)]
    for token, answer in zip(first, answers.answer, strict=True):
        assert (token in model.true_ids, token in model.false_ids) == (answer == 1, answer == 0)


def test_a_row_stops_at_its_end_and_the_others_go_on(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.array([3, 0, 3, 8, 9, 10])
    displacements = 5 * noise(model, len(rows))
    whole = prefilled.continue_answers(rows, LAYERS, displacements, N_NEW)
    end = next(token for text in whole for token in text if not all(token in other for other in whole))
    monkeypatch.setattr(model.module.generation_config, "eos_token_id", [end])
    found = prefilled.continue_answers(rows, LAYERS, displacements, N_NEW)
    expected = [generated(model, prompts[row], moved, [end]) for row, moved in zip(rows, displacements, strict=True)]
    assert found == expected
    assert len({len(text) for text in found}) > 1


def test_what_cannot_go_on_is_refused(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts
) -> None:
    above = prefill_prompts(model, prompts[:2], 1)
    with pytest.raises(InputError, match="prefilled from layer 0 and at least one new token, found layer 1"):
        above.continue_answers(np.array([0]), LAYERS, noise(model, 1), N_NEW)
    with pytest.raises(InputError, match="and 0: prefill"):
        prefilled.continue_answers(np.array([0]), LAYERS, noise(model, 1), 0)
    assert prefilled.continue_answers(np.empty(0, np.int64), LAYERS, noise(model, 0), N_NEW) == []
