"""Weights on their device, in their type."""

from typing import Any

import torch

from brainalign.errors import ModelError
from brainalign.zoo.facts import LoadOptions


def placed(module: Any, options: LoadOptions) -> Any:
    """Move a model to the device and the type that the options name.

    Raises
    ------
    ModelError
        The device is unknown, or this machine has none such.
    """
    try:
        return module.to(device=torch.device(options.device), dtype=getattr(torch, options.dtype))
    except (RuntimeError, AssertionError) as error:
        # torch says "not compiled with CUDA" by an AssertionError, all else by a RuntimeError.
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"expected a device of this machine with room for the model, found {options.device!r} ({reason}): "
            "choose another, such as 'cpu'"
        ) from error
