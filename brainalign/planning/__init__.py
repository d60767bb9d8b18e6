"""Costs before the start: of trials and training steps, their packing on a cluster, a schedule. Pure functions."""

from brainalign.planning.costs import CostModel, reference_s
from brainalign.planning.estimate import Estimate
from brainalign.planning.packing import (
    Claim,
    Cluster,
    Load,
    Node,
    Offer,
    Room,
    choose,
    demand,
    n_at_once,
    uniform_cluster,
)
from brainalign.planning.plan import Plan, describe, make_plan
from brainalign.planning.prices import Prices, read_prices
from brainalign.planning.simulation import Chain, Schedule, lower_bound_s, simulate
from brainalign.planning.window import WindowCost, plan_window_cost, window_cost

__all__ = [
    "Chain",
    "Claim",
    "Cluster",
    "CostModel",
    "Estimate",
    "Load",
    "Node",
    "Offer",
    "Plan",
    "Prices",
    "Room",
    "Schedule",
    "WindowCost",
    "choose",
    "demand",
    "describe",
    "lower_bound_s",
    "make_plan",
    "n_at_once",
    "plan_window_cost",
    "read_prices",
    "reference_s",
    "simulate",
    "uniform_cluster",
    "window_cost",
]
