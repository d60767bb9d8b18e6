"""Figures against size, with bands that resample subjects and problems together across models, arms and seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from brainalign.artifacts import stream
from brainalign.reports.estimates import Estimate
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.sizes import ModelSize, model_sizes
from brainalign.statistics import Sample, joint_bootstrap, stratified_mean
from brainalign.statistics.scaling import LEAST_SIZES, Curve, Scale

UNCHANGED = "unchanged model"
SCALES = {"accuracy": Scale(0.0, 1.0, 0.5), "gain": Scale(-1.0, 1.0, 0.0), "difference": Scale(-1.0, 1.0, 0.0)}
QUANTITY_WORDS = {
    "accuracy": "balanced accuracy",
    "gain": "net balanced accuracy",
    "difference": "method − control, net balanced accuracy",
    "predictivity": "predictivity (Pearson r)",
}
_RULE_OF_THREE = 3.0
LABEL_ONLY = {"narf_label": "label"}
"""Kinds whose control is another kind: training by answers alone."""


@dataclass(frozen=True)
class Point:
    """One model's figure; ``seeds`` has the figure of each study, ``n`` counts the outcomes behind it."""

    size: ModelSize
    estimate: Estimate
    seeds: tuple[tuple[str, float], ...]
    n: int


@dataclass(frozen=True)
class ScalingCurve:
    """One quantity of one arm of one kind against size.

    ``covariance`` (n, n) is of the points' errors, with what seeds differ by.
    """

    kind: str
    quantity: str
    arm: str
    is_method: bool
    points: tuple[Point, ...]
    covariance: np.ndarray
    scale: Scale

    @property
    def name(self) -> tuple[str, str, str]:
        """What tells it from all others."""
        return self.kind, self.quantity, self.arm

    def to_fit(self, without: Sequence[str] = ()) -> Curve | None:
        """Give what forms are fitted to, without some models; None with fewer than three sizes."""
        rows = [row for row, point in enumerate(self.points) if point.size.name not in without]
        kept = [self.points[row] for row in rows]
        if len({point.size.n_parameters for point in kept}) < LEAST_SIZES:
            return None
        sizes = np.array([point.size.n_parameters for point in kept], dtype=np.float64)
        figures = np.array([point.estimate.estimate for point in kept])
        families = tuple(point.size.family for point in kept)
        return Curve.of(sizes, figures, self.covariance[np.ix_(rows, rows)], families, self.scale)


@dataclass(frozen=True)
class _Rows:
    """Outcomes of one winner on the report part, by subject, problem and order."""

    study: str
    subjects: np.ndarray
    items: np.ndarray
    orders: np.ndarray
    label: np.ndarray
    net: np.ndarray
    right: np.ndarray
    before: np.ndarray

    @classmethod
    def of(cls, study: str, table: pa.Table) -> "_Rows":
        ordered = table.sort_by([(name, "ascending") for name in ("subject", "stimulus_id", "order")])
        column = {name: ordered[name].to_numpy(zero_copy_only=False) for name in ordered.column_names}
        targeted, success = column["targeted"].astype(bool), column["success"].astype(bool)
        return cls(
            study,
            column["subject"].astype(np.str_),
            column["stimulus_id"].astype(np.str_),
            column["order"],
            column["label"].astype(np.int64),
            np.where(targeted, 1.0, -1.0) * success,
            np.where(targeted, success, ~success).astype(np.float64),
            (~targeted).astype(np.float64),
        )

    def is_paired(self, other: "_Rows") -> bool:
        """Whether both hold the same outcomes of the same model before it was changed."""
        names = ("subjects", "items", "orders", "label", "before")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)


_Key = tuple[str, str, bool]
_Values = dict[_Key, dict[str, list[tuple[_Rows, np.ndarray]]]]


def outcome_curves(studies: Sequence[StudyRecord]) -> list[ScalingCurve]:
    """All curves of the kinds that select: accuracy and gain of every arm, and the method minus each control."""
    sizes = {size.name: size for size in model_sizes(studies)}
    kinds = dict.fromkeys(kind for study in studies for kind in study.study.kinds if study.selects(kind))
    rows = {kind: _rows(studies, kind) for kind in kinds}
    found: list[ScalingCurve] = []
    for kind in kinds:
        values = _values(rows[kind], rows.get(LABEL_ONLY.get(kind, ""), {}))
        found += _curves(kind, values, sizes)
    return found


def _rows(studies: Sequence[StudyRecord], kind: str) -> dict[tuple[str, str, bool], list[_Rows]]:
    """Outcomes of all winners of a kind by (model, arm, whether it is the method)."""
    found: dict[tuple[str, str, bool], list[_Rows]] = {}
    for study in studies:
        for arm in study.arms:
            result = study.result(arm.winner_on_report) if arm.kind == kind else None
            if result is not None and result.outcomes.num_rows:
                found.setdefault((arm.model, arm.arm, arm.is_method), []).append(_Rows.of(study.name, result.outcomes))
    return found


def _values(
    rows: dict[tuple[str, str, bool], list[_Rows]], label_only: dict[tuple[str, str, bool], list[_Rows]]
) -> _Values:
    """Values behind each curve, by (quantity, arm, whether it is the method's) and model."""
    values: _Values = {}
    for (model, arm, is_method), parts in rows.items():
        values.setdefault(("accuracy", arm, is_method), {})[model] = [(part, part.right) for part in parts]
        values.setdefault(("gain", arm, is_method), {})[model] = [(part, part.net) for part in parts]
        if is_method:
            values.setdefault(("accuracy", UNCHANGED, False), {})[model] = [(part, part.before) for part in parts]
            controls = [(name, own) for (other, name, method), own in rows.items() if other == model and not method]
            controls += [(f"{name} only", own) for (other, name, _), own in label_only.items() if other == model]
            for control, own in controls:
                paired = list(_differences(parts, own))
                if paired:
                    values.setdefault(("difference", f"{arm} − {control}", True), {})[model] = paired
    return values


def _differences(method: Sequence[_Rows], control: Sequence[_Rows]) -> Iterator[tuple[_Rows, np.ndarray]]:
    """Outcome by outcome, of the studies that have both."""
    of_study = {part.study: part for part in control}
    for part in method:
        other = of_study.get(part.study)
        if other is not None and part.is_paired(other):
            yield part, part.net - other.net


def _curves(kind: str, values: _Values, sizes: dict[str, ModelSize]) -> list[ScalingCurve]:
    """Resample all figures of a kind together, and sort them into curves."""
    places = [(key, model) for key, models in values.items() for model in sorted(models, key=lambda name: sizes[name])]
    if not places:
        return []
    samples = [_sample(values[key][model]) for key, model in places]
    figures = joint_bootstrap(samples, rng=stream("reports.scaling", kind))
    curves = []
    for key in values:
        rows = [row for row, place in enumerate(places) if place[0] == key]
        points, extra = [], []
        for row in rows:
            parts = values[key][places[row][1]]
            seeds = tuple((part.study, float(stratified_mean(own, part.label))) for part, own in parts)
            n = len(samples[row].values)
            interval = figures.interval(row).cut(SCALES[key[0]].low, SCALES[key[0]].high)
            points.append(Point(sizes[places[row][1]], Estimate.of(interval), seeds, n))
            extra.append(_seed_variance([value for _, value in seeds]))
        n_problems = [len(np.unique(samples[row].items)) for row in rows]
        covariance = _usable(figures.covariance[np.ix_(rows, rows)], n_problems)
        quantity, arm, is_method = key
        curves.append(
            ScalingCurve(kind, quantity, arm, is_method, tuple(points), covariance + np.diag(extra), SCALES[quantity])
        )
    return curves


def _sample(parts: Sequence[tuple[_Rows, np.ndarray]]) -> Sample:
    columns = (np.concatenate([getattr(part, name) for part, _ in parts]) for name in ("label", "subjects", "items"))
    return Sample(np.concatenate([own for _, own in parts]), *columns)


def _seed_variance(values: Sequence[float]) -> float:
    """Variance that a mean over seeds has from their differences; 0 with one seed, where it is not known."""
    return float(np.var(values, ddof=1) / len(values)) if len(values) > 1 else 0.0


def _usable(covariance: np.ndarray, n_problems: Sequence[int]) -> np.ndarray:
    """Give figures without an error, where no outcome varied, that of the rule of three, unrelated to the others.

    Where none of n problems moved, up to 3 / n of them could with 95 %: half of that is taken as the standard error.
    """
    usable = np.nan_to_num(covariance, nan=0.0)
    for row, n in enumerate(n_problems):
        if not np.isfinite(covariance[row, row]):
            usable[row, row] = (_RULE_OF_THREE / 2 / n) ** 2
    return usable
