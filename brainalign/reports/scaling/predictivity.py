"""Predictivity against size, with all features of each model and with equally many of all models."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from brainalign.artifacts import TrialRow
from brainalign.reports.estimates import Estimate
from brainalign.reports.figures.layers import KIND
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.curves import Point, ScalingCurve
from brainalign.reports.scaling.sizes import ModelSize, model_sizes
from brainalign.reports.subjects import subject_interval
from brainalign.statistics.scaling import Scale
from brainalign.trials.predictivity import ALL_FEATURES

SCALE = Scale(0.0, 1.0, 0.0)
_Readings = dict[tuple[str, bool], dict[str, list[tuple[StudyRecord, TrialRow]]]]


def predictivity_curves(studies: Sequence[StudyRecord]) -> list[ScalingCurve]:
    """One curve an arm, region, subset and number of features; intervals are over subjects, at the best layer."""
    sizes = {size.name: size for size in model_sizes(studies)}
    curves = []
    for (words, is_method), models in _readings(studies).items():
        points = [_point(sizes[model], models[model]) for model in sorted(models, key=lambda name: sizes[name])]
        covariance = np.diag([_variance(point) for point in points])
        curves.append(ScalingCurve(KIND, "predictivity", words, is_method, tuple(points), covariance, SCALE))
    return curves


def _readings(studies: Sequence[StudyRecord]) -> _Readings:
    found: _Readings = {}
    several = {
        name
        for name in ("roi", "subset", "fold_seed")
        if len({row.setting.get(name) for _, _, row in _trials(studies)}) > 1
    }
    for study, (arm, is_method), row in _trials(studies):
        words = "; ".join([arm, _features(row.setting), *(str(row.setting[name]) for name in sorted(several))])
        found.setdefault((words, is_method), {}).setdefault(row.model, []).append((study, row))
    return found


def _trials(studies: Sequence[StudyRecord]) -> Iterator[tuple[StudyRecord, tuple[str, bool], TrialRow]]:
    for study in studies:
        for arm in study.arms:
            if arm.kind == KIND:
                yield from ((study, (arm.arm, arm.is_method), row) for row in arm.complete)


def _features(setting: Mapping[str, object]) -> str:
    n_features = setting.get("features", ALL_FEATURES)
    return "all features" if n_features == ALL_FEATURES else f"{n_features} features"


def _point(size: ModelSize, readings: Sequence[tuple[StudyRecord, TrialRow]]) -> Point:
    """Mean over seeds, with the first one's interval over subjects moved to it: seeds share their subjects."""
    values = [(study.name, float(row.objective or 0.0)) for study, row in readings]
    mean = float(np.mean([value for _, value in values]))
    first = subject_interval(readings[0][0].result(readings[0][1]))
    if first is None or first.low is None or first.high is None:
        return Point(size, Estimate(mean), tuple(values), len(readings))
    low, high = (mean + bound - first.estimate for bound in (first.low, first.high))
    estimate = Estimate(mean, low, high, first.level, first.n_resamples, first.method)
    return Point(size, estimate, tuple(values), len(readings))


def _variance(point: Point) -> float:
    """Variance of a figure from its interval, and from what seeds differ by."""
    seeds = [value for _, value in point.seeds]
    between = float(np.var(seeds, ddof=1) / len(seeds)) if len(seeds) > 1 else 0.0
    if point.estimate.low is None or point.estimate.high is None:
        return between + 0.05**2
    return between + ((point.estimate.high - point.estimate.low) / 3.92) ** 2
