"""Steering at inference: objectives, the NARI search, its arms and what their outcomes say."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.steering.config import LOSSES, NariConfig, middle_half

if TYPE_CHECKING:
    from brainalign.steering.arms import ARMS, find_arm
    from brainalign.steering.inputs import NariInputs, assemble
    from brainalign.steering.intervention import NariOutcome, steer
    from brainalign.steering.nari import run_nari
    from brainalign.steering.operators import OPERATORS, steered
    from brainalign.steering.outcomes import Comparison, OutcomeSummary, Rates, compare, summarise
    from brainalign.steering.vectors import SteeringVectors, load_vectors, read_vectors

_HOMES = {
    "ARMS": "arms",
    "Comparison": "outcomes",
    "NariInputs": "inputs",
    "NariOutcome": "intervention",
    "OutcomeSummary": "outcomes",
    "OPERATORS": "operators",
    "Rates": "outcomes",
    "SteeringVectors": "vectors",
    "assemble": "inputs",
    "compare": "outcomes",
    "find_arm": "arms",
    "load_vectors": "vectors",
    "read_vectors": "vectors",
    "run_nari": "nari",
    "steer": "intervention",
    "steered": "operators",
    "summarise": "outcomes",
}

__all__ = [
    "ARMS",
    "LOSSES",
    "OPERATORS",
    "Comparison",
    "NariConfig",
    "NariInputs",
    "NariOutcome",
    "OutcomeSummary",
    "Rates",
    "SteeringVectors",
    "assemble",
    "compare",
    "find_arm",
    "load_vectors",
    "middle_half",
    "read_vectors",
    "run_nari",
    "steer",
    "steered",
    "summarise",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch at its first use, so that reading a study's settings stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'brainalign.steering' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.steering.{_HOMES[name]}"), name)
