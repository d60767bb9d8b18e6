"""Build a nano model from the weights that are in the package, and write such weights."""

from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from brainalign.artifacts import hash_file, hash_json, write_atomically
from brainalign.errors import ModelError
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.loading import held
from brainalign.zoo.nano.forward import EPSILON, THETA
from brainalign.zoo.nano.sizes import CONTEXT, N_LAYERS, SIZES, VOCABULARY, Size
from brainalign.zoo.nano.tokenizer import END, build_tokenizer

WEIGHTS = "weights"
_QKV = ("q_proj", "k_proj", "v_proj")


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the model of that name from the package.

    Raises
    ------
    ModelError
        The package lacks its weights, or they are damaged.
    """
    size = next(size for size in SIZES if size.name == facts.name)
    with as_file(files(__package__).joinpath(WEIGHTS, f"{size.name}.safetensors")) as path:
        return read_model(size, path, options)


def read_model(size: Size, path: Path, options: LoadOptions) -> LanguageModel:
    """Load a model of a size from a file that `write_weights` wrote.

    Raises
    ------
    ModelError
        There is no such file, or it is damaged or another size's.
    """
    module = empty_module(size)
    try:
        state = load_file(path)
        module.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
        missing = set(module.state_dict()) - set(state) - {"lm_head.weight"}
    except Exception as error:  # safetensors and torch raise many kinds for a damaged file
        raise ModelError(_damaged(path, str(error).splitlines()[0])) from error
    if missing:
        raise ModelError(_damaged(path, f"none of {len(missing)} tensors ({min(missing)}, …)"))
    module.tie_weights()
    weights_hash = hash_json({"file": hash_file(path), **options.identity})
    return LanguageModel(options.recorded(size.facts), held(module, options), build_tokenizer(), weights_hash)


def _damaged(path: Path, found: str) -> str:
    return f"expected the weights of a nano model in {path}, found {found}: install the package again"


def empty_module(size: Size) -> Any:
    """Make the model of transformers that has a size's shape, its weights drawn by transformers."""
    end = build_tokenizer().convert_tokens_to_ids(END)
    n_heads = size.width // size.head_dim
    config = AutoConfig.for_model(
        size.family,
        vocab_size=VOCABULARY,
        hidden_size=size.width,
        intermediate_size=size.mlp_width,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=n_heads,
        num_key_value_heads=n_heads,
        head_dim=size.head_dim,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=EPSILON,
        rope_theta=THETA,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
    )
    with torch.random.fork_rng():
        return AutoModelForCausalLM.from_config(config, dtype=torch.float32)


def write_weights(weights: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write the weights of a run in bfloat16, named as transformers names them."""
    state = {name: value.detach().bfloat16().contiguous() for name, value in named_weights(weights).items()}
    write_atomically(path, lambda temporary: save_file(state, temporary, metadata={"format": "pt"}))


def named_weights(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the weights of a run the names and shapes of transformers; the head for roles is left out."""
    state = {"model.embed_tokens.weight": weights["embedding"], "model.norm.weight": weights["final_norm"]}
    for layer in range(N_LAYERS):
        own = {
            "input_layernorm": weights["attention_norm"],
            "post_attention_layernorm": weights["mlp_norm"],
            "self_attn.o_proj": weights["out"],
            "mlp.down_proj": weights["down"],
            "mlp.gate_proj": weights["gate_up"][:, 0],
            "mlp.up_proj": weights["gate_up"][:, 1],
            **{f"self_attn.{name}": weights["qkv"][:, place] for place, name in enumerate(_QKV)},
        }
        if "qk_norm" in weights:
            own |= {f"self_attn.{name}_norm": weights["qk_norm"][:, place] for place, name in enumerate("qk")}
        state |= {f"model.layers.{layer}.{name}.weight": value[layer] for name, value in own.items()}
    return state
