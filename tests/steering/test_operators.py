"""Steering in every kind of pass of every architecture, against bare torch hooks with the formula written out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

from brainalign.activations import extract, is_edited, prefill
from brainalign.activations.answering import answer_prompts
from brainalign.activations.extraction import extract_prompts
from brainalign.activations.prefilled import prefill_prompts
from brainalign.artifacts import Store
from brainalign.errors import InputError, ModelError
from brainalign.steering import SteeringVectors, steered
from brainalign.steering.operators import add_rescaled, project_out
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import LanguageModel, list_models, load_model

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]
LAYERS = (1, 2)
STRENGTH = {1: 0.5, 2: -1.5}


@pytest.fixture(scope="module", params=TINY)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return load_model(request.param)


@pytest.fixture(scope="module")
def llama() -> LanguageModel:
    return load_model("tiny-random-llama")


def make_vectors(on: LanguageModel, **changes: Any) -> SteeringVectors:
    values = np.random.default_rng(0).standard_normal((2, on.hidden_size)).astype(np.float32)
    facts: dict[str, Any] = {
        "model": on.facts.name,
        "weights_hash": on.weights_hash,
        "n_layers": on.n_layers,
        "layers": LAYERS,
        "values": values,
    }
    return SteeringVectors(**{**facts, **changes})


def by_formula(operator: str, state: torch.Tensor, vector: torch.Tensor, strength: float) -> torch.Tensor:
    """One state (d,)."""
    if operator == "add":
        plain: torch.Tensor = state + strength * vector
        return plain
    if operator == "project_out":
        share: torch.Tensor = torch.dot(state, vector) / torch.dot(vector, vector)
        projected: torch.Tensor = state - strength * share * vector
        return projected
    moved: torch.Tensor = state + strength * vector
    rescaled: torch.Tensor = moved * state.norm() / moved.norm()
    return rescaled


@contextmanager
def bare_hooks(model: LanguageModel, vectors: SteeringVectors, operator: str, site: str, tokens: str) -> Iterator[None]:
    """Nothing of the package's hooks; a pass of one token is generation's, which steering of the last input skips."""
    handles = []
    for layer in LAYERS:

        def change(module: Any, inputs: Any, output: Any, layer: int = layer) -> Any:
            state = (output[0] if isinstance(output, tuple) else output).clone()
            n_tokens = state.shape[1]
            if tokens == "last" and n_tokens == 1:
                return None
            for row in range(len(state)):
                for token in range(n_tokens) if tokens == "all" else [n_tokens - 1]:
                    vector = vectors.to_dict()[layer]
                    state[row, token] = by_formula(operator, state[row, token], vector, STRENGTH[layer])
            return (state, *output[1:]) if isinstance(output, tuple) else state

        whole = model.module.model.layers[layer]
        handles.append((whole.self_attn if site == "attention" else whole).register_forward_hook(change))
    yield
    for handle in handles:
        handle.remove()


def encode(model: LanguageModel) -> list[list[int]]:
    return [model.encode_chat(own_wording().messages(problem)) for problem in generate_problems(2, seed=5)]


@pytest.mark.parametrize("tokens", ["last", "all"])
@pytest.mark.parametrize("site", ["attention", "layer"])
@pytest.mark.parametrize("operator", ["add", "project_out", "add_rescaled"])
def test_all_kinds_of_pass_equal_bare_hooks(model: LanguageModel, operator: str, site: Any, tokens: Any) -> None:
    vectors, prompts = make_vectors(model, site=site, tokens=tokens), encode(model)
    with bare_hooks(model, vectors, operator, site, tokens):
        margins = [model.score(model.forward(prompt)[None]).margin[0] for prompt in prompts]
    with steered(model, vectors, STRENGTH, operator=operator) as firings:
        plain = [model.score(model.forward(prompt)[None]).margin[0] for prompt in prompts]
        assert {layer: firing.count for layer, firing in firings.items()} == dict.fromkeys(LAYERS, len(prompts))
        packed = answer_prompts(model, prompts).margin
        prefilled = prefill_prompts(model, prompts, 0).answer(np.arange(len(prompts)), (), None).margin
    for found in (plain, packed, prefilled):
        np.testing.assert_allclose(found, margins, atol=2e-5, rtol=0)
    unsteered = answer_prompts(model, prompts).margin
    assert np.abs(unsteered - margins).max() > 1e-3


@pytest.mark.parametrize("tokens", ["last", "all"])
def test_generation_is_steered_at_the_prompt_or_at_every_token(model: LanguageModel, tokens: Any) -> None:
    vectors = make_vectors(model, tokens=tokens)
    ids = torch.tensor([encode(model)[0]])
    options: dict[str, Any] = {
        "max_new_tokens": 5, "min_new_tokens": 5, "do_sample": False, "return_dict_in_generate": True,
        "output_logits": True, "pad_token_id": 0, "attention_mask": torch.ones_like(ids),
    }  # fmt: skip
    with bare_hooks(model, vectors, "add", "attention", tokens):
        expected = model.module.generate(ids, **options)
    with steered(model, vectors, STRENGTH) as firings:
        found = model.module.generate(ids, **options)
    assert found.sequences.tolist() == expected.sequences.tolist()
    torch.testing.assert_close(torch.stack(found.logits), torch.stack(expected.logits), atol=2e-5, rtol=0)
    assert firings[1].count == (1 if tokens == "last" else 5)


def test_prefilled_answers_alone_are_steered_from_the_lowest_layer(model: LanguageModel) -> None:
    """The last token's steering needs no steered prefill; it equals displacements given to the call."""
    vectors, prompts = make_vectors(model), encode(model)
    prefilled = prefill_prompts(model, prompts, LAYERS[0])
    rows = np.arange(len(prompts))
    moved = torch.stack([vectors.to_dict()[layer] * STRENGTH[layer] for layer in LAYERS]).expand(len(rows), -1, -1)
    expected = prefilled.answer(rows, LAYERS, moved)
    with steered(model, vectors, STRENGTH) as firings:
        found = prefilled.answer(rows, (), None)
    np.testing.assert_allclose(found.margin, expected.margin, atol=1e-5, rtol=0)
    assert firings[2].count == 1


@pytest.mark.parametrize("operator", ["add", "project_out", "add_rescaled"])
def test_strength_zero_is_bit_identical(llama: LanguageModel, operator: str) -> None:
    prompts = encode(llama)
    values, answers = extract_prompts(llama, prompts)
    with steered(llama, make_vectors(llama), 0.0, operator=operator):
        again, same = extract_prompts(llama, prompts)
    assert np.array_equal(values, again)
    assert np.array_equal(answers.margin, same.margin)


def test_what_the_operators_leave() -> None:
    generator = torch.Generator().manual_seed(0)
    states, vector = torch.randn(20, 7, generator=generator), torch.randn(7, generator=generator)
    gone, mirrored = project_out(states, vector, 1.0), project_out(states, vector, 2.0)
    torch.testing.assert_close(gone @ vector, torch.zeros(20), atol=1e-5, rtol=0)
    torch.testing.assert_close(mirrored @ vector, -states @ vector)
    torch.testing.assert_close(add_rescaled(states, vector, 9.0).norm(dim=1), states.norm(dim=1))
    assert torch.equal(project_out(states, torch.zeros(7), 1.0), states)


def test_hooks_are_gone_after_an_exception_and_after_a_refusal(llama: LanguageModel) -> None:
    vectors = make_vectors(llama)
    hooked_inside = []

    def fail() -> None:
        hooked_inside.append(is_edited(llama))
        raise KeyError("inside")

    with pytest.raises(KeyError), steered(llama, vectors):
        fail()
    assert hooked_inside == [True]
    assert not is_edited(llama)
    with pytest.raises(InputError, match="'multiply'"), steered(llama, vectors, operator="multiply"):
        pass
    assert not is_edited(llama)


def test_steered_states_are_never_stored_as_the_models_own(llama: LanguageModel, store: Store) -> None:
    problems, wording = generate_problems(2, seed=5), own_wording()
    with steered(llama, make_vectors(llama)):
        moved = extract(llama, problems, wording, store=store)
    own = extract(llama, problems, wording, store=store)
    assert not np.array_equal(own.values, moved.values)
    with steered(llama, make_vectors(llama)):
        again = extract(llama, problems, wording, store=store)
    assert np.array_equal(again.values, moved.values)


def test_strengths_that_cannot_be_are_refused(llama: LanguageModel) -> None:
    vectors = make_vectors(llama)
    cases: list[tuple[Any, str]] = [
        ({1: 1.0}, r"each of the layers \[1, 2\], found \[1\]"),
        (float("nan"), "finite strength, found nan at layer 1"),
        (1e39, "infinite ones at strength 1e.39 in float32: lower the strength"),
    ]
    for strength, message in cases:
        with pytest.raises(InputError, match=message), steered(llama, vectors, strength):
            pass
    other, message = load_model("tiny-random-qwen2"), "expected the model of the vectors, tiny-random-llama"
    with pytest.raises(ModelError, match=message), steered(other, vectors):
        pass


def test_a_problem_without_a_number_leaves_the_others_alone(llama: LanguageModel) -> None:
    """A row that overflows answers neither True nor False, with no margin; the rows beside it are as they were."""
    prompts = prefill(llama, generate_problems(2, seed=5), own_wording(), first_layer=0)
    rows = np.array([0, 1, 0, 2])
    moved = torch.randn(4, 2, llama.hidden_size, generator=torch.Generator().manual_seed(1))
    quiet = prompts.answer(rows, LAYERS, moved)
    moved[1] = torch.inf
    found = prompts.answer(rows, LAYERS, moved)
    assert (found.answer[1], np.isnan(found.margin[1])) == (-1, True)
    np.testing.assert_allclose(found.margin[[0, 2, 3]], quiet.margin[[0, 2, 3]], atol=1e-6)
