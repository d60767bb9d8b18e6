"""Scatter plots of problems in a plane: colour is the right answer, the symbol the type of reasoning."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from brainalign.reports.figures.style import OKABE_ITO, SYMBOLS, Panel, axis, panel
from brainalign.reports.numbers import percent

LABEL_COLOURS = {True: OKABE_ITO[0], False: OKABE_ITO[4]}


def problem_traces(
    scores: NDArray[np.float64], types: Sequence[str], labels: NDArray[np.bool_], ids: Sequence[str]
) -> list[go.Scatter]:
    """One trace a type and right answer."""
    traces = []
    for place, name in enumerate(sorted(set(types))):
        for label, colour in LABEL_COLOURS.items():
            rows = [i for i, found in enumerate(types) if found == name and bool(labels[i]) == label]
            if rows:
                traces.append(
                    go.Scatter(
                        x=scores[rows, 0], y=scores[rows, 1], mode="markers", name=f"{name}, {label}",
                        text=[ids[row] for row in rows], hoverinfo="text",
                        marker={"color": colour, "symbol": SYMBOLS[place], "size": 8, "opacity": 0.8},
                    )
                )  # fmt: skip
    return traces


def plane(
    identifier: str,
    title: str,
    alt: str,
    traces: Sequence[go.Scatter],
    explained: Sequence[float],
    by_chance: Sequence[float] = (),
) -> Panel:
    """Draw a plane of two components with the share of variance of each on its axis, and by chance if known."""
    layout: dict[str, Any] = {"height": 430, "legend": {"orientation": "h", "x": 0, "y": -0.18, "yanchor": "top"}}
    for place, name in enumerate(("xaxis", "yaxis")):
        share = percent(explained[place] if place < len(explained) else 0.0, 0)
        beside = f", {percent(by_chance[place], 0)} by chance" if place < len(by_chance) else ""
        layout[name] = axis(f"component {place + 1} ({share}{beside})")
    return panel(identifier, title, alt, traces, layout)


def two_columns(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores in two columns, the second zero where there is one component only."""
    return scores[:, :2] if scores.shape[1] >= 2 else np.column_stack([scores, np.zeros((len(scores), 2))])[:, :2]
