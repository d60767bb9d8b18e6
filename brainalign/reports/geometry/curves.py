"""Similarity of models to the brain by layer: medians over subjects, chance, and the noise ceiling."""

from collections.abc import Sequence

import plotly.graph_objects as go

from brainalign.reports.figures.style import FAINT, OKABE_ITO, Figure, Panel, Table, axis, panel
from brainalign.reports.geometry.alignment import ALL, NAMES, SITES, WITHIN, Alignment
from brainalign.reports.geometry.inputs import GeometryInputs
from brainalign.reports.numbers import NOT_MEASURED, decimal, interval_text

_STYLES = {"attention": (OKABE_ITO[0], "solid", "circle"), "layer": (OKABE_ITO[4], "dash", "square")}
_HEADER = (
    "model",
    "measure",
    "over",
    "site",
    "layer",
    "median over subjects [interval]",
    "more than chance (95 %)",
    "p, corrected",
    "noise ceiling",
)


def alignment_figure(inputs: GeometryInputs, found: Sequence[Alignment]) -> Figure:
    """One panel a (model, measure): within types of reasoning where there are several, else over all problems."""
    over = WITHIN if any(item.over == WITHIN for item in found) else ALL
    drawn = [item for item in found if item.over == over]
    few = (
        f" With {len(inputs.ids)} problems and {len(inputs.brain)} subjects both are coarse."
        if _is_small(inputs)
        else ""
    )
    return Figure(
        identifier="geometry-alignment",
        title="Brain and model: RSA and CKA by layer",
        caption=f"Lines: median over subjects of the similarity of each layer to the betas of {inputs.roi}, {over}; "
        "bars: 95 % bootstrap intervals over subjects (not over problems). Dotted line: 95 % quantile of the largest "
        "value over all layers and sites where problems are shuffled within types, so a point above it is more than "
        "chance however many layers were looked at. Band: noise ceiling, how alike a subject is to the mean of the "
        "others and of all; where it is near zero the betas hold little that subjects share, and a low similarity says "
        f"nothing about the model. Debiased CKA has mean zero for unrelated states; plain CKA would not.{few}",
        panels=tuple(_panel(f"alignment-{i}", item) for i, item in enumerate(drawn)),
        table=Table(_HEADER, tuple(row for item in found for row in _rows(item))),
    )


def _is_small(inputs: GeometryInputs) -> bool:
    return len(inputs.ids) < 50 or len(inputs.brain) < 6


def _panel(identifier: str, item: Alignment) -> Panel:
    traces = []
    for place, site in enumerate(SITES):
        colour, dash, symbol = _STYLES[site]
        intervals = item.intervals[place]
        bounded = all(interval.low == interval.low for interval in intervals)
        error = {
            "type": "data", "symmetric": False, "color": colour, "thickness": 1,
            "array": [interval.high - interval.estimate for interval in intervals],
            "arrayminus": [interval.estimate - interval.low for interval in intervals],
        }  # fmt: skip
        traces.append(
            go.Scatter(
                x=list(range(len(intervals))), y=[interval.estimate for interval in intervals], name=f"{site} output",
                mode="lines+markers", line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 7},
                error_y=error if bounded else None,
            )
        )  # fmt: skip
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": item.chance.upper, "y1": item.chance.upper,
            "line": {"color": FAINT, "dash": "dot", "width": 2}}  # fmt: skip
    low, high = item.ceiling
    band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "layer": "below",
            "fillcolor": "#e9e9e9", "line": {"width": 0}}  # fmt: skip
    layout = {
        "xaxis": axis("layer", tickformat="d"),
        "yaxis": axis(NAMES[item.measure], zeroline=True, zerolinecolor=FAINT),
        "shapes": [line, *([band] if low == low else [])],
        "height": 340,
    }
    best_site, layer = item.best
    best = interval_text(item.intervals[best_site][layer])
    alt = (
        f"{NAMES[item.measure]} of {item.model} with the brain, {item.over}; best at the {SITES[best_site]} output of "
        f"layer {layer}: {best}, p {decimal(item.p_value)} corrected for the choice of a layer; chance reaches "
        f"{decimal(item.chance.upper)}."
    )
    return panel(identifier, f"{NAMES[item.measure]}, {item.model}", alt, traces, layout)


def _rows(item: Alignment) -> list[tuple[str, ...]]:
    n_layers = item.by_subject.shape[1]
    ceiling = f"{decimal(item.ceiling[0])} to {decimal(item.ceiling[1])}" if item.ceiling[0] == item.ceiling[0] else ""
    rows: list[tuple[str, ...]] = []
    for place, site in enumerate(SITES):
        for layer, interval in enumerate(item.intervals[place]):
            flat = place * n_layers + layer
            above = "yes" if item.chance.observed[flat] > item.chance.upper else "no"
            figures = (interval_text(interval), above, decimal(float(item.chance.p_values[flat])))
            where = (item.model, NAMES[item.measure], item.over, site, str(layer))
            rows.append((*where, *figures, ceiling or NOT_MEASURED))
    return rows
