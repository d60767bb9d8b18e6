"""Studies on a Ray cluster: submit, follow, stop and pull jobs.

What stands here is loaded when it is first used: a cluster imports this package before it is known what else it has.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_NAMES = {
    "Submission": "submission",
    "SubmitConfig": "submission",
    "follow": "following",
    "pull": "retrieval",
    "stop": "following",
    "submit": "submission",
}

__all__ = [
    "Submission",
    "SubmitConfig",
    "follow",
    "pull",
    "stop",
    "submit",
]

if TYPE_CHECKING:
    from brainalign.launch.following import follow, stop
    from brainalign.launch.retrieval import pull
    from brainalign.launch.submission import Submission, SubmitConfig, submit


def __getattr__(name: str) -> Any:
    """Load a name at its first use."""
    if name not in _NAMES:
        raise AttributeError(f"module 'brainalign.launch' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.launch.{_NAMES[name]}"), name)
