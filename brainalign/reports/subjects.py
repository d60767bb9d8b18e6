"""Intervals over subjects, for kinds whose results are scores of subjects instead of answers."""

import numpy as np

from brainalign.artifacts import Result, stream
from brainalign.reports.estimates import Estimate
from brainalign.reports.scores import parse_scores
from brainalign.statistics import bootstrap_median


def subject_interval(result: Result | None) -> Estimate | None:
    """Interval over subjects of the median score at the best layer; None where the result has no scores of subjects.

    The layer stays the chosen one in every resample, so the interval leaves out that it was chosen.
    """
    scores = parse_scores(result.detail) if result is not None else None
    if result is None or scores is None:
        return None
    values = scores.at_best[np.isfinite(scores.at_best)]
    if values.size < 2:
        return None
    return Estimate.of(bootstrap_median(values, rng=stream("reports.subjects", result.key)))
