"""Intervals and summaries: arrays in, arrays out."""

from brainalign.statistics.best_of import expected_best
from brainalign.statistics.crossed import crossed_bootstrap
from brainalign.statistics.interval import Interval
from brainalign.statistics.medians import bootstrap_median, median_absolute_deviation
from brainalign.statistics.stratified import stratified_mean

__all__ = [
    "Interval",
    "bootstrap_median",
    "crossed_bootstrap",
    "expected_best",
    "median_absolute_deviation",
    "stratified_mean",
]
