"""A folder of safetensors becomes a causal language model, placed and quantised as its options say."""

import tempfile
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


def held(module: Any, options: LoadOptions) -> Any:
    """Hold a model that is in memory as its options say.

    Where they ask for more than a device and a type it is loaded through a folder, as published models are; a group of
    processes shares the folder of its first.
    """
    if options == LoadOptions(dtype=options.dtype, device=options.device):
        return placed(module, options)
    in_group = torch.distributed.is_initialized()
    with tempfile.TemporaryDirectory() as own, quiet_loading():
        folders = [own]
        if in_group:
            torch.distributed.broadcast_object_list(folders)
        module.save_pretrained(folders[0])  # transformers lets the group's first process write alone
        if in_group:
            torch.distributed.barrier()
        loaded = load_weights(Path(folders[0]), options)
        if in_group:
            torch.distributed.barrier()
    return loaded


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
