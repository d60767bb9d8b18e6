"""Palette, layout and the types that every figure of a report is made of.

References
----------
Okabe, M. & Ito, K. (2008), Color Universal Design: how to make figures and presentations that are friendly to
colourblind people, https://jfly.uni-koeln.de/color/.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder

INK = "#1a1a1a"
FAINT = "#6b6b6b"
GRID = "#e4e4e4"
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#7F7F7F")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "pentagon", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "dash")
DIVERGING = ((0.0, "#A33E00"), (0.25, "#E8A06A"), (0.5, "#F4F4F4"), (0.75, "#74AFD3"), (1.0, "#00507E"))
"""Vermilion to blue through a light grey: safe in the three common colour vision deficiencies and in grey print."""

_TICKS = [step * 10.0**power for power in range(-9, 6) for step in (1, 2, 5)]
LOG_AXIS = {"type": "log", "tickvals": _TICKS, "ticktext": [f"{tick:g}" for tick in _TICKS]}
"""Logarithmic axis whose ticks are whole numbers; Plotly's own write 0.5 as a small 5."""


@dataclass(frozen=True)
class Table:
    """The numbers of a figure or section as text: `header` and `rows` of finished cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Panel:
    """One plot: `spec` is Plotly's JSON, `alt` says in words what it shows, `height` is in CSS pixels."""

    identifier: str
    title: str
    alt: str
    spec: str
    height: int


@dataclass(frozen=True)
class ColourBar:
    """One colour scale shared by all panels of a figure, from -`bound` to +`bound`."""

    label: str
    bound: float
    stops: tuple[tuple[float, str], ...] = DIVERGING


@dataclass(frozen=True)
class Figure:
    """A captioned group of panels with its table; `missing` says why there is nothing to draw."""

    identifier: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    table: Table | None = None
    colour_bar: ColourBar | None = None
    missing: str = ""


@dataclass(frozen=True)
class ArmStyle:
    """Colour, symbol and dash of an arm: three codes for one thing, so that none has to be told by colour alone."""

    colour: str
    symbol: str
    dash: str


def arm_styles(methods: Sequence[str], controls: Sequence[str]) -> dict[str, ArmStyle]:
    """Give each arm a style for all figures: methods share the first, controls take the others."""
    places = {arm: 1 + i % (len(OKABE_ITO) - 1) for i, arm in enumerate(dict.fromkeys(controls))}
    places |= dict.fromkeys(methods, 0)
    return {arm: ArmStyle(OKABE_ITO[place], SYMBOLS[place], DASHES[place]) for arm, place in places.items()}


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """Make an axis with its title and the report's thin grid."""
    base = {
        "title": {"text": title, "font": {"size": 13}, "standoff": 8},
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "ticks": "outside",
        "tickcolor": FAINT,
        "ticklen": 4,
        "automargin": True,
    }
    return {**base, **settings}


def panel(identifier: str, title: str, alt: str, traces: Sequence[Any], layout: dict[str, Any]) -> Panel:
    """Make a plot from traces and its layout (`height` is read from it, 340 px if not given)."""
    height = int(layout.pop("height", 340))
    base = {
        "template": None,
        "font": {
            "family": "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif",
            "size": 12,
            "color": INK,
        },
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 56, "r": 14, "t": 10, "b": 44},
        "height": height,
        "hoverlabel": {"bgcolor": "#ffffff", "font": {"color": INK}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
    }
    # A go.Figure would copy Plotly's default template, a fifth of a second each, for nothing.
    checked = go.Layout({**base, **layout}).to_plotly_json()
    spec = json.dumps({"data": [trace.to_plotly_json() for trace in traces], "layout": checked}, cls=PlotlyJSONEncoder)
    return Panel(identifier, title, alt, script_safe(spec), height)


def script_safe(spec: str) -> str:
    """JSON that can stand in a `<script>` element: no `<`, so that no text in it can close the element."""
    json.loads(spec)
    return spec.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
