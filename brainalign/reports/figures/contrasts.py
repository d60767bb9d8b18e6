"""The method beside its controls on the report part: dots and intervals."""

from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.comparisons import ArmComparison
from brainalign.reports.estimates import Estimate
from brainalign.reports.figures.style import FAINT, ArmStyle, Figure, Panel, Table, axis, panel
from brainalign.reports.numbers import count, decimal, interval_text
from brainalign.reports.tables import BestSetting

_HEADER = ("model", "kind", "figure", "report part [interval]", "pairs")


def contrasts(best: Sequence[BestSetting], compared: Sequence[ArmComparison], styles: dict[str, ArmStyle]) -> Figure:
    """Two panels a (model, kind): each winner's objective, and the method minus each control."""
    panels: list[Panel] = []
    for i, place in enumerate(dict.fromkeys((row.model, row.kind) for row in best)):
        rows = [row for row in best if (row.model, row.kind) == place and row.report is not None]
        pairs = [item for item in compared if (item.model, item.kind) == place and item.difference is not None]
        if rows:
            panels.append(_winners_panel(f"winners-{i}", place, rows, styles))
        if pairs:
            panels.append(_differences_panel(f"differences-{i}", place, pairs, styles))
    table = Table(_HEADER, (*_winner_rows(best), *_difference_rows(compared)))
    return Figure(
        identifier="contrasts",
        title="Winners on the report part",
        caption="Left: objective of each arm's best setting on the report part, which no search has seen. Right: "
        "the method minus the control on the same (subject, problem) pairs, in net balanced accuracy. Bars: 95 % "
        "crossed bootstrap intervals, subjects and problems resampled together; they hold for the chosen setting "
        "and leave out that it was chosen. A difference whose bar crosses 0 is not shown to exist.",
        panels=tuple(panels),
        table=table if table.rows else None,
        missing=""
        if panels
        else "No winner has been run on the report part yet, so the method cannot stand beside its controls.",
    )


def _winners_panel(
    identifier: str, place: tuple[str, str], rows: Sequence[BestSetting], styles: dict[str, ArmStyle]
) -> Panel:
    marks = [(row.arm, row.report, styles[row.arm]) for row in rows if row.report is not None]
    alt = f"Objective on the report part of {place[1]} on {place[0]}: " + "; ".join(
        f"{arm} {interval_text(estimate)}" for arm, estimate, _ in marks
    )
    objective = rows[0].objective.replace("_", " ")
    return _dots(identifier, f"{place[1]}, {place[0]}: each arm", alt, marks, objective)


def _differences_panel(
    identifier: str, place: tuple[str, str], pairs: Sequence[ArmComparison], styles: dict[str, ArmStyle]
) -> Panel:
    marks = [
        (f"{item.method} − {item.control}", item.difference, styles[item.control])
        for item in pairs
        if item.difference is not None
    ]
    alt = f"{pairs[0].method} minus each control, {place[1]} on {place[0]}: " + " ".join(
        item.sentence for item in pairs
    )
    title = f"{place[1]}, {place[0]}: {pairs[0].method} minus control"
    return _dots(identifier, title, alt, marks, "Δ net balanced accuracy")


def _dots(
    identifier: str, title: str, alt: str, marks: Sequence[tuple[str, Estimate, ArmStyle]], quantity: str
) -> Panel:
    """Horizontal dots with interval bars, the first on top."""
    traces = []
    for name, estimate, style in marks:
        bounded = estimate.low is not None and estimate.high is not None
        error = {
            "type": "data",
            "symmetric": False,
            "array": [(estimate.high or 0.0) - estimate.estimate],
            "arrayminus": [estimate.estimate - (estimate.low or 0.0)],
            "thickness": 2,
            "width": 6,
            "color": style.colour,
        }
        outline = {"color": "#ffffff", "width": 1}
        traces.append(
            go.Scatter(
                x=[estimate.estimate],
                y=[name],
                mode="markers",
                name=name,
                hoverinfo="text",
                text=[interval_text(estimate)],
                marker={"color": style.colour, "symbol": style.symbol, "size": 12, "line": outline},
                error_x=error if bounded else None,
            )
        )
    layout = {
        "margin": {"l": 40, "r": 20, "t": 10, "b": 44},
        "xaxis": axis(quantity, rangemode="tozero", zeroline=True, zerolinecolor=FAINT, zerolinewidth=1.5),
        "yaxis": axis("", autorange="reversed", type="category", ticks=""),
        "showlegend": False,
        "height": 110 + 44 * len(marks),
    }
    return panel(identifier, title, alt, traces, layout)


def _winner_rows(best: Sequence[BestSetting]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for row in best:
        if row.report is not None:
            overall = None if row.summary is None else row.summary.overall
            n = count(overall.n_targeted + overall.n_right) if overall else decimal(None)
            rows.append((row.model, row.kind, row.arm, interval_text(row.report), n))
    return rows


def _difference_rows(compared: Sequence[ArmComparison]) -> list[tuple[str, ...]]:
    return [
        (c.model, c.kind, f"{c.method} − {c.control}", interval_text(c.difference, difference=True), count(c.n_pairs))
        for c in compared
        if c.difference is not None
    ]
