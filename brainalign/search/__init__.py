"""Searches: Ray Tune as the driver, Optuna's suggestions, workers that keep a model loaded, resume and verification.

What needs Ray or Optuna is loaded when it is asked for: `study status` reads the ledger alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.search.ledger import Ledger, stored_study

if TYPE_CHECKING:
    from brainalign.search.driver import StudyRun, run_study
    from brainalign.search.preparation import prepare
    from brainalign.search.progress import Listener, StudyProgress
    from brainalign.search.status import study_status
    from brainalign.search.verification import Verification, verify_study

_HOMES = {
    "Listener": "progress",
    "StudyProgress": "progress",
    "StudyRun": "driver",
    "Verification": "verification",
    "prepare": "preparation",
    "run_study": "driver",
    "study_status": "status",
    "verify_study": "verification",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "Ledger",
    "Listener",
    "StudyProgress",
    "StudyRun",
    "Verification",
    "prepare",
    "run_study",
    "stored_study",
    "study_status",
    "verify_study",
]
