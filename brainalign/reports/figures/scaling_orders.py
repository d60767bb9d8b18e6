"""Robustness to premise order, and the size of the training set, against the size of the model."""

import re
from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.figures.scaling_curves import size_axis, size_words
from brainalign.reports.figures.style import OKABE_ITO, SYMBOLS, ArmStyle, Figure, Panel, Table, arm_styles, axis, panel
from brainalign.reports.numbers import count, decimal
from brainalign.reports.scaling.orders import ORDER_WORDS, Reading, means

_HEADER = ("kind", "arm", "model", "parameters", "study", "figure", "value")
BEFORE = "before training"


def orders_figure(readings: Sequence[Reading]) -> Figure:
    """One panel a (kind, figure): accuracy over all orders, in the worst order, and share right in every order."""
    places = dict.fromkeys((reading.kind, reading.name) for reading in readings)
    panels = tuple(
        _panel(f"orders-{i}", [r for r in readings if (r.kind, r.name) == place]) for i, place in enumerate(places)
    )
    return Figure(
        identifier="orders",
        title="Robustness to the order of the premises",
        caption="Winners of the kinds that fine-tune, on the report part, whose problems are asked in all orders of "
        "their premises. Lines: mean over seeds; small points: single seeds. A model that reasons has the same answer "
        "in every order; how far its worst order falls below all orders together shows how much it leans on order.",
        panels=panels,
        table=_table(readings),
        missing="" if panels else "No kind of these studies asks its problems in several orders of their premises.",
    )


def data_figure(readings: Sequence[Reading]) -> Figure:
    """One panel a (kind, arm): objective against the number of training problems, a line a model."""
    places = dict.fromkeys((reading.kind, reading.arm) for reading in readings)
    panels = tuple(
        _data_panel(f"data-{i}", [r for r in readings if (r.kind, r.arm) == place]) for i, place in enumerate(places)
    )
    return Figure(
        identifier="data-size",
        title="What more training problems give",
        caption="Best objective on the selection part by the set of problems that was trained on, mean over seeds.",
        panels=panels,
        table=_table(readings),
        missing="" if panels else "The studies did not vary what is trained on (setting `train_on`).",
    )


def _panel(identifier: str, readings: Sequence[Reading]) -> Panel:
    kind, name = readings[0].kind, readings[0].name
    methods = list(dict.fromkeys(r.arm for r in readings if r.is_method))
    controls = list(dict.fromkeys(r.arm for r in readings if not r.is_method and r.arm != BEFORE))
    styles = {**arm_styles(methods, controls), BEFORE: ArmStyle("#5a5a5a", "circle", "dot")}
    traces: list[go.Scatter] = []
    for arm in (*methods, *controls, BEFORE):
        own = [reading for reading in readings if reading.arm == arm]
        traces += _lines(own, arm, styles[arm])
        if len({reading.study for reading in own}) > 1:
            traces.append(_seeds(own, styles[arm].colour, arm))
    layout = {"xaxis": size_axis(), "yaxis": axis(f"share right: {ORDER_WORDS[name]}"), "height": 330}
    told = ", ".join(f"{decimal(value)} at {size_words(size.n_parameters)}" for size, value in means(readings))
    alt = f"{ORDER_WORDS[name]} of {kind} against size, all arms together: {told}."
    return panel(identifier, f"{kind}: {ORDER_WORDS[name]}", alt, traces, layout)


def _lines(readings: Sequence[Reading], arm: str, style: ArmStyle) -> list[go.Scatter]:
    """Mean over seeds, joined within each family."""
    line = {"color": style.colour, "dash": style.dash, "width": 2}
    marker = {"color": style.colour, "symbol": style.symbol, "size": 8}
    traces: list[go.Scatter] = []
    for family in dict.fromkeys(size.family for size, _ in means(readings)):
        own = [(size.n_parameters, value) for size, value in means(readings) if size.family == family]
        x, y = [size for size, _ in own], [value for _, value in own]
        look = {"line": line, "marker": marker, "legendgroup": arm, "showlegend": not traces}
        traces.append(go.Scatter(x=x, y=y, mode="lines+markers", name=arm, **look))
    return traces


def _seeds(readings: Sequence[Reading], colour: str, arm: str) -> go.Scatter:
    marker = {"color": colour, "size": 4, "opacity": 0.55}
    return go.Scatter(
        x=[reading.size.n_parameters for reading in readings], y=[reading.value for reading in readings],
        mode="markers", marker=marker, legendgroup=arm, showlegend=False, hoverinfo="skip",
    )  # fmt: skip


def _data_panel(identifier: str, readings: Sequence[Reading]) -> Panel:
    models = list(dict.fromkeys(reading.size for reading in sorted(readings, key=lambda r: r.size)))
    sets = sorted({reading.name for reading in readings}, key=lambda name: (_n_problems(name), name))
    traces = []
    for i, size in enumerate(models):
        y = [_mean([r.value for r in readings if (r.size, r.name) == (size, name)]) for name in sets]
        colour = OKABE_ITO[i % len(OKABE_ITO)]
        marker = {"color": colour, "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8}
        line = {"color": colour, "width": 1.8}
        traces.append(go.Scatter(x=sets, y=y, mode="lines+markers", name=size.name, marker=marker, line=line))
    layout = {"xaxis": axis("trained on", type="category"), "yaxis": axis("objective (selection part)"), "height": 330}
    kind, arm = readings[0].kind, readings[0].arm
    alt = f"Objective of {arm}, {kind}, for {len(models)} models by the problems trained on: {', '.join(sets)}."
    return panel(identifier, f"{kind}, {arm}", alt, traces, layout)


def _n_problems(name: str) -> int:
    found = re.search(r"\d+", name)
    return int(found.group()) if found else 0


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _table(readings: Sequence[Reading]) -> Table | None:
    rows = [
        (*(r.kind, r.arm, r.size.name, count(r.size.n_parameters), r.study, r.name), decimal(r.value)) for r in readings
    ]
    return Table(_HEADER, tuple(rows)) if rows else None
