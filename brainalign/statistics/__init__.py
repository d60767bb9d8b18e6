"""Intervals and summaries: arrays in, arrays out."""

from brainalign.statistics.robust import median_absolute_deviation

__all__ = ["median_absolute_deviation"]
