"""Quantised weights (GGUF) that a package ships: de-quantised once to float32 safetensors, then loaded fast."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from brainalign.artifacts import hash_file, hash_json
from brainalign.errors import ModelError
from brainalign.zoo.cache import made_once, models_folder
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.loading import load_weights, quiet_loading

WEIGHTS = "model.safetensors"
SIDECAR = "brainalign.json"
# Raised when the conversion changes, so that an older cache is left alone instead of read.
CONVERSION = 1


def load_converted(facts: ModelFacts, options: LoadOptions, make: Callable[[Path], None]) -> LanguageModel:
    """Load a converted model; `make` fills its folder where the cache has none.

    Raises
    ------
    ModelError
        A file of the cache is damaged, or what `make` raises.
    """
    folder = converted_folder(facts, options)
    if not folder.exists():
        made_once(folder, make)
    sidecar = _check(folder)
    module = load_weights(folder, options)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    weights_hash = hash_json({**sidecar["hashes"], **options.identity})
    return LanguageModel(options.recorded(facts), module, tokenizer, weights_hash)


def converted_folder(facts: ModelFacts, options: LoadOptions) -> Path:
    """Where a converted model is kept."""
    return models_folder(options.cache) / f"{facts.name}-{CONVERSION}"


def convert(source: Path, target: Path) -> None:
    """De-quantise a GGUF file to float32 safetensors with tokenizer and hashes beside them."""
    where: dict[str, Any] = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
    with quiet_loading():
        module = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        # transformers would refuse to save a "quantised" model; the weights in memory are plain float32.
        del module.hf_quantizer, module.config.quantization_config
        module.save_pretrained(target)
        AutoTokenizer.from_pretrained(**where).save_pretrained(target)
    weights = target / WEIGHTS
    sidecar = {
        "hashes": {"source": hash_file(source), "weights": hash_file(weights)},
        "n_bytes": weights.stat().st_size,
    }
    (target / SIDECAR).write_text(json.dumps(sidecar, indent=1), encoding="utf-8")


def package_files(package: str, pattern: str) -> list[Path]:
    """Files of an installed package, found without importing it (that could import a runtime of its own)."""
    spec = importlib.util.find_spec(package)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    return sorted(file for place in places for file in Path(place).glob(pattern))


def _check(folder: Path) -> dict[str, Any]:
    """Read the sidecar and compare the size of the weights, the damage that a full disk or a bad copy does."""
    try:
        sidecar: dict[str, Any] = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        found = (folder / WEIGHTS).stat().st_size
        expected = sidecar["n_bytes"]
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"expected a whole converted model, found {error} in {folder}: delete that folder") from error
    if found != expected:
        raise ModelError(
            f"expected {expected} bytes in {folder / WEIGHTS}, found {found}: delete that folder, it is made again"
        )
    return sidecar
