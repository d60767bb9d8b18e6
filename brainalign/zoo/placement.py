"""Where weights go: one device, several GPUs layer by layer, or several processes that share every layer.

On a CPU weights that are stored in the type that they are loaded in are not read but mapped, privately and
copy-on-write: however many processes of a node load a model, its pages lie in memory once, and training in one of them
leaves the others' as they are. On GPUs each process has its copy; what is shared is the node's cache of the file.
"""

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import infer_auto_device_map
from accelerate.utils import get_balanced_memory

from brainalign.errors import ModelError
from brainalign.zoo.facts import AUTO, LoadOptions

FILL = 0.92
"""Share of a GPU's free memory that weights and what is computed with them may take."""
# Inference needs room for keys and values beside the weights: 5 % and 1 GiB, as the facts of the models have it.
_ROOM_SHARE = 0.05
_ROOM_BYTES = 1 << 30
Devices = dict[str, int | str]


def placed(module: Any, options: LoadOptions) -> Any:
    """Move a model to the device and the type that the options name; a model on several GPUs stays as it is.

    Raises
    ------
    ModelError
        The device is unknown, or this machine has none such.
    """
    try:
        return module.to(device=torch.device(single_device(options)), dtype=getattr(torch, options.dtype))
    except (RuntimeError, AssertionError) as error:
        # torch says "not compiled with CUDA" by an AssertionError, all else by a RuntimeError.
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"expected a device of this machine with room for the model, found {options.device!r} ({reason}): "
            "choose another, such as 'cpu'"
        ) from error


def single_device(options: LoadOptions) -> str:
    """Name the one device of the options; ``"auto"`` is the first GPU that this process sees, else the CPU."""
    if options.device != AUTO:
        return options.device
    return "cuda:0" if torch.cuda.is_available() else "cpu"


def free_memory() -> dict[int, int]:
    """Bytes that weights may take on each GPU that this process sees."""
    return {number: int(FILL * torch.cuda.mem_get_info(number)[0]) for number in range(torch.cuda.device_count())}


def spread(module: Any, memory: Mapping[int, int], options: LoadOptions) -> Devices:
    """Say for each part of a model on which GPU it goes: on one where it fits, else equal shares, no layer cut.

    Parameters
    ----------
    module : PreTrainedModel
        On the meta device, in the type that it will have, its layers already quantised where they will be.
    memory : mapping of int to int
        Bytes free on each GPU.
    options : LoadOptions
        For the message.

    Raises
    ------
    ModelError
        All GPUs together have too little memory; nothing is put on CPU or disk unasked.
    """
    module.tie_weights()
    dtype = getattr(torch, options.dtype)
    whole = sum(parameter.numel() for parameter in module.parameters()) * dtype.itemsize
    needed = int(whole * (1 + _ROOM_SHARE)) + _ROOM_BYTES
    roomy = [number for number, free in memory.items() if free >= needed]
    if roomy:
        return {"": roomy[0]}
    unsplit = list(module._no_split_modules)
    balanced = get_balanced_memory(
        module, max_memory=dict(memory), no_split_module_classes=unsplit, dtype=dtype, low_zero=False
    )
    found: Devices = infer_auto_device_map(module, balanced, no_split_module_classes=unsplit, dtype=dtype)
    outside = [part for part, device in found.items() if not isinstance(device, int)]
    if outside or needed > sum(memory.values()):
        have = sum(memory.values()) / 2**30
        raise ModelError(
            f"expected GPUs with {needed / 2**30:.0f} GiB together for a model in {options.dtype}, found {len(memory)} "
            f"with {have:.0f} GiB free: take more GPUs, or load it in fp8 or nf4"
        )
    return found


def check_processes(config: Any, n_processes: int) -> None:
    """Compare a tensor-parallel load with the heads of the model and the processes that there are.

    Raises
    ------
    ModelError
        Heads that do not divide among the processes, an architecture without a plan, or no process group of this size.
    """
    if not getattr(config, "base_model_tp_plan", None):
        raise ModelError(
            f"expected an architecture whose layers can be shared by processes, found {config.model_type!r}: "
            "load it on one device or spread it with device='auto'"
        )
    if config.num_key_value_heads % n_processes or config.num_attention_heads % n_processes:
        raise ModelError(
            f"expected a number of processes that divides {config.num_attention_heads} heads and "
            f"{config.num_key_value_heads} key-value heads, found {n_processes}: choose another"
        )
    group = torch.distributed.is_initialized()
    found = torch.distributed.get_world_size() if group else 1
    if found != n_processes:
        raise ModelError(
            f"expected {n_processes} processes in a torch.distributed group, found {found}: start them with "
            f"`torchrun --nproc-per-node {n_processes}` or Ray Train and initialise the group first"
        )
