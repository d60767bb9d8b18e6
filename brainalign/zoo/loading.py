"""A folder of safetensors becomes a causal language model, placed and quantised as its options say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from brainalign.errors import ModelError
from brainalign.zoo.facts import AUTO, NOT_QUANTISED, LoadOptions
from brainalign.zoo.placement import check_processes, free_memory, placed, single_device, spread
from brainalign.zoo.quantisation import check_widths, quantiser, quiet_packages


def load_weights(folder: Path, options: LoadOptions) -> Any:
    """Load a folder's model; on a CPU its weights are mapped where they are stored in the type asked for.

    Raises
    ------
    ModelError
        A device, quantisation or number of processes that this machine or the model does not have.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    check_widths(config, options)
    placing = _placing(config, options)
    given: dict[str, Any] = {"dtype": getattr(torch, options.dtype), "local_files_only": True, "use_safetensors": True}
    config_of_quantiser = quantiser(options)
    if config_of_quantiser is not None:
        given["quantization_config"] = config_of_quantiser
    try:
        with quiet_loading(), quiet_packages():
            module = AutoModelForCausalLM.from_pretrained(folder, **given, **placing)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"expected a device of this machine with room for the model, found {options.device!r} ({reason}): "
            "choose another, such as 'cpu'"
        ) from error
    return module if placing else placed(module, options)


def _placing(config: Any, options: LoadOptions) -> dict[str, Any]:
    """Arguments of transformers for all but the plain way, which is loading on the CPU and moving."""
    if options.processes > 1:
        from transformers.distributed import DistributedConfig

        if options.quantisation != NOT_QUANTISED:
            raise ModelError(
                f"expected weights as they are where processes share layers, found {options.quantisation}: "
                "spread the quantised model with device='auto'"
            )
        check_processes(config, options.processes)
        return {"distributed_config": DistributedConfig(tp_size=options.processes)}
    if options.device == AUTO and torch.cuda.device_count() > 1:
        with torch.device("meta"):
            shapes = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, options.dtype))
        return {"device_map": spread(shapes, free_memory(), options)}
    if options.quantisation != NOT_QUANTISED:
        return {"device_map": {"": single_device(options)}}
    return {}


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Keep transformers' bars for each tensor out of the terminal."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
