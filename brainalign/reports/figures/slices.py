"""Slices: each trial's objective against each varied setting, one at a time."""

from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.figures.history import study_styles
from brainalign.reports.figures.style import LOG_AXIS, ArmStyle, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import decimal, is_number, plain
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.spaces import Choice, Range, flatten, unnest

_HEADER = ("model", "kind", "setting", "arm", "value", "trials", "median objective", "best objective")
_BINS = 3
"""Parts of a range that the table sums up: low, middle, high."""


def slices(study: StudyRecord) -> Figure:
    """One panel a varied setting of each (model, kind) that is searched."""
    styles = study_styles(study)
    panels: list[Panel] = []
    rows: list[tuple[str, ...]] = []
    for (model, kind), arms in study.groups.items():
        searched = [arm for arm in arms if arm.complete]
        if not study.selects(kind) or not searched or kind not in study.study.kinds:
            continue
        for name, dimension in flatten(study.study.space(kind)).items():
            if _varies(dimension):
                panels.append(_slice_panel(f"slice-{len(panels)}", (model, kind, name), dimension, searched, styles))
                rows += [(model, kind, name, *cells) for arm in searched for cells in _table_rows(arm, name, dimension)]
    return Figure(
        identifier="slices",
        title="Objective by setting",
        caption="Each marker is a trial: its objective on the selection part against one varied setting, whatever "
        "the others were. The samplers try good regions more often, so how dense the markers are says nothing of "
        "the effect of a setting.",
        panels=tuple(panels),
        table=Table(_HEADER, tuple(rows)) if rows else None,
        missing="" if panels else "No finished trial has a setting that was varied.",
    )


def _varies(dimension: Choice | Range) -> bool:
    return len(dimension.options) > 1 if isinstance(dimension, Choice) else dimension.low < dimension.high


def _points(arm: ArmRecord, name: str) -> list[tuple[object, float]]:
    """Value and objective of the arm's trials that have the setting."""
    found = [(unnest(row.setting).get(name), float(row.objective or 0.0)) for row in arm.complete]
    return [(value, objective) for value, objective in found if value is not None]


def _slice_panel(
    identifier: str,
    place: tuple[str, str, str],
    dimension: Choice | Range,
    arms: Sequence[ArmRecord],
    styles: dict[str, ArmStyle],
) -> Panel:
    model, kind, name = place
    named = isinstance(dimension, Choice)
    traces = []
    for arm in arms:
        points, style = _points(arm, name), styles[arm.arm]
        marker = {"color": style.colour, "symbol": style.symbol, "size": 8, "opacity": 0.8}
        x = [plain(value) if named else value for value, _ in points]
        traces.append(go.Scatter(x=x, y=[y for _, y in points], mode="markers", name=arm.arm, marker=marker))
    scale = {"type": "category"} if named else LOG_AXIS if isinstance(dimension, Range) and dimension.log else {}
    layout = {
        "xaxis": axis(name, **scale),
        "yaxis": axis("objective (selection part)"),
        "height": 300,
        "showlegend": True,
    }
    n = sum(len(_points(arm, name)) for arm in arms)
    alt = f"Objective of {n} trials of {kind} on {model} against {name}; the table below has medians by value and arm."
    return panel(identifier, f"{name} — {kind}, {model}", alt, traces, layout)


def _table_rows(arm: ArmRecord, name: str, dimension: Choice | Range) -> list[tuple[str, ...]]:
    """Median and best objective of each choice, or of each third of the trials by rising value."""
    points = _points(arm, name)
    groups: list[tuple[str, list[float]]] = []
    if isinstance(dimension, Choice):
        for option in dimension.options:
            groups.append((plain(option), [objective for value, objective in points if value == option]))
    else:
        ordered = sorted((float(value), objective) for value, objective in points if is_number(value))
        size = -(-len(ordered) // _BINS) or 1
        for start in range(0, len(ordered), size):
            part = ordered[start : start + size]
            groups.append((f"{part[0][0]:.3g} to {part[-1][0]:.3g}", [objective for _, objective in part]))
    return [(arm.arm, value, str(len(found)), *_sums(found)) for value, found in groups if found]


def _sums(found: Sequence[float]) -> tuple[str, str]:
    ordered = sorted(found)
    return decimal((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2), decimal(ordered[-1])
