"""Build the model: the base's weights with the adapter of the package merged into them.

    W' = W + alpha / r B A

The adapter is read as peft saves it, without peft: to the rest of the platform the model is like any other.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from brainalign.artifacts import hash_arrays, hash_json
from brainalign.errors import ModelError
from brainalign.zoo import smollm2
from brainalign.zoo.facts import LoadOptions, ModelFacts
from brainalign.zoo.language_model import LanguageModel
from brainalign.zoo.loading import held

WEIGHTS = "weights"
ADAPTER_FILE, CONFIG_FILE = "adapter_model.safetensors", "adapter_config.json"
_PREFIX, _FIRST, _SECOND = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True)
class Adapter:
    """Factors of an adapter.

    Attributes
    ----------
    changes : dict of str to Tensor
        float32, what is added to the weight of each module, by the module's path.
    content_hash : str
        Over names and numbers; the bytes of the file are ordered anew whenever it is written.
    """

    changes: dict[str, torch.Tensor]
    content_hash: str

    def times(self, strength: float) -> "Adapter":
        """Multiply what the adapter changes."""
        changes = {name: strength * change for name, change in self.changes.items()}
        return Adapter(changes, hash_json([self.content_hash, strength]))


def build(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the base, converting it first where the cache has none, and merge the adapter of the package into it.

    Raises
    ------
    ModelError
        The base's package is not installed, or the adapter is absent or damaged.
    """
    with as_file(files(__package__).joinpath(WEIGHTS)) as folder:
        return read_model(facts, folder, options)


def read_model(facts: ModelFacts, folder: Path, options: LoadOptions) -> LanguageModel:
    """Load the base of a model and merge the adapter of a folder into it.

    Raises
    ------
    ModelError
        As `build`, or the adapter is another model's.
    """
    adapter = read_adapter(folder)
    base = read_base(facts, LoadOptions(cache=options.cache))
    for name, changed in _merged(base.module, adapter).items():
        base.module.get_submodule(name).weight.data = changed
    weights_hash = hash_json({"base": base.weights_hash, "adapter": adapter.content_hash, **options.identity})
    return LanguageModel(options.recorded(facts), held(base.module, options), base.tokenizer, weights_hash)


def read_base(facts: ModelFacts, options: LoadOptions) -> LanguageModel:
    """Load the model that another was trained from."""
    from brainalign.zoo.registry import model_facts

    if facts.base is None:
        raise ModelError(f"expected a model that was trained from another, found {facts.name}: take one with a base")
    return smollm2.build(model_facts(facts.base), options)


def read_adapter(folder: Path) -> Adapter:
    """Read an adapter as peft saves it.

    Raises
    ------
    ModelError
        A file is absent or damaged.
    """
    path = folder / ADAPTER_FILE
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        scale = float(config["lora_alpha"]) / float(config["r"])
        factors = {name: value.float() for name, value in load_file(path).items()}
        changes = {
            name.removeprefix(_PREFIX).removesuffix(_FIRST): scale * factors[name.replace(_FIRST, _SECOND)] @ first
            for name, first in factors.items()
            if name.endswith(_FIRST)
        }
        content_hash = hash_json(
            {"weights": hash_arrays({name: value.numpy() for name, value in factors.items()}), "scale": scale}
        )
    except Exception as error:  # safetensors and torch raise many kinds for a damaged file
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"expected an adapter in {folder}, found {reason}: install the package again, or train it"
        ) from error
    return Adapter(changes, content_hash)


@contextmanager
def merged(model: LanguageModel, adapter: Adapter) -> Iterator[None]:
    """Let a model have the adapter merged into its weights until the context is left."""
    changed = _merged(model.module, adapter)
    modules: dict[str, Any] = {name: model.module.get_submodule(name) for name in changed}
    before = {name: module.weight.data for name, module in modules.items()}
    try:
        for name, module in modules.items():
            module.weight.data = changed[name]
        yield
    finally:
        for name, module in modules.items():
            module.weight.data = before[name]


@torch.no_grad()
def _merged(module: Any, adapter: Adapter) -> dict[str, torch.Tensor]:
    """Weights with the adapter in them, by the path of their module; the model's own stay as they are.

    Raises
    ------
    ModelError
        The model has no such module, or one of another shape.
    """
    found = {}
    for name, change in adapter.changes.items():
        try:
            weight = module.get_submodule(name).weight
        except AttributeError:
            weight = None
        if weight is None or weight.shape != change.shape:
            shape = "none" if weight is None else tuple(weight.shape)
            raise ModelError(
                f"expected a weight of shape {tuple(change.shape)} at {name} for the adapter, found {shape}: "
                "it belongs to another model"
            )
        found[name] = (weight.float() + change.to(weight.device)).to(weight.dtype)
    return found
