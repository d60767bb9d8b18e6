"""What a study pays in time for repeating exactly: trials that wait for others, against none that waits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from brainalign.planning.packing import Cluster
from brainalign.planning.plan import Plan
from brainalign.planning.simulation import Chain, simulate


@dataclass(frozen=True)
class WindowCost:
    """Makespans of one study with its windows and without, s, and the first over the second."""

    with_s: float
    without_s: float
    ratio: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


def window_cost(chains: Sequence[Chain], cluster: Cluster, load_s: Mapping[str, float]) -> WindowCost:
    """Simulate a study twice on a cluster, the second time as if no trial waited for another before its report.

    Without windows it is what ``search: {reproducible: false}`` would take; samplers that learn nothing pay nothing.
    """
    free = [replace(chain, waits=[0] * len(chain.waits)) for chain in chains]
    with_s, without_s = (simulate(each, cluster, load_s).makespan_s for each in (chains, free))
    return WindowCost(with_s, without_s, with_s / without_s if without_s else 1.0)


def plan_window_cost(plan: Plan, cluster: Cluster, load_s: Mapping[str, float]) -> WindowCost:
    """Say what the windows of a planned study cost on the cluster that it was planned for."""
    return window_cost([part.chain("value") for part in plan.parts], cluster, load_s)
