"""Intervals and summaries: arrays in, arrays out."""

from brainalign.statistics.crossed import crossed_bootstrap
from brainalign.statistics.interval import Interval
from brainalign.statistics.medians import bootstrap_median, median_absolute_deviation
from brainalign.statistics.multiplicity import CORRECTIONS, Correction, corrected
from brainalign.statistics.paired import PairedTest, paired_test
from brainalign.statistics.stratified import stratified_mean

__all__ = [
    "CORRECTIONS",
    "Correction",
    "Interval",
    "PairedTest",
    "bootstrap_median",
    "corrected",
    "crossed_bootstrap",
    "median_absolute_deviation",
    "paired_test",
    "stratified_mean",
]
