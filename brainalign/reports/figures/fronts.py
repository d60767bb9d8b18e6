"""Pareto fronts: what one objective costs in another, for searches of several."""

from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.figures.history import study_styles
from brainalign.reports.figures.style import ArmStyle, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import decimal, setting_text
from brainalign.reports.records import ArmRecord, StudyRecord

_HEADER = ("model", "kind", "arm", "trial", "objectives", "constraints met", "setting")


def fronts(study: StudyRecord) -> Figure:
    """One panel for each objective beside the first, of every (model, kind) that is searched for several."""
    styles = study_styles(study)
    panels: list[Panel] = []
    rows: list[tuple[str, ...]] = []
    for place, arms in study.groups.items():
        several = [arm for arm in arms if len(arm.goals.directions) > 1 and arm.complete]
        for other in list(several[0].goals.directions)[1:] if several else ():
            panels.append(_panel(f"front-{len(panels)}", place, other, several, styles))
        rows += [cells for arm in several for cells in _rows(arm)]
    return Figure(
        identifier="fronts",
        title="Pareto fronts",
        caption="Each marker is a trial on the selection part; the line joins those that no other trial of the arm "
        "surpasses in all objectives together. Winners are the best by the first objective. Modelled costs are "
        "counted from the setting, not measured.",
        panels=tuple(panels),
        table=Table(_HEADER, tuple(rows)) if rows else None,
        missing="" if panels else "No kind is searched for several objectives.",
    )


def _panel(
    identifier: str, place: tuple[str, str], other: str, arms: Sequence[ArmRecord], styles: dict[str, ArmStyle]
) -> Panel:
    model, kind = place
    first = next(iter(arms[0].goals.directions))
    traces = []
    for arm in arms:
        style, front = styles[arm.arm], arm.goals.front(arm.complete)
        marker = {"color": style.colour, "symbol": style.symbol, "size": 8, "opacity": 0.8}
        x, y = ([row.metrics.get(other) for row in arm.complete], [row.objective for row in arm.complete])
        traces.append(go.Scatter(x=x, y=y, mode="markers", name=arm.arm, marker=marker, legendgroup=arm.arm))
        ends = sorted((row.metrics[other], float(row.objective or 0.0)) for row in front)
        line = {"color": style.colour, "dash": style.dash, "width": 2.5 if arm.is_method else 1.6}
        traces.append(
            go.Scatter(
                x=[end[0] for end in ends],
                y=[end[1] for end in ends],
                mode="lines",
                name=f"{arm.arm}, front",
                line=line,
                legendgroup=arm.arm,
                showlegend=False,
                hoverinfo="skip",
            )
        )
    words = ", ".join(f"{arm.arm} {len(arm.goals.front(arm.complete))} of {len(arm.complete)} trials" for arm in arms)
    alt = f"{first} against {other} of {kind} on {model}. In the front of each arm: {words}; the table has them all."
    layout = {"xaxis": axis(other), "yaxis": axis(first), "height": 340, "showlegend": True}
    return panel(identifier, f"{first} against {other} — {kind}, {model}", alt, traces, layout)


def _rows(arm: ArmRecord) -> list[tuple[str, ...]]:
    names = list(arm.goals.directions)
    found: list[tuple[str, ...]] = []
    for row in arm.goals.front(arm.complete):
        values = arm.goals.values(row) or ()
        told = ", ".join(f"{name} {decimal(value)}" for name, value in zip(names, values, strict=True))
        met = "yes" if arm.goals.is_feasible(row) else "no"
        found.append((arm.model, arm.kind, arm.arm, str(row.number), told, met, setting_text(row.setting)))
    return found
