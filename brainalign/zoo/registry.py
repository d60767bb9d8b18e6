"""The registry of models: a name, its facts, and where its builder stands."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from brainalign.errors import ModelError
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.nano.sizes import SIZES as NANO_SIZES

if TYPE_CHECKING:
    from brainalign.zoo.language_model import LanguageModel

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Entry:
    """A row of the registry; `builder` is ``"module:function"``, so that a listing imports no torch."""

    facts: ModelFacts
    builder: str

    def build(self, options: LoadOptions) -> "LanguageModel":
        """Import the builder and call it."""
        module, function = self.builder.split(":")
        builder: Callable[[ModelFacts, LoadOptions], LanguageModel] = getattr(import_module(module), function)
        return builder(self.facts, options)


def _tiny(family: str, n_parameters: int) -> Entry:
    facts = ModelFacts(
        name=f"tiny-random-{family}",
        hub_id=None,
        n_parameters=n_parameters,
        n_layers=4,
        hidden_size=64,
        family=family,
        licence="MIT",
        memory_gib=0.5,
    )
    return Entry(facts, "brainalign.zoo.tiny:build")


_ROWS = (
    Entry(
        ModelFacts(
            name="smollm2-135m",
            hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
            n_parameters=134_515_008,
            n_layers=30,
            hidden_size=576,
            family="llama",
            licence="Apache-2.0",
            quantisation="gguf-q4_1 dequantised to float32",
            memory_gib=1.5,
        ),
        "brainalign.zoo.smollm2:build",
    ),
    _tiny("llama", 261_184),
    _tiny("qwen2", 214_208),
    _tiny("qwen3", 263_232),
    _tiny("mistral", 261_184),
    _tiny("phi3", 213_824),
    _tiny("gemma2", 266_752),
    *(Entry(size.facts, "brainalign.zoo.nano.model:build") for size in NANO_SIZES),
)
REGISTRY = {entry.facts.name: entry for entry in _ROWS}


def list_models() -> list[ModelFacts]:
    """Facts of every model, in the registry's order."""
    return [entry.facts for entry in REGISTRY.values()]


def model_facts(name: str) -> ModelFacts:
    """Facts of one model.

    Raises
    ------
    ModelError
        The name is unknown; the message has the nearest one.
    """
    return _entry(name).facts


def load_model(
    name: str, *, dtype: str = "float32", device: str = "cpu", cache: Path | str | None = None
) -> "LanguageModel":
    """Load a model by its name, ready for inference.

    Parameters
    ----------
    name : str
        A name of `list_models`.
    dtype : {"float32", "bfloat16", "float16"}
        Type of the weights; part of the model's `weights_hash`.
    device : str
        A torch device, such as ``"cpu"`` or ``"cuda:0"``.
    cache : path, optional
        Where converted weights are kept; default ``BRAINALIGN_CACHE``, else the system's user cache.

    Raises
    ------
    ModelError
        Unknown name or type, weights that are absent or damaged.
    """
    if dtype not in DTYPES:
        raise ModelError(f"expected a dtype of {', '.join(DTYPES)}, found {dtype!r}: choose one of them")
    options = LoadOptions(dtype=dtype, device=device, cache=None if cache is None else Path(cache))
    return _entry(name).build(options)


def _entry(name: str) -> Entry:
    if name in REGISTRY:
        return REGISTRY[name]
    nearest = difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.0)[0]
    raise ModelError(
        f"expected a model of the zoo, found {name!r}: did you mean {nearest!r}? (all: {', '.join(REGISTRY)})"
    )
