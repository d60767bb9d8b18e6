"""Optimisation history: each trial's objective by its number, and the best so far."""

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go

from brainalign.reports.figures.style import ArmStyle, Figure, Panel, Table, arm_styles, axis, panel
from brainalign.reports.numbers import decimal
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.study import Direction

_HEADER = ("model", "kind", "arm", "finished", "failed or pruned", "first", "median", "best", "best at trial")


def history(study: StudyRecord) -> Figure:
    """One panel a (model, kind that is searched): objective of each trial, and the best up to then as steps."""
    styles = study_styles(study)
    searched = [(place, arms) for place, arms in study.groups.items() if study.selects(place[1])]
    groups = [(place, arms) for place, arms in searched if any(arm.complete for arm in arms)]
    panels = tuple(_history_panel(f"history-{i}", place, arms, styles) for i, (place, arms) in enumerate(groups))
    rows = tuple(_table_row(arm) for _, arms in searched for arm in arms)
    return Figure(
        identifier="history",
        title="Optimisation history",
        caption="Markers: the objective of each trial on the selection part. Steps: the best of the arm so far, "
        "which is what the search would have chosen if it had stopped there; it can only rise, also where there is "
        "nothing to find. Crosses at the lower edge: trials without an objective (failed or pruned).",
        panels=panels,
        table=Table(_HEADER, rows) if rows else None,
        missing="" if panels else "No searched trial has finished with an objective yet.",
    )


def study_styles(study: StudyRecord) -> dict[str, ArmStyle]:
    """One style an arm name over the whole study."""
    return arm_styles(
        [arm.arm for arm in study.arms if arm.is_method], [arm.arm for arm in study.arms if not arm.is_method]
    )


def best_so_far(objectives: Sequence[float], direction: Direction = "maximize") -> list[float]:
    """Take the running maximum, or minimum where the search minimises."""
    return list(accumulate(objectives, max if direction == "maximize" else min))


def _history_panel(
    identifier: str, place: tuple[str, str], arms: Sequence[ArmRecord], styles: dict[str, ArmStyle]
) -> Panel:
    traces = [trace for arm in arms for trace in _arm_traces(arm, styles[arm.arm])]
    values = [float(row.objective or 0.0) for arm in arms for row in arm.complete]
    lost = [row.number for arm in arms for row in arm.trials if row.state != "COMPLETE"]
    floor = min(values) - 0.06 * ((max(values) - min(values)) or 1.0)
    if lost:
        marker = {"symbol": "x-thin", "size": 8, "color": "#555555", "line": {"width": 2, "color": "#555555"}}
        traces.append(go.Scatter(x=lost, y=[floor] * len(lost), mode="markers", name="no objective", marker=marker))
    best = ", ".join(f"{arm.arm} {decimal(arm.best.objective)}" for arm in arms if arm.best is not None)
    layout = {
        "xaxis": axis("trial number", **_whole_ticks(arms)),
        "yaxis": axis("objective (selection part)"),
        "height": 340,
    }
    alt = f"Objective by trial number of {place[1]} on {place[0]}. Best of each arm: {best}."
    return panel(identifier, f"{place[1]}, {place[0]}", alt, traces, layout)


def _whole_ticks(arms: Sequence[ArmRecord]) -> dict[str, object]:
    """Range that holds all trials, with ticks at whole numbers."""
    last = max((row.number for arm in arms for row in arm.trials), default=0)
    margin = 0.04 * max(last, 5)
    return {"range": [-margin, last + margin], "tickformat": "d", "nticks": min(last + 1, 8)}


def _arm_traces(arm: ArmRecord, style: ArmStyle) -> list[go.Scatter]:
    numbers = [row.number for row in arm.complete]
    values = [float(row.objective or 0.0) for row in arm.complete]
    if not values:
        return []
    marker = {"color": style.colour, "symbol": style.symbol, "size": 8, "opacity": 0.8}
    best = best_so_far(values, next(iter(arm.goals.directions.values())))
    line = {"color": style.colour, "dash": style.dash, "shape": "hv", "width": 2.5 if arm.is_method else 1.6}
    return [
        go.Scatter(x=numbers, y=values, mode="markers", name=arm.arm, marker=marker, legendgroup=arm.arm),
        go.Scatter(
            x=numbers, y=best, mode="lines", name=f"{arm.arm}, best so far", line=line,
            legendgroup=arm.arm, showlegend=False, hoverinfo="skip",
        ),
    ]  # fmt: skip


def _table_row(arm: ArmRecord) -> tuple[str, ...]:
    values = sorted(float(row.objective or 0.0) for row in arm.complete)
    middle = None if not values else (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    best = arm.best
    return (
        arm.model,
        arm.kind,
        arm.arm,
        str(len(arm.complete)),
        str(len(arm.trials) - len(arm.complete)),
        decimal(arm.complete[0].objective if arm.complete else None),
        decimal(middle),
        decimal(best.objective if best else None),
        str(best.number) if best else "–",
    )
