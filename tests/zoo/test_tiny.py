"""Tiny models: what their families promise, made the same everywhere."""

import math
import subprocess
import sys

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

from brainalign.activations.extraction import encode_problems, extract_prompts
from brainalign.errors import ModelError
from brainalign.stimuli import generate_problems, own_wording
from brainalign.zoo import load_model

CLASSES = {
    "llama": LlamaForCausalLM,
    "llama2": LlamaForCausalLM,
    "llama3": LlamaForCausalLM,
    "qwen2": Qwen2ForCausalLM,
    "qwen3": Qwen3ForCausalLM,
    "mistral": MistralForCausalLM,
    "phi3": Phi3ForCausalLM,
    "gemma2": Gemma2ForCausalLM,
    "gemma3": Gemma3ForCausalLM,
}
CHAT = [
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Two."},
    {"role": "user", "content": "Three?"},
]
RENDERED = {
    "llama": "<s>[INST] One? [/INST] Two. </s><s>[INST] Three? [/INST]",
    # The space that Llama 2 begins every answer with is given.
    "llama2": "<s>[INST] One? [/INST] Two. </s><s>[INST] Three? [/INST] ",
    "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nOne?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nTwo.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
    "Three?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "mistral": "<s>[INST] One? [/INST]Two.</s>[INST] Three? [/INST]",
    "qwen2": "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nOne?<|im_end|>\n"
    "<|im_start|>assistant\nTwo.<|im_end|>\n<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\n",
    "qwen3": "<|im_start|>user\nOne?<|im_end|>\n<|im_start|>assistant\nTwo.<|im_end|>\n"
    "<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    "phi3": "<|user|>One?<|end|><|assistant|>Two.<|end|><|user|>Three?<|end|><|assistant|>",
    "gemma2": "<bos><start_of_turn>user\nOne?<end_of_turn>\n<start_of_turn>model\nTwo.<end_of_turn>\n"
    "<start_of_turn>user\nThree?<end_of_turn>\n<start_of_turn>model\n",
}
RENDERED["gemma3"] = RENDERED["gemma2"]


@pytest.mark.parametrize("family", CLASSES)
def test_class_is_the_family_s_own(family: str) -> None:
    assert type(load_model(f"tiny-random-{family}").module) is CLASSES[family]


@pytest.mark.parametrize("family", CLASSES)
def test_chat_follows_the_family_s_conventions(family: str) -> None:
    model = load_model(f"tiny-random-{family}")
    ids = model.encode_chat(CHAT)
    assert model.tokenizer.decode(ids) == RENDERED[family]
    begin = model.tokenizer.bos_token_id
    n_begin = {"llama": 2, "llama2": 2, "llama3": 1, "mistral": 1, "gemma2": 1, "gemma3": 1}.get(family, 0)
    assert ids.count(begin) == n_begin


@pytest.mark.parametrize("family", ["mistral", "gemma2"])
def test_families_without_a_system_role_refuse_one(family: str) -> None:
    model = load_model(f"tiny-random-{family}")
    with pytest.raises(ModelError, match=r"found the roles system, user .*put a system text into the first user turn"):
        model.encode_chat([{"role": "system", "content": "Be brief."}, CHAT[0]])


def test_special_traits_are_there() -> None:
    gemma2 = load_model("tiny-random-gemma2").module.config
    assert gemma2.layer_types == ["sliding_attention", "full_attention"] * 2
    assert (gemma2.attn_logit_softcapping, gemma2.final_logit_softcapping) == (50.0, 30.0)
    assert load_model("tiny-random-mistral").module.config.sliding_window == 16
    qwen3 = load_model("tiny-random-qwen3").module.config
    assert qwen3.num_attention_heads * qwen3.head_dim == 2 * qwen3.hidden_size
    assert load_model("tiny-random-phi3").module.config.rope_parameters["partial_rotary_factor"] == 0.75
    assert load_model("tiny-random-qwen2").module.model.layers[0].self_attn.q_proj.bias.abs().max() > 0
    for family in CLASSES:
        config = load_model(f"tiny-random-{family}").module.config
        assert config.num_attention_heads == (1 if family == "llama2" else 2) * config.num_key_value_heads
    phi = load_model("tiny-random-phi3").module
    assert phi.config.rope_parameters["rope_type"] == "longrope"
    assert phi.get_decoder().rotary_emb.attention_scaling == pytest.approx((1 + math.log(4) / math.log(4096)) ** 0.5)
    gemma3 = load_model("tiny-random-gemma3").module.config
    assert gemma3.layer_types == ["sliding_attention"] * 3 + ["full_attention"]
    assert [gemma3.rope_parameters[kind]["rope_theta"] for kind in gemma3.layer_types[2:]] == [1e4, 1e6]
    angles = load_model("tiny-random-llama3").module.get_decoder().rotary_emb.inv_freq
    slowed = 5e5 ** -(torch.arange(8) / 8) / angles
    assert (float(slowed.min()), float(slowed.max())) == pytest.approx((1.0, 8.0), rel=1e-5)


def test_gemma3_puts_a_system_text_before_the_first_user_turn() -> None:
    model = load_model("tiny-random-gemma3")
    ids = model.encode_chat([{"role": "system", "content": "Be brief."}, CHAT[0]])
    assert model.tokenizer.decode(ids).startswith("<bos><start_of_turn>user\nBe brief.\n\nOne?<end_of_turn>")


@pytest.mark.parametrize("family", CLASSES)
def test_both_answers_occur(family: str) -> None:
    model = load_model(f"tiny-random-{family}")
    problems = generate_problems(24, seed=0)
    _, answers = extract_prompts(model, encode_problems(model, problems, own_wording()))
    assert (answers.answer == 1).sum() >= 5
    assert (answers.answer == 0).sum() >= 5


def test_global_random_state_is_untouched() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_model("tiny-random-llama")
    assert torch.equal(torch.rand(3), expected)


def test_same_weights_in_another_process() -> None:
    names = [f"tiny-random-{family}" for family in CLASSES]
    code = (
        f"from brainalign.zoo import load_model\nfor name in {names}:\n"
        f"    model = load_model(name)\n    print(model.weights_hash, model.encode_chat({CHAT})[-9:])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    models = [load_model(name) for name in names]
    assert found[:-1] == [f"{model.weights_hash} {model.encode_chat(CHAT)[-9:]}" for model in models]
    assert len({model.weights_hash for model in models}) == len(models)


def test_type_of_the_weights_is_in_their_hash() -> None:
    assert (
        load_model("tiny-random-llama").weights_hash != load_model("tiny-random-llama", dtype="bfloat16").weights_hash
    )
