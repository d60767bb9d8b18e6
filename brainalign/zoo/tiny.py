"""Tiny models of every architecture: the true classes of transformers, seeded random weights, nothing downloaded.

Each keeps what makes its family special: grouped heads throughout, Mistral's sliding window (16 tokens, so that it acts
on short prompts), Gemma 2's soft caps, alternating windows and normed attention output, Qwen 2's biases, Qwen 3's
normed queries and keys with heads wider than the model, Phi 3's fused projections and partial rotation, tied and untied
heads.
"""

from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from brainalign.artifacts import hash_arrays, hash_json
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.placement import placed
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
_SPECIAL: dict[str, dict[str, Any]] = {
    "llama": {"rope_theta": 1e4, "tie_word_embeddings": False},
    "qwen2": {"rope_theta": 1e6, "tie_word_embeddings": True},
    "qwen3": {"rope_theta": 1e6, "tie_word_embeddings": True, "head_dim": 32},
    "mistral": {"rope_theta": 1e4, "tie_word_embeddings": False, "head_dim": 16, "sliding_window": WINDOW},
    "phi3": {"rope_theta": 1e4, "tie_word_embeddings": True, "partial_rotary_factor": 0.75},
    "gemma2": {
        "rope_theta": 1e4,
        "tie_word_embeddings": True,
        "head_dim": 32,
        "sliding_window": WINDOW,
        "query_pre_attn_scalar": 32,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
    },
}
# Chosen so that each model says True to some problems and False to others.
_SEEDS = {"llama": 31, "qwen2": 7, "qwen3": 12, "mistral": 8, "phi3": 9, "gemma2": 4}


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Make a tiny model: the same weights in every process, the global random state untouched."""
    tokenizer = build_tokenizer(facts.family)
    config = _config(facts.family, tokenizer)
    with torch.random.fork_rng():
        module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    seed = _SEEDS[facts.family]
    _fill(module, seed)
    model = LanguageModel(facts, module, tokenizer, "")
    _lengthen_answers(model)
    model.module = placed(module, options)
    model.weights_hash = _hash(module, seed, options.dtype)
    return model


def _config(family: str, tokenizer: Any) -> Any:
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    # Published vocabularies are padded beyond their tokenizer; so is this one.
    size = len(tokenizer) + N_UNUSED_ROWS
    return AutoConfig.for_model(family, vocab_size=size, **_SIZES, **_SPECIAL[family], **ids)


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


def _hash(module: Any, seed: int, dtype: str) -> str:
    state = module.state_dict()
    weights: dict[str, np.ndarray] = {name: value.float().cpu().numpy() for name, value in state.items()}
    settings = {"seed": seed, "model_type": module.config.model_type, "special": _SPECIAL[module.config.model_type]}
    return hash_json({"weights": hash_arrays(weights), "settings": settings, "sizes": _SIZES, "dtype": dtype})
