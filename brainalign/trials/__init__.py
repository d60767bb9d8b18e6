"""Kinds of trial behind one protocol: one file a kind, one line in the registry."""

from brainalign.trials.context import Context
from brainalign.trials.protocol import Ask, DataSize, Resources, TrialKind, Work, result_key
from brainalign.trials.registry import KINDS, trial_kind
from brainalign.trials.results import SMALLER, find_or_run
from brainalign.trials.rungs import Halted, Rung, Rungs, RungUnit, rung_metrics, values_at_rungs
from brainalign.trials.settings import one_point
from brainalign.trials.tuning import Tuning

__all__ = [
    "KINDS",
    "SMALLER",
    "Ask",
    "Context",
    "DataSize",
    "Halted",
    "Resources",
    "Rung",
    "RungUnit",
    "Rungs",
    "TrialKind",
    "Tuning",
    "Work",
    "find_or_run",
    "one_point",
    "result_key",
    "rung_metrics",
    "trial_kind",
    "values_at_rungs",
]
