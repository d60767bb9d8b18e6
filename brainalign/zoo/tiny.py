"""Tiny models of every architecture: the true classes of transformers, seeded random weights, nothing downloaded.

Each keeps what makes its model special: grouped heads in all but Llama 2, Llama 3's slowed rotation, Mistral's sliding
window (16 tokens, so that it acts on short prompts), Gemma 2's soft caps, alternating windows and normed attention
output, Gemma 3's two rotations, Qwen 2's biases, Qwen 3's normed queries and keys with heads wider than the model,
Phi-4-mini's fused projections and partial, rescaled rotation, tied and untied heads.
"""

from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from brainalign.artifacts import hash_arrays, hash_json
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.loading import held
from brainalign.zoo.tiny_tokenizers import build_tokenizer

WINDOW = 16
N_UNUSED_ROWS = 32
# Spread of a word's vector. Small beside what attention adds, so that prompts differ at their last token.
WORD_SCALE = 0.3
# The vectors of True and False are this much longer in the output head, so that a random model answers at all.
ANSWER_SCALE = 6.0
_SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
_GEMMA = {"tie_word_embeddings": True, "head_dim": 32, "sliding_window": WINDOW, "query_pre_attn_scalar": 32}
# By what follows "tiny-random-" in the name.
_SPECIAL: dict[str, dict[str, Any]] = {
    "llama": {"rope_theta": 1e4, "tie_word_embeddings": False},
    "llama2": {"rope_theta": 1e4, "tie_word_embeddings": False, "num_key_value_heads": 4},
    "llama3": {
        "rope_theta": 5e5,
        "tie_word_embeddings": False,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            # So short that some of the eight angles are slowed and some are not.
            "original_max_position_embeddings": 64,
        },
    },
    "qwen2": {"rope_theta": 1e6, "tie_word_embeddings": True},
    "qwen3": {"rope_theta": 1e6, "tie_word_embeddings": True, "head_dim": 32},
    "mistral": {"rope_theta": 1e4, "tie_word_embeddings": False, "head_dim": 16, "sliding_window": WINDOW},
    "phi3": {
        "rope_theta": 1e4,
        "tie_word_embeddings": True,
        "partial_rotary_factor": 0.75,
        "max_position_embeddings": 16384,
        "original_max_position_embeddings": 4096,
        "rope_scaling": {
            "type": "longrope",
            "short_factor": [1.0, 1.0, 1.1, 1.2, 1.3, 1.5],
            "long_factor": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
        },
    },
    "gemma2": {**_GEMMA, "rope_theta": 1e4, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
    "gemma3": {
        **_GEMMA,
        "rope_theta": 1e6,
        "rope_local_base_freq": 1e4,
        "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
        "use_bidirectional_attention": False,
    },
}
# Chosen so that each model says True to some problems and False to others.
_SEEDS = {
    "llama": 31,
    "llama2": 2,
    "llama3": 1,
    "qwen2": 7,
    "qwen3": 12,
    "mistral": 8,
    "phi3": 9,
    "gemma2": 4,
    "gemma3": 1,
}


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Make a tiny model: the same weights in every process, the global random state untouched."""
    kind = facts.name.removeprefix("tiny-random-")
    tokenizer = build_tokenizer(kind)
    config = _config(facts.family, kind, tokenizer)
    with torch.random.fork_rng():
        module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    seed = _SEEDS[kind]
    _fill(module, seed)
    model = LanguageModel(facts, module, tokenizer, "")
    _lengthen_answers(model)
    model.weights_hash = _hash(module, kind, options)
    return LanguageModel(options.recorded(facts), held(module, options), tokenizer, model.weights_hash)


def _config(family: str, kind: str, tokenizer: Any) -> Any:
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    # Published vocabularies are padded beyond their tokenizer; so is this one.
    size = len(tokenizer) + N_UNUSED_ROWS
    return AutoConfig.for_model(family, vocab_size=size, **{**_SIZES, **_SPECIAL[kind]}, **ids)


@torch.no_grad()
def _fill(module: Any, seed: int) -> None:
    """Draw every weight from a generator of its own; biases and norms too, so that none can be forgotten unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 2:
            scale = WORD_SCALE if name.endswith(("embed_tokens.weight", "lm_head.weight")) else 1.0
            parameter.copy_(noise * (scale * parameter.shape[1] ** -0.5))
        elif name.endswith("norm.weight"):
            centre = 0.0 if "gemma" in module.config.model_type else 1.0
            parameter.copy_(centre + 0.1 * noise)
        else:
            parameter.copy_(0.1 * noise)


@torch.no_grad()
def _lengthen_answers(model: LanguageModel) -> None:
    rows = model.module.get_output_embeddings().weight
    rows[[*model.true_ids, *model.false_ids]] *= ANSWER_SCALE


def _hash(module: Any, kind: str, options: LoadOptions) -> str:
    state = module.state_dict()
    weights: dict[str, np.ndarray] = {name: value.float().cpu().numpy() for name, value in state.items()}
    settings = {"seed": _SEEDS[kind], "model_type": module.config.model_type, "special": _SPECIAL[kind]}
    return hash_json({"weights": hash_arrays(weights), "settings": settings, "sizes": _SIZES, **options.identity})
