"""Intervals and summaries: arrays in, arrays out."""

from brainalign.statistics.best_of import expected_best
from brainalign.statistics.components import Components, chance_explained, classical_scaling, principal_components
from brainalign.statistics.crossed import crossed_bootstrap
from brainalign.statistics.interval import Interval
from brainalign.statistics.joint import JointFigures, Sample, joint_bootstrap
from brainalign.statistics.medians import bootstrap_median, median_absolute_deviation
from brainalign.statistics.multiplicity import CORRECTIONS, Correction, corrected
from brainalign.statistics.paired import PairedTest, paired_test
from brainalign.statistics.similarity import (
    Chance,
    Measure,
    Shuffle,
    chance,
    noise_ceiling,
    signature,
    similarities,
    similarity_interval,
    strata_groups,
)
from brainalign.statistics.stratified import stratified_mean

__all__ = [
    "CORRECTIONS",
    "Chance",
    "Components",
    "Correction",
    "Interval",
    "JointFigures",
    "Measure",
    "PairedTest",
    "Sample",
    "Shuffle",
    "bootstrap_median",
    "chance",
    "chance_explained",
    "classical_scaling",
    "corrected",
    "crossed_bootstrap",
    "expected_best",
    "joint_bootstrap",
    "median_absolute_deviation",
    "noise_ceiling",
    "paired_test",
    "principal_components",
    "signature",
    "similarities",
    "similarity_interval",
    "strata_groups",
    "stratified_mean",
]
