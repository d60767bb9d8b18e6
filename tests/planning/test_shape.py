"""Counts from sizes against published counts and transformers' own classes."""

from typing import Any

import pytest

from brainalign.errors import ModelError
from brainalign.planning.shape import ModelShape
from brainalign.zoo import list_models, load_model, model_facts
from brainalign.zoo.meta import meta_model
from brainalign.zoo.recorded import recorded

NAMES = [facts.name for facts in list_models()]
TINY = [name for name in NAMES if name.startswith("tiny-random-")]


def config_of(name: str) -> dict[str, Any]:
    if name in TINY or name.startswith("nano-"):
        found: dict[str, Any] = load_model(name).module.config.to_dict()
        return found
    return recorded(model_facts(name).base or name).config


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_published(name: str) -> None:
    assert ModelShape.from_config(config_of(name)).n_parameters == model_facts(name).n_parameters


@pytest.mark.parametrize("name", ["qwen2-7b-instruct", "qwen3-4b", "phi-4-mini-instruct", "gemma-2-9b-it"])
def test_an_attention_module_has_so_many_parameters(name: str) -> None:
    attention = meta_model(name).model.layers[0].self_attn
    expected = sum(parameter.numel() for parameter in attention.parameters())
    assert ModelShape.from_config(recorded(name).config).n_attention == expected


@pytest.mark.parametrize("name", TINY)
def test_adapters_have_so_many_parameters(name: str) -> None:
    from brainalign.finetuning import NarfConfig, trainable

    model = load_model(name)
    with trainable(model, NarfConfig(layers=(1,), lora_rank=3)) as found:
        assert ModelShape.from_config(config_of(name)).n_adapter(3) == found.n_trainable


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ModelError, match=r"expected a model type among .*, found 'mamba': add its shape"):
        ModelShape.from_config({"model_type": "mamba"})
