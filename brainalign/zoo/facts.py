"""What is known of a model before it is loaded; imports nothing heavy."""

from dataclasses import dataclass, field
from pathlib import Path

NOT_QUANTISED = "none"


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model before it is loaded.

    Attributes
    ----------
    name : str
        The name in the registry.
    hub_id : str or None
        The repository on the hub; None for a model that stands on none.
    n_parameters : int
        Trained numbers, tied ones counted once.
    n_layers, hidden_size : int
        Decoder layers and the width of the residual stream.
    family : str
        The model type of transformers (``"llama"``, ``"gemma2"``, …).
    licence : str
        SPDX name of the weights' licence.
    gated : bool
        The hub asks for an accepted licence or a login.
    embedded : bool
        The weights come from a package or are made here: nothing is downloaded.
    quantisation : str
        What was done to the published weights.
    memory_gib : float
        Memory for inference in float32, GiB: weights and working space.
    """

    name: str
    hub_id: str | None
    n_parameters: int
    n_layers: int
    hidden_size: int
    family: str
    licence: str
    gated: bool = False
    embedded: bool = True
    quantisation: str = NOT_QUANTISED
    memory_gib: float = 0.5


@dataclass(frozen=True)
class LoadOptions:
    """How a model is loaded; `dtype` is part of what it computes, device and cache are not."""

    dtype: str = "float32"
    device: str = "cpu"
    cache: Path | None = field(default=None, compare=False)
