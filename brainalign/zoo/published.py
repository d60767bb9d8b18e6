"""Published models from a folder of safetensors: checked from configuration to weights before any GPU is asked for."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerFast

from brainalign.artifacts import hash_json
from brainalign.errors import ModelError
from brainalign.zoo.chat import Chat, context_of
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.loading import load_weights
from brainalign.zoo.meta import count_parameters
from brainalign.zoo.model_files import SIDECAR, Sidecar, check_sizes, read_config, sha256_of, tensor_names, weight_files
from brainalign.zoo.places import find_folder


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load a fetched model.

    Raises
    ------
    ModelError
        Nothing was fetched, a file is damaged, or it is another model than the row says.
    """
    return load_folder(find_folder(facts, options.cache), facts, options)


def load_folder(folder: Path, facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load a model from the files of a folder."""
    config = checked_config(folder, facts)
    tokenizer = load_tokenizer(folder)
    Chat(facts, tokenizer, context_of(config)).check()
    hashes = check_weights(folder, facts, config)
    module = load_weights(folder, options)
    module.generation_config = generation_config(facts)
    weights_hash = hash_json({"files": hashes, **options.identity})
    return LanguageModel(options.recorded(facts), module, tokenizer, weights_hash)


def checked_config(folder: Path, facts: ModelFacts) -> Any:
    """Read a folder's configuration and compare it with the row of the registry.

    Raises
    ------
    ModelError
        An architecture that transformers or the row does not know, or other sizes.
    """
    found = read_config(folder).get("model_type")
    if found != facts.family:
        raise ModelError(
            f"expected the architecture {facts.family!r} of {facts.name} in {folder}, found {found!r}: fetch the right "
            "model, or add a row for this one"
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except ValueError as error:
        raise ModelError(
            f"expected an architecture that this transformers knows, found {found!r} in {folder}: install a newer one"
        ) from error
    sizes = {
        "num_hidden_layers": facts.n_layers,
        "hidden_size": facts.hidden_size,
        "num_attention_heads": facts.n_heads,
        "num_key_value_heads": facts.n_kv_heads,
    }
    for name, expected in sizes.items():
        if expected and getattr(config, name) != expected:
            raise ModelError(
                f"expected {name} {expected} of {facts.name} in {folder}, found {getattr(config, name)}: this is "
                "another model or revision, fetch the right one"
            )
    return config


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer as it was saved: its own ``tokenizer.json``, not one that its class would rebuild.

    Raises
    ------
    ModelError
        The folder has no tokenizer.
    """
    kind = PreTrainedTokenizerFast if (folder / "tokenizer.json").is_file() else AutoTokenizer
    try:
        return kind.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"expected a tokenizer (tokenizer.json) in {folder}, found {reason}: fetch the model's own files"
        ) from error


def check_weights(folder: Path, facts: ModelFacts, config: Any) -> dict[str, str]:
    """Check that weights are whole and those of the row, and give their SHA-256 by file.

    Raises
    ------
    ModelError
        A file is cut short, a tensor is missing, or the model has another size.
    """
    files = weight_files(folder)
    held = set().union(*(tensor_names(path) for path in files))
    with torch.device("meta"):
        shapes = AutoModelForCausalLM.from_config(config)
    if count_parameters(shapes) != facts.n_parameters:
        raise ModelError(
            f"expected {facts.n_parameters} parameters of {facts.name}, found {count_parameters(shapes)} by the "
            f"configuration in {folder}: this is another model, fetch the right one"
        )
    missing = sorted(name for name, _ in shapes.named_parameters() if name not in held)
    if missing:
        raise ModelError(
            f"expected every weight of {facts.name} in {folder}, found {len(missing)} missing, such as {missing[0]}: "
            "fetch the model again"
        )
    if not (folder / SIDECAR).is_file():
        return {path.name: sha256_of(path) for path in files}
    sidecar = Sidecar.read((folder / SIDECAR).read_text(encoding="utf-8"), str(folder))
    check_sizes(folder, sidecar)
    return {path.name: sidecar.files[path.name][1] for path in files}


def generation_config(facts: ModelFacts) -> GenerationConfig:
    """Greedy, and without a repetition penalty: a penalty lowers the very words that stand in the prompt."""
    stops = list(facts.stop_ids)
    return GenerationConfig(
        do_sample=False, repetition_penalty=1.0, eos_token_id=stops or None, pad_token_id=stops[0] if stops else None
    )
