"""What devices do in practice, for costs that nobody has measured yet."""

from dataclasses import dataclass

UNMEASURED = 3.0
"""A modelled time may be this many times shorter or longer."""


@dataclass(frozen=True)
class Device:
    """What a device does in practice, well below its data sheet.

    Attributes
    ----------
    name : str
    flops : float
        Operations of matrix products a second, in the type of the weights (float32 on a CPU core, 16 bits on a GPU).
    bytes_per_s : float
        How fast weights are read from its memory.
    launch_s : float
        What a layer costs besides, in a pass, s.
    load_bytes_per_s : float
        How fast weights come from disk to the device.
    """

    name: str
    flops: float
    bytes_per_s: float
    launch_s: float
    load_bytes_per_s: float


CPU_CORE = Device("a CPU core", flops=4e10, bytes_per_s=8e9, launch_s=2e-4, load_bytes_per_s=3e8)
# About a sixth of the data sheets' dense 16-bit figures, as eager code on a few hundred tokens a pass reaches, and 75 %
# of their memory bandwidth. Weights come from a local disk or the page cache.
_GPUS = (
    (24.0, Device("a GPU of up to 24 GiB (L4, A10)", 2e13, 2.3e11, 3e-4, 3e9)),
    (48.0, Device("a GPU of up to 48 GiB (A40, L40S)", 4e13, 5.5e11, 3e-4, 3e9)),
    (80.0, Device("a GPU of up to 80 GiB (A100, H100)", 1e14, 1.8e12, 3e-4, 3e9)),
    (1e9, Device("a GPU of more than 80 GiB (H200, B200)", 1.6e14, 3.5e12, 3e-4, 3e9)),
)
FASTEST = _GPUS[-1][1]
REFERENCE = _GPUS[2][1]
"""What modelled costs are told in where they are searched for: the same wherever a study runs."""


def gpu(memory_gib: float) -> Device:
    """Class of a GPU by its memory."""
    return next(device for most_gib, device in _GPUS if memory_gib <= most_gib)
