"""The processes of a training: one by itself, or those that a launcher has brought together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed
from torch._C._distributed_c10d import HashStore

_UNUSED_OP = "deepspeed_shm_comm"


@dataclass(frozen=True)
class ProcessGroup:
    """A process among those that train together.

    Attributes
    ----------
    rank : int
    size : int
        How many there are.
    device : torch.device
        Where this process computes.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Sum float64 values over all processes; the same sum in each."""
        summed = values.to(device=self.device, dtype=torch.float64)
        if self.size > 1:
            distributed.all_reduce(summed)
        return summed.cpu()

    def share_first(self, value: Any) -> Any:
        """Give every process what the first one has; others may pass anything."""
        held = [value]
        if self.size > 1:
            distributed.broadcast_object_list(held, src=0, device=self.device)
        return held[0]


def join_group(device: torch.device) -> ProcessGroup:
    """Join the group of a launcher, or make one of this process alone on the device.

    A group of one needs no address: its store lies in the process, so several such processes of a machine do not meet.
    It stays for the next training of the process.
    """
    if not distributed.is_initialized():
        backend = "gloo" if device.type == "cpu" else "nccl"
        distributed.init_process_group(backend, store=HashStore(), rank=0, world_size=1)
    elif distributed.get_backend() == "nccl":
        device = torch.device("cuda", torch.cuda.current_device())
    return ProcessGroup(distributed.get_rank(), distributed.get_world_size(), device)


def import_deepspeed() -> Any:
    """Import DeepSpeed for this machine's accelerator, quiet, with nothing left to compile.

    Its one operation for CPUs speeds up inference over several processes only. Leaving it out saves the minute that
    g++ takes at the first use on a machine, and the need for g++.
    """
    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed
    import deepspeed.ops

    deepspeed.ops.__compatible_ops__[_UNUSED_OP] = False
    deepspeed.logger.setLevel("ERROR")
    return deepspeed


@contextmanager
def local_rank(device: torch.device) -> Iterator[None]:
    """Tell DeepSpeed the GPU of this process where no launcher has done so; the environment is as before afterwards."""
    if "LOCAL_RANK" in os.environ:
        yield
        return
    os.environ["LOCAL_RANK"] = str(device.index or 0)
    try:
        yield
    finally:
        del os.environ["LOCAL_RANK"]
