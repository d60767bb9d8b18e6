"""Steering vectors: what they are, where they come from, and their files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.activations.hooks import Tokens
from brainalign.artifacts import provenance, write_atomically
from brainalign.errors import DataNotFoundError, InputError, ModelError
from brainalign.zoo.language_model import Site

if TYPE_CHECKING:
    from brainalign.zoo import LanguageModel

FORMAT_VERSION = 1
_FACTS = ("model", "weights_hash", "n_layers", "site", "tokens")


@dataclass(frozen=True, eq=False)
class SteeringVectors:
    """One vector a layer, made on one model.

    Attributes
    ----------
    model : str
        Name of the model in the zoo.
    weights_hash : str
        Of the weights that the vectors were made on.
    n_layers : int
        Layers of the model.
    layers : tuple of int
        Layers that have a vector, ascending, counted from 0.
    values : ndarray of float32, shape (len(layers), d)
    site : {"attention", "layer"}
        The output that they are added to.
    tokens : {"last", "all"}
        The tokens that they are added at.
    description : mapping
        What they are and the settings they were made with, JSON.

    Raises
    ------
    InputError
        Layers and values do not fit together, or a value is not finite.
    """

    model: str
    weights_hash: str
    n_layers: int
    layers: tuple[int, ...]
    values: NDArray[np.float32]
    site: Site = "attention"
    tokens: Tokens = "last"
    description: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inside = all(0 <= layer < self.n_layers for layer in self.layers)
        if not self.layers or not inside or list(self.layers) != sorted(set(self.layers)):
            raise InputError(
                f"expected one or more ascending layers from 0 to {self.n_layers - 1}, found {list(self.layers)}: "
                "give each layer one vector"
            )
        if self.values.ndim != 2 or len(self.values) != len(self.layers) or self.values.dtype != np.float32:
            raise InputError(
                f"expected float32 values of shape ({len(self.layers)}, d), found {self.values.dtype} "
                f"{self.values.shape}: give one vector for each layer"
            )
        if not np.isfinite(self.values).all():
            raise InputError("expected finite values in steering vectors, found NaN or infinity: make them again")

    @property
    def hidden_size(self) -> int:
        """Width of the vectors."""
        return int(self.values.shape[1])

    def to_dict(self) -> dict[int, Tensor]:
        """Return a plain dictionary of layer to tensor (d,), float32."""
        return {layer: torch.from_numpy(values.copy()) for layer, values in zip(self.layers, self.values, strict=True)}

    def check(self, model: "LanguageModel") -> None:
        """Refuse a model that the vectors were not made on.

        The name, the width and the number of layers must agree. The weights may differ, so that a fine-tuned copy or
        one in another precision can be steered.

        Raises
        ------
        ModelError
            They differ.
        """
        expected = (self.model, self.n_layers, self.hidden_size)
        found = (model.facts.name, model.n_layers, model.hidden_size)
        if expected != found:
            raise ModelError(
                f"expected the model of the vectors, {_spell(*expected)}, found {_spell(*found)}: "
                "steer that model, or make vectors on this one"
            )

    def save(self, path: Path | str) -> Path:
        """Write a safetensors file with one tensor a layer (``layer.7``) and, as metadata, where they come from."""
        from safetensors.numpy import save_file

        facts = {name: getattr(self, name) for name in _FACTS}
        facts |= {"version": FORMAT_VERSION, "description": dict(self.description), "provenance": provenance()}
        arrays = {f"layer.{layer}": values for layer, values in zip(self.layers, self.values, strict=True)}
        metadata = {"format": "pt", "brainalign": json.dumps(facts, sort_keys=True)}
        write_atomically(Path(path), lambda temporary: save_file(arrays, temporary, metadata=metadata))
        return Path(path)

    def export_gguf(self, path: Path | str, family: str) -> Path:
        """Write a GGUF control vector, as llama.cpp reads them: ``direction.L`` is added to the output of layer L.

        llama.cpp adds to layer outputs at every token. A file of vectors of another site or of the last token alone
        holds the same numbers, and says in ``controlvector.site`` and ``controlvector.tokens`` what they were made for.

        Parameters
        ----------
        path : path
        family : str
            Architecture of the model (``"llama"``, ``"gemma2"``, …), its ``facts.family``.

        Raises
        ------
        InputError
            A vector at layer 0, which the format has no place for.
        """
        from gguf import GGUFWriter

        if self.layers[0] == 0:
            raise InputError(
                "expected layers from 1 up in a GGUF control vector, found a vector at layer 0: leave that layer out"
            )

        def write(temporary: Path) -> None:
            writer = GGUFWriter(temporary, "controlvector")
            writer.add_string("controlvector.model_hint", family)
            writer.add_uint32("controlvector.layer_count", len(self.layers))
            for name in ("model", "site", "tokens"):
                writer.add_string(f"controlvector.{name}", getattr(self, name))
            for layer, values in zip(self.layers, self.values, strict=True):
                writer.add_tensor(f"direction.{layer}", values)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()

        write_atomically(Path(path), write)
        return Path(path)


def read_vectors(path: Path | str) -> SteeringVectors:
    """Read a file of :meth:`SteeringVectors.save`.

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        It holds no steering vectors.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"expected steering vectors in {path}, found no such file: make them first")
    try:
        with safe_open(path, framework="np") as handle:
            metadata = handle.metadata() or {}
            arrays = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 - not a mapping
        facts = json.loads(metadata["brainalign"])
        if facts["version"] != FORMAT_VERSION:
            raise InputError(
                f"expected steering vectors of version {FORMAT_VERSION} in {path}, found {facts['version']}: "
                "use the brainalign that wrote them"
            )
        by_layer = {int(name.removeprefix("layer.")): values for name, values in arrays.items()}
        layers = tuple(sorted(by_layer))
        return SteeringVectors(
            layers=layers,
            values=np.stack([by_layer[layer] for layer in layers]),
            description=facts["description"],
            **{name: facts[name] for name in _FACTS},
        )
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"expected steering vectors of this package in {path}, found {type(error).__name__}: {error}; "
            "name a file that `brainalign steer transfer --save` wrote"
        ) from error


def load_vectors(path: Path | str, model: "LanguageModel") -> SteeringVectors:
    """Read vectors and make sure that they were made on `model`.

    Raises
    ------
    DataNotFoundError, InputError
        See :func:`read_vectors`.
    ModelError
        They are of another model, width or number of layers.
    """
    vectors = read_vectors(path)
    vectors.check(model)
    return vectors


def _spell(name: str, n_layers: int, hidden_size: int) -> str:
    return f"{name} ({n_layers} layers, width {hidden_size})"
