"""What is trained, and that nothing of it is left behind."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from brainalign.errors import ModelError
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.parameters import find_attention, hash_weights, trainable
from brainalign.zoo import load_model

from .examples import LAYERS, TINY, both, tiny, training_set


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("rank", [None, 2])
def test_after_a_trial_the_model_is_what_it_was(name: str, rank: int | None) -> None:
    model = tiny(name)
    modules = {path: id(module) for path, module in model.module.named_modules()}
    before, attributes = hash_weights(model.module), set(vars(model.module))

    def train_and_fail() -> None:
        with trainable(model, both(lora_rank=rank)) as trained:
            loss = model.module(input_ids=torch.tensor([training_set(name).prompts[0]])).logits.square().mean()
            loss.backward()
            torch.optim.SGD(trained.parameters, lr=0.1).step()
            assert hash_weights(model.module) != before
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        train_and_fail()
    assert hash_weights(model.module) == before
    assert {path: id(module) for path, module in model.module.named_modules()} == modules
    assert set(vars(model.module)) == attributes
    assert not any(p.requires_grad or p.grad is not None for p in model.module.parameters())


@pytest.mark.parametrize("name", TINY)
def test_in_full_all_of_the_attention_modules_and_nothing_else_is_trained(name: str) -> None:
    model = tiny(name)
    with trainable(model, both(lora_rank=None)) as trained:
        assert {path.split(".self_attn.")[0] for path in trained.named} == {f"model.layers.{la}" for la in LAYERS}
        expected = sum(p.numel() for layer in LAYERS for p in model.layers[layer].self_attn.parameters())
        assert trained.n_trainable == expected
        found = {id(p) for p in model.module.parameters() if p.requires_grad}
        assert found == {id(p) for p in trained.parameters}


@pytest.mark.parametrize("name", TINY)
def test_adapters_stand_on_the_projections_and_change_nothing_at_first(name: str) -> None:
    model, config = tiny(name), both(lora_rank=3)
    ids = training_set(name).prompts[0]
    before = model.forward(ids)
    linear = [m for layer in LAYERS for m in model.layers[layer].self_attn.modules() if isinstance(m, nn.Linear)]
    with trainable(model, config) as trained:
        assert trained.n_trainable == sum(3 * (m.in_features + m.out_features) for m in linear)
        assert torch.equal(model.forward(ids), before)
        adapter = next(m for path, m in model.module.named_modules() if path.endswith("1.self_attn.o_proj"))
        assert adapter.scaling["default"] == 2.0


def test_adapters_begin_where_their_names_say() -> None:
    model, state = tiny(), torch.get_rng_state()

    def factors(*names: str | int) -> dict[str, np.ndarray]:
        with trainable(model, both(), names) as trained:
            return {path: p.detach().clone().numpy() for path, p in trained.named.items()}

    first, again, other = factors("key", 0), factors("key", 0), factors("key", 1)
    assert torch.equal(torch.get_rng_state(), state)
    for path, values in first.items():
        np.testing.assert_array_equal(values, again[path])
        if "lora_A" in path:
            assert (values != other[path]).all()
            assert 0.9 / 8 < np.abs(values).max() <= 1 / 8  # 1 / sqrt(64)
        else:
            assert not values.any()


def test_adapters_of_a_model_in_half_precision_are_trained_in_float32() -> None:
    model = load_model("tiny-random-llama", dtype="bfloat16")
    before = hash_weights(model.module)
    with trainable(model, both()) as trained:
        assert {parameter.dtype for parameter in trained.parameters} == {torch.float32}
        assert model.forward(training_set().prompts[0]).isfinite().all()
    assert hash_weights(model.module) == before


def test_layers_without_attention_module_or_projections_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    with pytest.raises(ModelError, match="from 0 to 3"), trainable(model, NarfConfig(layers=(3, 4))):
        pass
    mixer = SimpleNamespace(facts=model.facts, site=lambda site, layer: nn.Linear(2, 2))
    with pytest.raises(ModelError, match=r"attention module in layer 2 .* found Linear"):
        find_attention(mixer, 2)  # type: ignore[arg-type]
    monkeypatch.setattr("brainalign.finetuning.parameters.PROJECTIONS", ("Wqkv",))
    with pytest.raises(ModelError, match=r"Wqkv .* found q_proj, k_proj, v_proj, o_proj"), trainable(model, both()):
        pass
