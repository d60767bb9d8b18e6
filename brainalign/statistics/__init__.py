"""Intervals and summaries: arrays in, arrays out."""

from brainalign.statistics.crossed import crossed_bootstrap
from brainalign.statistics.interval import Interval
from brainalign.statistics.joint import JointFigures, Sample, joint_bootstrap
from brainalign.statistics.medians import bootstrap_median, median_absolute_deviation
from brainalign.statistics.stratified import stratified_mean

__all__ = [
    "Interval",
    "JointFigures",
    "Sample",
    "bootstrap_median",
    "crossed_bootstrap",
    "joint_bootstrap",
    "median_absolute_deviation",
    "stratified_mean",
]
