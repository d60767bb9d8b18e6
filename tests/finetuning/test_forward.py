"""States and logits with gradient against plain forward passes with bare hooks, one prompt at a time."""

from typing import Any

import pytest
import torch

from brainalign.errors import ModelError
from brainalign.finetuning.forward import checkpointed, run_forward
from brainalign.finetuning.parameters import trainable
from brainalign.zoo import LanguageModel
from brainalign.zoo.language_model import Site

from .examples import LAYERS, TINY, both, tiny, training_set


def plain(model: LanguageModel, ids: tuple[int, ...], site: str) -> tuple[torch.Tensor, torch.Tensor]:
    """States (L, d) and logits of one prompt by transformers' own pass."""
    states: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        states.append((output[0] if isinstance(output, tuple) else output)[0, -1])

    blocks = [model.module.model.layers[layer] for layer in LAYERS]
    handles = [(block.self_attn if site == "attention" else block).register_forward_hook(keep) for block in blocks]
    logits = model.module(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
    for handle in handles:
        handle.remove()
    return torch.stack(states), logits


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("site", ["attention", "layer"])
def test_states_logits_and_gradients_are_those_of_plain_passes(name: str, site: Site) -> None:
    model, prompts = tiny(name), [training_set(name).prompts[row] for row in (0, 3, 9, 3)]
    with trainable(model, both(lora_rank=None)) as trained:
        outputs = run_forward(model, prompts, LAYERS, site=site, answers=True)
        expected = [plain(model, ids, site) for ids in prompts]
        states = torch.stack([state for state, _ in expected], dim=1)
        logits = torch.stack([row for _, row in expected])
        torch.testing.assert_close(outputs.states, states, atol=1e-4, rtol=0)
        torch.testing.assert_close(outputs.logits, logits, atol=1e-4, rtol=0)
        found = torch.autograd.grad(outputs.states.square().sum() + outputs.logits.cos().sum(), trained.parameters)
        truth = torch.autograd.grad(states.square().sum() + logits.cos().sum(), trained.parameters)
    for gradient, wanted in zip(found, truth, strict=True):
        assert (gradient - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("name", TINY)
def test_without_answers_the_pass_ends_at_the_last_supervised_layer(name: str) -> None:
    model, prompts = tiny(name), training_set(name).prompts[:3]
    ran: list[int] = []
    handles = [
        layer.mlp.register_forward_hook(lambda *_, number=number: ran.append(number))
        for number, layer in enumerate(model.layers)
    ]
    found = run_forward(model, prompts, LAYERS, site="attention", answers=False)
    assert ran == [0, 1, 2]
    for handle in handles:
        handle.remove()
    whole = run_forward(model, prompts, LAYERS, site="attention", answers=True)
    assert torch.equal(found.states, whole.states)
    assert found.logits.shape == (0, whole.logits.shape[1])


@pytest.mark.parametrize("name", TINY)
def test_checkpointed_layers_have_the_same_gradient(name: str) -> None:
    model, prompts = tiny(name), training_set(name).prompts[:4]
    with trainable(model, both()) as trained:

        def gradient(times: int) -> list[torch.Tensor]:
            outputs = run_forward(model, prompts, LAYERS, site="attention", answers=True)
            loss = outputs.states.square().sum() + outputs.logits.square().sum()
            for last in range(times):  # each backward pass computes the layers anew
                found = torch.autograd.grad(loss, trained.parameters, retain_graph=last < times - 1)
            return list(found)

        expected = gradient(1)
        layer = model.layers[1]
        calls = []
        handle = layer.mlp.register_forward_pre_hook(lambda *_: calls.append(layer.mlp.training))
        with checkpointed(model):
            found = gradient(2)
        handle.remove()
    assert calls == [False] * 3
    assert not any(module.training for module in model.module.modules())
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=1e-5)


def test_the_layer_where_a_pass_ends_is_not_checkpointed() -> None:
    model, prompts = tiny(), training_set().prompts[:3]
    with trainable(model, both()) as trained:

        def gradient() -> tuple[torch.Tensor, ...]:
            outputs = run_forward(model, prompts, LAYERS, site="attention", answers=False)
            found: tuple[torch.Tensor, ...] = torch.autograd.grad(outputs.states.square().sum(), trained.parameters)
            return found

        expected = gradient()
        ran: list[int] = []
        handles = [
            layer.mlp.register_forward_pre_hook(lambda *_, number=number: ran.append(number))
            for number, layer in enumerate(model.layers)
        ]
        with checkpointed(model):
            found = gradient()
            assert all(layer.gradient_checkpointing for layer in model.layers)
        for handle in handles:
            handle.remove()
    assert ran == [0, 1, 2, 1]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=1e-5)


def test_an_error_leaves_no_hook_and_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    before = (model.module.config._attn_implementation, model.module.config.num_hidden_layers)

    def fail(*_: object) -> None:
        raise RuntimeError("stop")

    handle = model.layers[0].register_forward_hook(fail)
    with pytest.raises(RuntimeError, match="stop"):
        run_forward(model, training_set().prompts[:2], LAYERS, site="attention", answers=False)
    handle.remove()
    assert (model.module.config._attn_implementation, model.module.config.num_hidden_layers) == before
    assert not any(module._forward_hooks for module in model.module.modules())
    with pytest.raises(ModelError, match="from 0 to 3"):
        run_forward(model, training_set().prompts[:2], (9,), site="attention", answers=True)
