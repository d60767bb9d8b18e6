"""Layer x strength: where in the model and how hard each setting pushed, and what came of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from brainalign.reports.depth import layer_span, strength
from brainalign.reports.figures.style import (
    DIVERGING,
    FAINT,
    INK,
    LOG_AXIS,
    ColourBar,
    Figure,
    Panel,
    Table,
    axis,
    panel,
)
from brainalign.reports.numbers import count, decimal
from brainalign.reports.records import ArmRecord, StudyRecord

MAX_POINTS = 150
"""Trials an arm up to which each is drawn as itself; above, they are counted into cells."""
WITHOUT_LAYERS = ("bias",)
"""Arms that act on no layer, though their setting names some."""
_DEPTH_CELLS, _STRENGTH_CELLS = 10, 8
_CELL_HEADER = ("model", "kind", "arm", "trial", "layers (relative depth)", "strength", "objective", "pairs")


@dataclass(frozen=True)
class MapPoint:
    """A trial on the map: layer range as relative depths, strength, objective, and its (subject, problem) pairs."""

    number: int
    start: float
    end: float
    strength: float
    objective: float
    n: int

    @property
    def centre(self) -> float:
        """Relative depth of the middle of the layer range."""
        return (self.start + self.end) / 2


def strength_map(study: StudyRecord) -> Figure:
    """One panel an arm: relative depth of the layer range against strength, objective as colour."""
    mapped = [
        (arm, points) for arm in study.arms if arm.arm not in WITHOUT_LAYERS and (points := map_points(study, arm))
    ]
    bound = max((abs(point.objective) for _, points in mapped for point in points), default=0.0) or 1.0
    panels = tuple(
        _map_panel(f"map-{i}", arm, points, bound, is_log_strength(mapped)) for i, (arm, points) in enumerate(mapped)
    )
    rows = tuple(_table_row(arm, point) for arm, points in mapped for point in points)
    return Figure(
        identifier="strength-map",
        title="Layer × strength",
        caption=_caption(mapped),
        panels=panels,
        table=Table(_CELL_HEADER, rows) if rows else None,
        colour_bar=ColourBar("objective on the selection part", bound) if panels else None,
        missing="" if panels else "No finished trial has both a layer range and a strength.",
    )


def map_points(study: StudyRecord, arm: ArmRecord) -> list[MapPoint]:
    """All finished trials of an arm that have a layer range and a strength."""
    points = []
    for row in arm.complete:
        span, height = layer_span(row.setting, study.n_layers(row.model)), strength(row.setting)
        if span is not None and height is not None and row.objective is not None:
            n = study.n_pairs(row)
            points.append(MapPoint(row.number, span[0], span[1], height, float(row.objective), n))
    return points


def _map_panel(identifier: str, arm: ArmRecord, points: Sequence[MapPoint], bound: float, log: bool) -> Panel:
    traces = (
        [depth_ranges(points), _points(points, bound)] if len(points) <= MAX_POINTS else [_cells(points, bound, log)]
    )
    best = max(points, key=lambda point: point.objective)
    traces.append(_best_ring(best))
    alt = (
        f"Layer and strength of {len(points)} {arm.arm} trials of {arm.kind} on {arm.model}; the best, trial "
        f"{best.number}, reached {decimal(best.objective)} at relative depth {decimal(best.centre, 2)} and strength "
        f"{best.strength:.3g}."
    )
    layout = {
        "xaxis": axis("relative depth of the layers", range=[-0.04, 1.04], dtick=0.25),
        "yaxis": axis("strength α (σ of the layer)", **(LOG_AXIS if log else {"rangemode": "tozero"})),
        "showlegend": False,
        "height": 330,
    }
    return panel(identifier, f"{arm.arm} — {arm.kind}, {arm.model}", alt, traces, layout)


def depth_ranges(points: Sequence[MapPoint]) -> go.Scatter:
    """Thin lines from the first to the last steered layer of each trial."""
    x = [value for point in points for value in (point.start, point.end, None)]
    y = [value for point in points for value in (point.strength, point.strength, None)]
    return go.Scatter(x=x, y=y, mode="lines", line={"color": "#c9c9c9", "width": 1}, hoverinfo="skip")


def _points(points: Sequence[MapPoint], bound: float) -> go.Scatter:
    text = [
        f"trial {p.number}: {decimal(p.objective)}<br>depth {p.start:.2f}–{p.end:.2f}, strength {p.strength:.3g}"
        f"<br>{count(p.n)} pairs"
        for p in points
    ]
    return go.Scatter(
        x=[point.centre for point in points],
        y=[point.strength for point in points],
        mode="markers",
        marker=diverging_marker([p.objective for p in points], bound, marker_sizes([p.n for p in points])),
        text=text,
        hoverinfo="text",
    )


def _cells(points: Sequence[MapPoint], bound: float, log: bool) -> go.Scatter:
    """Squares on a coarse grid: colour is the mean objective in the cell, area the number of trials in it."""
    heights = np.array([point.strength for point in points])
    scaled = np.log(heights) if log else heights
    low, width = float(scaled.min()), float(np.ptp(scaled)) or 1.0
    cells: dict[tuple[int, int], list[float]] = {}
    for point, height in zip(points, scaled, strict=True):
        column = min(int(point.centre * _DEPTH_CELLS), _DEPTH_CELLS - 1)
        line = min(int((height - low) / width * _STRENGTH_CELLS), _STRENGTH_CELLS - 1)
        cells.setdefault((column, line), []).append(point.objective)
    middle = [low + (line + 0.5) * width / _STRENGTH_CELLS for _, line in cells]
    means = [float(np.mean(values)) for values in cells.values()]
    sizes = marker_sizes([len(values) for values in cells.values()])
    return go.Scatter(
        x=[(column + 0.5) / _DEPTH_CELLS for column, _ in cells],
        y=[math.exp(value) if log else value for value in middle],
        mode="markers",
        marker={**diverging_marker(means, bound, sizes), "symbol": "square"},
        text=[f"mean {decimal(m)} of {len(v)} trials" for m, v in zip(means, cells.values(), strict=True)],
        hoverinfo="text",
    )


def _best_ring(best: MapPoint) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": 24, "color": INK, "line": {"width": 2}}
    return go.Scatter(x=[best.centre], y=[best.strength], mode="markers", marker=marker, hoverinfo="skip")


def diverging_marker(values: Sequence[float], bound: float, sizes: Sequence[float]) -> dict[str, object]:
    return {
        "color": list(values),
        "colorscale": [list(stop) for stop in DIVERGING],
        "cmin": -bound,
        "cmax": bound,
        "size": list(sizes),
        "line": {"color": FAINT, "width": 1},
        "opacity": 0.95,
    }


def marker_sizes(counts: Sequence[int], largest: float = 17.0, smallest: float = 7.0) -> list[float]:
    """Diameters in px whose areas are proportional to `counts`, never smaller than can be seen."""
    top = max(counts, default=0)
    return [largest if top == 0 else max(smallest, largest * math.sqrt(n / top)) for n in counts]


def is_log_strength(mapped: Sequence[tuple[ArmRecord, Sequence[MapPoint]]]) -> bool:
    """Whether strengths span more than a factor of five and none is zero: then the axis is logarithmic."""
    heights = [point.strength for _, points in mapped for point in points]
    return bool(heights) and min(heights) > 0 and max(heights) / min(heights) > 5


def _caption(mapped: Sequence[tuple[ArmRecord, Sequence[MapPoint]]]) -> str:
    binned = any(len(points) > MAX_POINTS for _, points in mapped)
    drawn = (
        "Squares are cells of a coarse grid: colour is the mean objective of the trials in it, area their number."
        if binned
        else "Each dot is one trial at the centre of its layer range (grey line: the whole range); area grows with the "
        "number of (subject, problem) pairs that it was scored on."
    )
    return (
        f"{drawn} Colour is the objective on the selection part, on one scale for all panels, centred at 0: blue "
        "mends more than it breaks, vermilion breaks more. The ring marks the arm's best trial. Nothing is "
        "interpolated between trials, and single trials carry the noise of their sample; intervals stand with the "
        "best settings."
    )


def _table_row(arm: ArmRecord, point: MapPoint) -> tuple[str, ...]:
    depth = f"{point.start:.2f}–{point.end:.2f}"
    where = (arm.model, arm.kind, arm.arm, str(point.number), depth)
    return (*where, f"{point.strength:.3g}", decimal(point.objective), count(point.n))
