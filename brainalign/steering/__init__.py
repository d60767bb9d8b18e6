"""Steering at inference: objectives, the NARI search, its arms and what their outcomes say."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brainalign.steering.config import LOSSES, NariConfig, TransferConfig, middle_half

if TYPE_CHECKING:
    from brainalign.steering.arms import ARMS, find_arm
    from brainalign.steering.displacements import Displacements
    from brainalign.steering.generalisation import TransferOptions, TransferOutcome, transfer_directions
    from brainalign.steering.inputs import NariInputs, assemble
    from brainalign.steering.intervention import NariOutcome, steer
    from brainalign.steering.nari import Search, Watch, run_nari, search_nari
    from brainalign.steering.operators import OPERATORS, steered
    from brainalign.steering.outcomes import (
        Comparison,
        OutcomeSummary,
        Rates,
        compare,
        net_after,
        overall_rates,
        summarise,
    )
    from brainalign.steering.transfer import SEARCHED_ARMS, TRANSFER_ARMS, Transferred, run_transfer
    from brainalign.steering.vectors import SteeringVectors, load_vectors, read_vectors

_HOMES = {
    "ARMS": "arms",
    "OPERATORS": "operators",
    "SEARCHED_ARMS": "transfer",
    "TRANSFER_ARMS": "transfer",
    "Comparison": "outcomes",
    "Displacements": "displacements",
    "NariInputs": "inputs",
    "NariOutcome": "intervention",
    "OutcomeSummary": "outcomes",
    "Rates": "outcomes",
    "Search": "nari",
    "Watch": "nari",
    "SteeringVectors": "vectors",
    "TransferOptions": "generalisation",
    "TransferOutcome": "generalisation",
    "Transferred": "transfer",
    "assemble": "inputs",
    "compare": "outcomes",
    "find_arm": "arms",
    "load_vectors": "vectors",
    "net_after": "outcomes",
    "overall_rates": "outcomes",
    "read_vectors": "vectors",
    "run_nari": "nari",
    "run_transfer": "transfer",
    "search_nari": "nari",
    "steer": "intervention",
    "steered": "operators",
    "summarise": "outcomes",
    "transfer_directions": "generalisation",
}

__all__ = [
    "ARMS",
    "LOSSES",
    "OPERATORS",
    "SEARCHED_ARMS",
    "TRANSFER_ARMS",
    "Comparison",
    "Displacements",
    "NariConfig",
    "NariInputs",
    "NariOutcome",
    "OutcomeSummary",
    "Rates",
    "Search",
    "SteeringVectors",
    "TransferConfig",
    "TransferOptions",
    "TransferOutcome",
    "Transferred",
    "Watch",
    "assemble",
    "compare",
    "find_arm",
    "load_vectors",
    "middle_half",
    "net_after",
    "overall_rates",
    "read_vectors",
    "run_nari",
    "run_transfer",
    "search_nari",
    "steer",
    "steered",
    "summarise",
    "transfer_directions",
]


def __getattr__(name: str) -> Any:
    """Load what needs torch at its first use, so that reading a study's settings stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'brainalign.steering' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"brainalign.steering.{_HOMES[name]}"), name)
