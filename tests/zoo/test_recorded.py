"""Recorded configurations: the true classes, without weights, have exactly the published sizes."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    LlamaForCausalLM,
    MistralForCausalLM,
    Phi3ForCausalLM,
    Qwen2ForCausalLM,
    Qwen3ForCausalLM,
)

from brainalign.errors import ModelError
from brainalign.zoo import list_models, model_facts
from brainalign.zoo.meta import count_parameters, meta_model
from brainalign.zoo.recorded import recorded

# Class, published count, and that count without the embeddings and the head.
PUBLISHED: dict[str, tuple[Any, int, int]] = {
    "qwen2-1.5b-instruct": (Qwen2ForCausalLM, 1_543_714_304, 1_310_340_608),
    "qwen2-7b-instruct": (Qwen2ForCausalLM, 7_615_616_512, 6_525_621_760),
    "qwen2-72b-instruct": (Qwen2ForCausalLM, 72_706_203_648, 70_214_787_072),
    "qwen3-4b": (Qwen3ForCausalLM, 4_022_468_096, 3_633_511_936),
    "mistral-7b-instruct-v0.2": (MistralForCausalLM, 7_241_732_096, 6_979_588_096),
    "llama-2-7b-chat": (LlamaForCausalLM, 6_738_415_616, 6_476_271_616),
    "llama-3-8b-instruct": (LlamaForCausalLM, 8_030_261_248, 6_979_588_096),
    "llama-3.3-70b-instruct": (LlamaForCausalLM, 70_553_706_496, 68_452_360_192),
    "phi-4-mini-instruct": (Phi3ForCausalLM, 3_836_021_760, 3_221_425_152),
    "gemma-2-9b-it": (Gemma2ForCausalLM, 9_241_705_984, 8_324_201_984),
    "deepseek-r1-distill-qwen-1.5b": (Qwen2ForCausalLM, 1_777_088_000, 1_310_340_608),
    "qwen2-7b": (Qwen2ForCausalLM, 7_615_616_512, 6_525_621_760),
    "llama-2-7b": (LlamaForCausalLM, 6_738_415_616, 6_476_271_616),
    "smollm2-135m": (LlamaForCausalLM, 134_515_008, 106_203_456),
    "gemma3-270m": (Gemma3ForCausalLM, 268_098_176, 100_326_016),
}
NAMED = [facts.name for facts in list_models() if not facts.name.startswith(("tiny-random-", "nano-"))]


@pytest.mark.parametrize("name", PUBLISHED)
def test_count_on_the_meta_device_is_the_published_one(name: str) -> None:
    model_class, n_parameters, n_inside = PUBLISHED[name]
    module = meta_model(name)
    assert type(module) is model_class
    assert count_parameters(module) == n_parameters == recorded(name).n_parameters
    outside = {module.get_input_embeddings().weight, module.get_output_embeddings().weight}
    assert count_parameters(module) - sum(weight.numel() for weight in outside) == n_inside
    assert {parameter.device for parameter in module.parameters()} == {torch.device("meta")}


@pytest.mark.parametrize("name", NAMED)
def test_facts_of_the_row_are_those_of_the_class(name: str) -> None:
    facts = model_facts(name)
    module = meta_model(facts.base or name)
    config = module.config
    assert facts.n_parameters == count_parameters(module)
    assert (facts.n_layers, facts.hidden_size) == (config.num_hidden_layers, config.hidden_size)
    assert facts.family == config.model_type
    if facts.n_heads:
        layer = module.get_submodule(facts.attention_path.format(layer=facts.n_layers - 1))
        assert layer.o_proj.weight.shape == (facts.hidden_size, facts.n_heads * facts.head_width)
        assert module.get_submodule(facts.layer_path.format(layer=0)) is module.get_decoder().layers[0]
    rotated = config.rope_parameters.get("partial_rotary_factor", 1.0) if "rope_type" in config.rope_parameters else 1.0
    assert rotated == (0.75 if name == "phi-4-mini-instruct" else 1.0)


def test_ten_models_and_three_more_say_what_a_cluster_needs_to_know() -> None:
    published = [facts for facts in list_models() if not facts.embedded]
    assert len(published) == 13
    for facts in published:
        assert facts.hub_id
        assert facts.revision == "main"
        assert facts.cards is not None
        assert facts.stop_ids
        assert facts.answer_ids is not None
        assert min(facts.n_parameters, facts.n_heads, facts.n_kv_heads, facts.context) > 0
        assert facts.memory_gib > 2 * facts.n_parameters / 2**30
    assert str(model_facts("llama-3.3-70b-instruct").cards.attention) == "4 x 80 GB"  # type: ignore[union-attr]


def test_what_is_not_recorded_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected a recorded model .*, found 'nobody'"):
        recorded("nobody")


def test_recorded_traits_reach_the_configuration() -> None:
    gemma = meta_model("gemma-2-9b-it").config
    assert gemma.layer_types[:2] == ["sliding_attention", "full_attention"]
    assert (gemma.attn_logit_softcapping, gemma.final_logit_softcapping) == (50.0, 30.0)
    assert gemma.query_pre_attn_scalar == 256
    llama = meta_model("llama-3.3-70b-instruct").config
    assert llama.rope_parameters["rope_type"] == "llama3"
    assert llama.rope_parameters["rope_theta"] == 5e5
    phi = meta_model("phi-4-mini-instruct")
    assert phi.config.rope_parameters["rope_type"] == "longrope"
    assert phi.get_decoder().layers[0].self_attn.qkv_proj.weight.shape == (5120, 3072)
    qwen = meta_model("qwen2-72b-instruct").get_decoder().layers[0].self_attn
    assert qwen.q_proj.bias is not None
    assert qwen.o_proj.bias is None
    assert meta_model("deepseek-r1-distill-qwen-1.5b").config.rope_parameters["rope_theta"] == 1e4
