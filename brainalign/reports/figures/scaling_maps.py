"""Layer x strength maps of the methods, model by model, grey where a control did as well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from brainalign.reports.figures.strength_map import (
    MapPoint,
    depth_ranges,
    diverging_marker,
    is_log_strength,
    map_points,
    marker_sizes,
)
from brainalign.reports.figures.style import LOG_AXIS, ColourBar, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import count, decimal
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.reports.scaling.sizes import model_sizes

_HEADER = (
    "kind",
    "model",
    "study",
    "trial",
    "layers (relative depth)",
    "strength",
    "objective",
    "best control",
    "pairs",
)
_GREY = "#c8c8c8"


@dataclass(frozen=True)
class MappedTrial:
    """A trial of a method on the map, with the best objective of any control on the same model in the same study."""

    study: str
    point: MapPoint
    control: float | None

    @property
    def is_better(self) -> bool:
        """Whether it did better than every setting of every control."""
        return self.control is not None and self.point.objective > self.control


def scaling_maps(studies: Sequence[StudyRecord]) -> Figure:
    """One panel a (kind, model): the method's trials of all studies, in colour where better than all controls."""
    mapped = _mapped(studies)
    trials = [trial for found in mapped.values() for trial in found]
    bound = max((abs(trial.point.objective) for trial in trials), default=0.0) or 1.0
    heights = _strength_axis(studies, [trial.point.strength for trial in trials])
    panels = tuple(
        _panel(f"depth-{i}", place, found, bound, heights) for i, (place, found) in enumerate(mapped.items())
    )
    rows = tuple(_row(place, trial) for place, found in mapped.items() for trial in found)
    return Figure(
        identifier="maps",
        title="Layer × strength, in relative depth",
        caption="Each dot is a trial of the method on the selection part, at the centre of its layers (grey line: all "
        "of them) in relative depth, so that models of different depth compare; all seeds together. Colour is its "
        "objective, on one scale for all panels. Grey dots did no better than the best setting of any control, with as "
        "many settings tried, on the same model in the same study: their push mends nothing that another would not.",
        panels=panels,
        table=Table(_HEADER, rows) if rows else None,
        colour_bar=ColourBar("objective on the selection part", bound) if panels else None,
        missing="" if panels else "No finished trial of a method has both a layer range and a strength.",
    )


def _mapped(studies: Sequence[StudyRecord]) -> dict[tuple[str, str], list[MappedTrial]]:
    found: dict[tuple[str, str], list[MappedTrial]] = {}
    order = {size.name: place for place, size in enumerate(model_sizes(studies))}
    for study in studies:
        for (model, kind), arms in sorted(study.groups.items(), key=lambda item: (item[0][1], order[item[0][0]])):
            for method in (arm for arm in arms if arm.is_method):
                control = _best_control(arms)
                trials = [MappedTrial(study.name, point, control) for point in map_points(study, method)]
                if trials:
                    found.setdefault((kind, model), []).extend(trials)
    return dict(sorted(found.items(), key=lambda item: (item[0][0], order[item[0][1]])))


def _best_control(arms: Sequence[ArmRecord]) -> float | None:
    values = [float(row.objective or 0.0) for arm in arms if not arm.is_method for row in arm.complete]
    return max(values, default=None)


def _strength_axis(studies: Sequence[StudyRecord], strengths: Sequence[float]) -> dict[str, object]:
    """Set up the strengths' axis, with one range for all panels."""
    arms = [(arm, map_points(study, arm)) for study in studies for arm in study.arms if arm.is_method]
    if not strengths or not is_log_strength(arms):
        return {"range": [0, 1.1 * max(strengths, default=1.0)]}
    return {**LOG_AXIS, "range": [math.log10(min(strengths) / 1.4), math.log10(max(strengths) * 1.4)]}


def _panel(
    identifier: str, place: tuple[str, str], trials: Sequence[MappedTrial], bound: float, heights: dict[str, object]
) -> Panel:
    better = [trial.point for trial in trials if trial.is_better]
    others = [trial.point for trial in trials if not trial.is_better]
    grey = {"color": _GREY, "line": {"color": "#8a8a8a", "width": 1}}
    traces = [depth_ranges([trial.point for trial in trials])]
    traces += [_dots(others, {**grey, "size": _areas(others)})] if others else []
    values = [point.objective for point in better]
    traces += [_dots(better, diverging_marker(values, bound, _areas(better)))] if better else []
    layout = {
        "xaxis": axis("relative depth of the layers", range=[-0.04, 1.04], dtick=0.25),
        "yaxis": axis("strength (σ of the layer)", **heights),
        "showlegend": False,
        "height": 270,
    }
    n = len(trials)
    alt = f"{place[0]} on {place[1]}: {len(better)} of {n} settings did better than the best setting of every control."
    return panel(identifier, f"{place[0]}, {place[1]}: {len(better)} of {n} better", alt, traces, layout)


def _areas(points: Sequence[MapPoint]) -> list[float]:
    return marker_sizes([point.n for point in points])


def _dots(points: Sequence[MapPoint], marker: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=[point.centre for point in points],
        y=[point.strength for point in points],
        mode="markers",
        marker=marker,
        text=[f"{decimal(point.objective)}, strength {point.strength:.3g}" for point in points],
        hoverinfo="text",
    )


def _row(place: tuple[str, str], trial: MappedTrial) -> tuple[str, ...]:
    point = trial.point
    depth = f"{point.start:.2f}–{point.end:.2f}"
    figures = (decimal(point.objective), decimal(trial.control), count(point.n))
    return (*place, trial.study, str(point.number), depth, f"{point.strength:.3g}", *figures)
