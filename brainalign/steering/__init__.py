"""Steering at inference: objectives, the NARI search, its arms and what their outcomes say."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.steering.config import LOSSES, NariConfig, middle_half

if TYPE_CHECKING:
    from brainalign.steering.arms import ARMS, find_arm
    from brainalign.steering.inputs import NariInputs, assemble
    from brainalign.steering.intervention import NariOutcome, steer
    from brainalign.steering.nari import run_nari
    from brainalign.steering.outcomes import Comparison, OutcomeSummary, Rates, compare, summarise

_HOMES = {
    "ARMS": "arms",
    "Comparison": "outcomes",
    "NariInputs": "inputs",
    "NariOutcome": "intervention",
    "OutcomeSummary": "outcomes",
    "Rates": "outcomes",
    "assemble": "inputs",
    "compare": "outcomes",
    "find_arm": "arms",
    "run_nari": "nari",
    "steer": "intervention",
    "summarise": "outcomes",
}

__all__ = [
    "ARMS",
    "LOSSES",
    "Comparison",
    "NariConfig",
    "NariInputs",
    "NariOutcome",
    "OutcomeSummary",
    "Rates",
    "assemble",
    "compare",
    "find_arm",
    "middle_half",
    "run_nari",
    "steer",
    "summarise",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch at its first use, so that reading a study's settings stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'brainalign.steering' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.steering.{_HOMES[name]}"), name)
