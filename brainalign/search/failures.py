"""What went wrong in a trial: out of memory, no number, the user's mistake, or another error."""

import gc
from typing import Literal

from brainalign.errors import InputError, ModelError, NotFiniteError

FailureClass = Literal["memory", "lost", "nan", "user", "error"]
FAILURES: dict[FailureClass, str] = {
    "memory": "out of memory, smaller batches tried where the kind has batches",
    "lost": "worker or node lost, tried again elsewhere",
    "nan": "a figure is not a number",
    "user": "the user's to mend; the study was stopped",
    "error": "another error",
}
# How allocators say it that raise a plain RuntimeError.
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
)


def failure_class(error: BaseException) -> FailureClass:
    """Class of an exception."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "memory"
    if isinstance(error, (NotFiniteError, FloatingPointError)):
        return "nan"
    if isinstance(error, (InputError, ModelError)):
        return "user"
    text = str(error).lower()
    if isinstance(error, (RuntimeError, OSError)) and any(words in text for words in _OUT_OF_MEMORY):
        return "memory"
    return "error"


def release_memory() -> None:
    """Give memory back before another try."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def device_name() -> str:
    """Name of the GPU that this process has; ``"cpu"`` where it has none."""
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "cpu"
