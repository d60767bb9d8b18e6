"""Figures against the number of parameters: lines by arm, bands of intervals, seeds as points."""

from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.figures.style import FAINT, SYMBOLS, ArmStyle, Figure, Panel, Table, arm_styles, axis, panel
from brainalign.reports.numbers import count, decimal, interval_text
from brainalign.reports.scaling.curves import QUANTITY_WORDS, UNCHANGED, Point, ScalingCurve

_HEADER = ("kind", "quantity", "curve", "model", "parameters", "figure [interval]", "seeds", "outcomes")
_UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_TICKS = [step * 10.0**power for power in range(3, 13) for step in (1, 3)]
_UNCHANGED_STYLE = ArmStyle("#5a5a5a", "circle", "dot")


def size_words(n_parameters: float) -> str:
    """Write a size in its unit.

    Examples
    --------
    >>> size_words(134515008), size_words(300000)
    ('135M', '300k')
    """
    for unit, letter in _UNITS:
        if n_parameters >= unit:
            return f"{n_parameters / unit:.3g}{letter}"
    return f"{n_parameters:.0f}"


def size_axis() -> dict[str, object]:
    """Logarithmic axis of sizes whose ticks have units."""
    return axis("parameters", type="log", tickvals=_TICKS, ticktext=[size_words(tick) for tick in _TICKS])


def curve_styles(curves: Sequence[ScalingCurve]) -> dict[str, ArmStyle]:
    """One style a curve's name: the methods' is the first, a difference has that of what is subtracted."""
    methods = dict.fromkeys(curve.arm for curve in curves if curve.is_method and curve.quantity != "difference")
    controls = dict.fromkeys(curve.arm for curve in curves if curve.arm not in {*methods, UNCHANGED})
    return {**arm_styles(list(methods), list(controls)), UNCHANGED: _UNCHANGED_STYLE}


def kind_figure(kind: str, curves: Sequence[ScalingCurve], shortcut: float | None) -> Figure:
    """Accuracy and gain of each arm of a kind, and the method minus each control."""
    own = [curve for curve in curves if curve.kind == kind]
    panels = []
    for quantity in ("accuracy", "gain", "difference"):
        chosen = [curve for curve in own if curve.quantity == quantity]
        if chosen:
            panels.append(curve_panel(f"{kind}-{quantity}", kind, chosen, shortcut if quantity == "accuracy" else None))
    return Figure(
        identifier=f"curves-{kind.replace('_', '-')}",
        title=f"{kind} against size",
        caption=_caption(shortcut),
        panels=tuple(panels),
        table=curve_table(own),
        missing="" if panels else f"No winner of {kind} has been run on the report part yet.",
    )


def predictivity_figure(curves: Sequence[ScalingCurve]) -> Figure:
    """Predictivity with all features beside the same with equally many, one panel each."""
    groups: dict[str, list[ScalingCurve]] = {}
    for curve in curves:
        groups.setdefault(curve.arm.partition("; ")[2], []).append(curve)
    ordered = sorted(groups, key=lambda words: (not words.startswith("all"), words))
    panels = tuple(curve_panel(f"predictivity-{i}", words, groups[words], None) for i, words in enumerate(ordered))
    return Figure(
        identifier="predictivity-size",
        title="Predictivity against size",
        caption=_width_caption(any(not words.startswith("all") for words in groups)),
        panels=panels,
        table=curve_table(curves),
        missing="" if panels else "The studies have no finished trial of kind predictivity.",
    )


def _caption(shortcut: float | None) -> str:
    line = f" The dash-dotted line is a classifier that sees only the surface of these problems ({decimal(shortcut)})."
    return (
        "Winners of each arm on the report part, which no search has seen. Lines join models of one family; bands (of "
        "the method) and bars (of all others) are 95 % intervals that resample subjects and problems together, the "
        "same draw for all models, arms and seeds; small points are single seeds. Control-subtracted curves are "
        "paired outcome by outcome: a band that holds 0 shows no difference." + ("" if shortcut is None else line)
    )


def _width_caption(equal: bool) -> str:
    compared = (
        "Beside the raw curve stands the same with as many features of every model, a random orthonormal projection of "
        "its states drawn anew for each seed: what rises there rises for another reason than width."
        if equal
        else "The studies did not measure equally many (the setting `features` does): the curve cannot tell width from "
        "what a model has learned."
    )
    return (
        "Pearson r of the best layer, median over subjects; bands and bars are 95 % bootstrap intervals over subjects. "
        f"A wider model has more features to predict with. {compared}"
    )


def curve_panel(identifier: str, title: str, curves: Sequence[ScalingCurve], shortcut: float | None) -> Panel:
    """Draw curves of one quantity."""
    styles, quantity = curve_styles(curves), curves[0].quantity
    families = list(dict.fromkeys(point.size.family for curve in curves for point in curve.points))
    traces = [trace for curve in curves for trace in curve_traces(curve, styles[curve.arm], families)]
    traces += [_band_line(curves, shortcut, "shortcut classifier")] if shortcut is not None else []
    traces += [_family_key(family, families) for family in families] if len(families) > 1 else []
    floor = curves[0].scale.floor
    told = "; ".join(f"{curve.arm} {_spell(curve.points)}" for curve in curves)
    layout = {
        "xaxis": size_axis(),
        "yaxis": axis(QUANTITY_WORDS[quantity]),
        "shapes": [_rule(floor)],
        "height": 430,
        "margin": {"l": 60, "r": 14, "t": 10, "b": 44},
    }
    alt = f"{QUANTITY_WORDS[quantity]} against size, {title}: {told}."
    return panel(identifier, f"{title}: {QUANTITY_WORDS[quantity]}", alt, traces, layout)


def curve_traces(curve: ScalingCurve, style: ArmStyle, families: Sequence[str]) -> list[go.Scatter]:
    """Draw one curve: a band and a line a family, its models' intervals, and single seeds."""
    traces = []
    shown = True
    for family in families:
        points = [point for point in curve.points if point.size.family == family]
        if len(points) > 1 and curve.is_method:
            traces += _band(points, style)
        if points:
            traces.append(_line(curve, points, style, SYMBOLS[families.index(family) % len(SYMBOLS)], shown))
            shown = False
    seeds = [(point.size.n_parameters, value) for point in curve.points for _, value in point.seeds]
    if any(len(point.seeds) > 1 for point in curve.points):
        marker = {"color": style.colour, "size": 4, "opacity": 0.55, "symbol": "circle"}
        traces.append(
            go.Scatter(
                x=[x for x, _ in seeds], y=[y for _, y in seeds], mode="markers", marker=marker,
                legendgroup=curve.arm, showlegend=False, hoverinfo="skip",
            )
        )  # fmt: skip
    return traces


def _band(points: Sequence[Point], style: ArmStyle) -> list[go.Scatter]:
    bounded = [
        (point.size.n_parameters, point.estimate.low, point.estimate.high)
        for point in points
        if point.estimate.low is not None and point.estimate.high is not None
    ]
    if len(bounded) < 2:
        return []
    return [
        go.Scatter(
            x=[x for x, _, _ in bounded] + [x for x, _, _ in bounded[::-1]],
            y=[high for _, _, high in bounded] + [low for _, low, _ in bounded[::-1]],
            fill="toself",
            mode="lines",
            fillcolor=translucent(style.colour, 0.12),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
    ]


def _line(curve: ScalingCurve, points: Sequence[Point], style: ArmStyle, symbol: str, shown: bool) -> go.Scatter:
    barred = len(points) == 1 or not curve.is_method
    estimates = [point.estimate for point in points]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [(e.high if e.high is not None else e.estimate) - e.estimate for e in estimates],
        "arrayminus": [e.estimate - (e.low if e.low is not None else e.estimate) for e in estimates],
        "thickness": 1.5,
        "width": 4,
        "color": style.colour,
    }
    return go.Scatter(
        x=[point.size.n_parameters for point in points],
        y=[estimate.estimate for estimate in estimates],
        mode="lines+markers",
        name=curve.arm,
        legendgroup=curve.arm,
        showlegend=shown,
        line={"color": style.colour, "dash": style.dash, "width": 2.4 if curve.is_method else 1.6},
        marker={"color": style.colour, "symbol": symbol, "size": 8, "line": {"color": "#ffffff", "width": 1}},
        error_y=error if barred else None,
        hoverinfo="text",
        text=[f"{point.size.name}, {curve.arm}<br>{interval_text(point.estimate)}" for point in points],
    )


def translucent(colour: str, opacity: float) -> str:
    """Give a hexadecimal colour an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def _band_line(curves: Sequence[ScalingCurve], height: float, name: str) -> go.Scatter:
    """Draw a level over all sizes."""
    sizes = [point.size.n_parameters for curve in curves for point in curve.points]
    line = {"color": "#1a1a1a", "dash": "dashdot", "width": 1.4}
    ends = [min(sizes), max(sizes)]
    return go.Scatter(x=ends, y=[height, height], mode="lines", name=name, line=line, hoverinfo="name")


def _family_key(family: str, families: Sequence[str]) -> go.Scatter:
    """Entry of the legend that says which symbol a family has."""
    marker = {"color": "#ffffff", "symbol": SYMBOLS[families.index(family) % len(SYMBOLS)], "size": 8}
    marker |= {"line": {"color": FAINT, "width": 1.5}}
    return go.Scatter(x=[None], y=[None], mode="markers", marker=marker, name=family, hoverinfo="skip")


def _rule(height: float) -> dict[str, object]:
    """Thin horizontal line at what nothing gives: chance, or no gain."""
    line = {"color": FAINT, "width": 1, "dash": "dot"}
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": height,
        "y1": height,
        "line": line,
        "layer": "below",
    }


def _spell(points: Sequence[Point]) -> str:
    return ", ".join(f"{decimal(point.estimate.estimate)} at {size_words(point.size.n_parameters)}" for point in points)


def curve_table(curves: Sequence[ScalingCurve]) -> Table | None:
    """All points with their intervals and seeds."""
    rows = [
        (
            *(curve.kind, curve.quantity, curve.arm, point.size.name, count(point.size.n_parameters)),
            interval_text(point.estimate),
            ", ".join(decimal(value) for _, value in point.seeds),
            count(point.n),
        )
        for curve in curves
        for point in curve.points
    ]
    return Table(_HEADER, tuple(rows)) if rows else None
