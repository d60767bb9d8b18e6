"""A published model without its weights: the true class on the meta device, for counts and shapes."""

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from brainalign.errors import ModelError
from brainalign.zoo.recorded import recorded


def recorded_config(name: str) -> Any:
    """Make the configuration of transformers from what is recorded of a model.

    Raises
    ------
    ModelError
        Nothing is recorded, or transformers does not know the architecture.
    """
    attributes = dict(recorded(name).config)
    model_type = attributes.pop("model_type")
    try:
        return AutoConfig.for_model(model_type, **attributes)
    except ValueError as error:
        raise ModelError(
            f"expected an architecture that transformers knows, found {model_type!r} for {name}: install a newer one"
        ) from error


def meta_model(name: str) -> Any:
    """Build a causal language model that has every parameter's shape and no number."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(recorded_config(name), dtype=torch.bfloat16)


def count_parameters(module: Any) -> int:
    """Count trained numbers, tied ones once."""
    return sum(parameter.numel() for parameter in module.parameters())
