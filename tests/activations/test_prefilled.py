"""Prefilled answers against full forward passes with the displacement added by a hook, on every architecture."""

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from brainalign.activations import prefill
from brainalign.activations.prefilled import PrefilledPrompts, prefill_prompts
from brainalign.errors import InputError
from brainalign.stimuli import ProblemSet, Wording
from brainalign.zoo import LanguageModel, load_model
from tests.activations.plain import hooks_of, plain_answer, plain_logits, plain_margin

ROWS = np.array([0, 3, 3, 7, 1, 8, 9, 10, 3, 0, 10])


@pytest.fixture(scope="module")
def prefilled(model: LanguageModel, prompts: list[list[int]]) -> PrefilledPrompts:
    return prefill_prompts(model, prompts, 1)


def noise(model: LanguageModel, n_rows: int, n_layers: int, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n_rows)
    return scale * torch.randn(n_rows, n_layers, model.hidden_size, generator=generator)


@pytest.mark.parametrize("layers", [(1,), (1, 2), (1, 3), (2, 3), (3,)])
def test_equals_the_full_forward(
    model: LanguageModel, prompts: list[list[int]], prefilled: PrefilledPrompts, layers: tuple[int, ...]
) -> None:
    displacements = noise(model, len(ROWS), len(layers))
    answers = prefilled.answer(ROWS, layers, displacements)
    logits = [
        plain_logits(model, prompts[problem], layers, displacement)
        for problem, displacement in zip(ROWS, displacements, strict=True)
    ]
    np.testing.assert_allclose(answers.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)
    assert answers.answer.tolist() == [plain_answer(model, row) for row in logits]


def test_from_the_first_layer_in_small_blocks(model: LanguageModel, prompts: list[list[int]]) -> None:
    prefilled = prefill_prompts(model, prompts, 0, max_rows=3)
    displacements = noise(model, len(ROWS), 4)
    answers = prefilled.answer(ROWS, range(4), displacements)
    logits = [
        plain_logits(model, prompts[problem], range(4), displacement)
        for problem, displacement in zip(ROWS, displacements, strict=True)
    ]
    np.testing.assert_allclose(answers.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)


def test_without_displacement_it_is_the_model(model: LanguageModel, problems: ProblemSet, wording: Wording) -> None:
    answers = prefill(model, problems, wording, 2).answer(np.arange(len(problems)), (), None)
    logits = [plain_logits(model, model.encode_chat(wording.messages(problem))) for problem in problems]
    np.testing.assert_allclose(answers.margin, [plain_margin(model, row) for row in logits], atol=1e-5, rtol=0)


def test_zero_displacement_is_bit_identical(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    zero = torch.zeros(len(ROWS), 2, model.hidden_size)
    steered = prefilled.answer(ROWS, (1, 3), zero)
    plain = prefilled.answer(ROWS, (1, 3), None)
    assert np.array_equal(steered.margin, plain.margin)
    assert np.array_equal(steered.answer, plain.answer)


def test_equal_calls_give_equal_bits(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    displacements = noise(model, len(ROWS), 3)
    first = prefilled.answer(ROWS, (1, 2, 3), displacements)
    prefilled.answer(ROWS[:4], (2,), noise(model, 4, 1, 100.0))
    second = prefilled.answer(ROWS, (1, 2, 3), displacements)
    assert np.array_equal(first.margin, second.margin)


def test_rows_do_not_see_each_other(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    quiet = noise(model, len(ROWS), 2)
    loud = quiet.clone()
    loud[1::2] *= 50.0
    first, second = (prefilled.answer(ROWS, (1, 2), given) for given in (quiet, loud))
    np.testing.assert_allclose(first.margin[::2], second.margin[::2], atol=1e-5, rtol=0)
    assert np.abs(first.margin[1::2] - second.margin[1::2]).max() > 1e-2


def test_each_hook_fires_once_a_block(model: LanguageModel, prompts: list[list[int]]) -> None:
    prefilled = prefill_prompts(model, prompts, 1, max_rows=4)
    with model.hook("attention", 0, lambda state: None) as below, model.hook("attention", 1, lambda state: None) as at:
        prefilled.answer(ROWS, (1,), noise(model, len(ROWS), 1))
    assert (below.count, at.count) == (0, 3)


def test_hooks_are_gone_after_an_exception(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    def fail(state: torch.Tensor) -> None:
        raise RuntimeError("inside")

    displacements = noise(model, len(ROWS), 2)
    expected = prefilled.answer(ROWS, (1, 2), displacements)
    before, attention = hooks_of(model), model.module.config._attn_implementation
    with model.hook("layer", 3, fail), pytest.raises(RuntimeError, match="inside"):
        prefilled.answer(ROWS, (1, 2), displacements)
    assert hooks_of(model) == before
    assert model.module.config._attn_implementation == attention
    assert np.array_equal(prefilled.answer(ROWS, (1, 2), displacements).margin, expected.margin)


def peak_bytes(prefilled: PrefilledPrompts, n_rows: int) -> int:
    """Most bytes that torch held at a time during a call, beyond what it held before."""
    rows = np.arange(n_rows) % len(prefilled)
    displacements = noise(prefilled.model, n_rows, 2)
    prefilled.answer(rows, (1, 2), displacements)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        prefilled.answer(rows, (1, 2), displacements)
    events = record.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    return int(np.cumsum([change for _, change in changes]).max())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_memory_is_flat_in_the_number_of_rows(model: LanguageModel, prompts: list[list[int]]) -> None:
    prefilled = prefill_prompts(model, prompts, 1, max_rows=32)
    few, many = peak_bytes(prefilled, 64), peak_bytes(prefilled, 1024)
    # Sixteen times the rows; only their indices (16 bytes each) may add to it.
    assert few > 100_000
    assert many < 1.05 * few + 16 * 1024


def test_bad_rows_layers_and_shapes_are_refused(model: LanguageModel, prefilled: PrefilledPrompts) -> None:
    right = noise(model, 2, 1)
    with pytest.raises(InputError, match="expected problems from 0 to 10, found"):
        prefilled.answer(np.array([0, 11]), (1,), right)
    with pytest.raises(InputError, match="expected ascending layers from 1 to 3, found"):
        prefilled.answer(np.array([0, 1]), (0,), right)
    with pytest.raises(InputError, match="expected ascending layers"):
        prefilled.answer(np.array([0, 1]), (3, 2), noise(model, 2, 2))
    with pytest.raises(InputError, match=r"expected displacements of shape \(2, 2, 64\), found \(2, 1, 64\)"):
        prefilled.answer(np.array([0, 1]), (1, 2), right)
    with pytest.raises(InputError, match="expected a first layer from 0 to 3"):
        prefill_prompts(model, [[1, 2]], 4)


def test_no_rows_give_no_answers(prefilled: PrefilledPrompts, model: LanguageModel) -> None:
    assert len(prefilled.answer(np.empty(0, dtype=np.int64), (1,), torch.empty(0, 1, model.hidden_size))) == 0


def test_half_precision_stays_near_the_full_forward(prompts: list[list[int]], model: LanguageModel) -> None:
    half = load_model(model.facts.name, dtype="bfloat16")
    displacements = noise(model, len(ROWS), 2)
    found = prefill_prompts(half, prompts, 1).answer(ROWS, (1, 2), displacements)
    exact = prefill_prompts(model, prompts, 1).answer(ROWS, (1, 2), displacements)
    assert np.abs(found.margin - exact.margin).max() < 0.3
