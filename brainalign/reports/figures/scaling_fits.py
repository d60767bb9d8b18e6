"""Fitted curves with the range that forecasts have, and the form only where the data tell it."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from brainalign.reports.figures.scaling_curves import size_axis, size_words, translucent
from brainalign.reports.figures.style import INK, OKABE_ITO, Figure, Panel, axis, panel
from brainalign.reports.numbers import decimal
from brainalign.reports.scaling.curves import QUANTITY_WORDS
from brainalign.reports.scaling.fits import CurveFit, form_table
from brainalign.reports.scaling.forecasts import Scored
from brainalign.statistics.scaling import FORMS

_REACH = 3.0
"""How far beyond the largest model the range is drawn, as a factor of its size."""
_N_DRAWN = 40


def fits_figure(fits: Sequence[CurveFit], scored: Sequence[Scored]) -> Figure:
    """One panel a fitted curve: figures, the range of a further model's, and frozen forecasts with their outcomes."""
    panels = tuple(_panel(f"fit-{i}", fit, _own(fit, scored)) for i, fit in enumerate(fits))
    return Figure(
        identifier="fits",
        title="Forms and forecasts",
        caption="Points: figures with 95 % intervals. Blue range: where a further model's figure would lie with 95 %, "
        "all forms weighed by their probability and scatter between models included; it reaches three times beyond the "
        "largest model. The line inside is drawn only where the data tell one form from its rivals, and only there an "
        "exponent is given. Orange bars: forecasts frozen before the results; rings: what was then found.",
        panels=panels,
        table=form_table(fits) if fits else None,
        missing="" if panels else "No curve has three sizes yet, so no form is fitted.",
    )


def _own(fit: CurveFit, scored: Sequence[Scored]) -> list[Scored]:
    return [item for item in scored if item.counts and item.place == fit.curve.name]


def _panel(identifier: str, fit: CurveFit, scored: Sequence[Scored]) -> Panel:
    curve = fit.curve
    smallest, largest = fit.posterior.curve.span
    sizes = np.geomspace(smallest, _REACH * largest, _N_DRAWN)
    band = fit.band(sizes)
    traces = [_range(sizes, band), _figures(fit)]
    if fit.gate.form is not None:
        traces.insert(1, _told(fit, sizes))
    traces += [trace for item in scored for trace in _forecast(item, fit)]
    layout = {"xaxis": size_axis(), "yaxis": axis(QUANTITY_WORDS[curve.quantity]), "height": 320, "showlegend": True}
    largest_told = band[-1]
    alt = (
        f"{curve.kind}, {curve.arm}: {fit.gate.reason}. At {size_words(float(sizes[-1]))} parameters "
        f"{decimal(largest_told[0])} is expected, {decimal(largest_told[1])} to {decimal(largest_told[2])}."
    )
    told = fit.gate.form or "forms not told apart"
    return panel(identifier, f"{curve.kind}, {curve.arm}, {curve.quantity}: {told}", alt, traces, layout)


def _range(sizes: np.ndarray, band: Sequence[tuple[float, float, float]]) -> go.Scatter:
    x = sizes.round().tolist()
    return go.Scatter(
        x=[*x, *x[::-1]],
        y=[round(high, 5) for _, _, high in band] + [round(low, 5) for _, low, _ in band[::-1]],
        fill="toself",
        mode="lines",
        fillcolor=translucent(OKABE_ITO[0], 0.14),
        line={"width": 0},
        name="95 % range of a further model",
        hoverinfo="skip",
    )


def _told(fit: CurveFit, sizes: np.ndarray) -> go.Scatter:
    """Draw the form that the data tell."""
    index = [form.name for form in FORMS].index(str(fit.gate.form))
    means = [fit.posterior.predict(float(size), form=index).mean for size in sizes]
    exponent = fit.gate.exponent
    name = str(fit.gate.form) + ("" if exponent is None else f", exponent {decimal(exponent.estimate)}")
    line = {"color": OKABE_ITO[0], "width": 2}
    return go.Scatter(x=sizes.round().tolist(), y=means, mode="lines", name=name, line=line, hoverinfo="name")


def _figures(fit: CurveFit) -> go.Scatter:
    points = fit.curve.points
    estimates = [point.estimate for point in points]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [(e.high if e.high is not None else e.estimate) - e.estimate for e in estimates],
        "arrayminus": [e.estimate - (e.low if e.low is not None else e.estimate) for e in estimates],
        "thickness": 1.2,
        "width": 3,
        "color": INK,
    }
    return go.Scatter(
        x=[point.size.n_parameters for point in points],
        y=[estimate.estimate for estimate in estimates],
        mode="markers",
        name="measured",
        marker={"color": INK, "size": 7, "symbol": "circle"},
        error_y=error,
        hoverinfo="text",
        text=[point.size.name for point in points],
    )


def _forecast(item: Scored, fit: CurveFit) -> list[go.Scatter]:
    x = next((point.size.n_parameters for point in fit.curve.points if point.size.name == item.model), None)
    if x is None or item.outcome is None:
        return []
    line = {"color": OKABE_ITO[1], "width": 7}
    ring = {"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 2}}
    name = f"frozen forecast {item.forecast}"
    return [
        go.Scatter(x=[x, x], y=[item.low, item.high], mode="lines", name=name, line=line, opacity=0.8),
        go.Scatter(
            x=[x], y=[item.outcome], mode="markers", marker=ring, name=item.where,
            hoverinfo="text", text=[f"{item.model}: {item.where}, CRPS {decimal(item.crps)}"],
        ),
    ]  # fmt: skip
