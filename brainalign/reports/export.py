"""Figures of a report as files: PNG and PDF drawn from the same specifications as the page, and their data as CSV.

The page draws with Plotly, which needs a browser; these are drawn by matplotlib, which needs none, so that a cluster
without a display writes them too. A figure is defined once: what is drawn here is read from its panels' specifications.
"""

import csv
import io
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainalign.artifacts import write_atomically, write_text
from brainalign.reports.figures.style import FAINT, GRID, INK, Figure, Panel, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SYMBOLS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "pentagon": "p", "star": "*", "hexagon": "h",
    "circle-open": "o", "x-thin": "x",
}  # fmt: skip
_DASHES: dict[str, Any] = {
    "solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3)), "longdashdot": (0, (8, 3, 2, 3)),
}  # fmt: skip
_PX_TO_PT = 0.75
_COLUMNS = 3
_WIDTH_IN = 5.2
_DPI = 130
_TITLE_LETTERS = 62


def export_figure(figure: Figure, folder: Path) -> list[Path]:
    """Write a figure as PNG and PDF, and its table as CSV; gives the files, none for what there is nothing of.

    Raises
    ------
    StudyError
        The disk is full, read-only or refuses for another reason.
    """
    written = []
    if figure.table is not None:
        written.append(folder / f"{figure.identifier}.csv")
        write_text(written[-1], table_csv(figure.table))
    if figure.panels:
        written += _draw(figure, folder)
    return written


def table_csv(table: Table) -> str:
    """Spell a table as CSV; thin spaces of thousands are left out, and a minus sign is one that programs read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows([cell.replace("\u202f", "").replace("\u2212", "-") for cell in row] for row in table.rows)
    return text.getvalue()


def _draw(figure: Figure, folder: Path) -> list[Path]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    n_columns = min(_COLUMNS, len(figure.panels))
    n_rows = math.ceil(len(figure.panels) / n_columns)
    height = max(panel.height for panel in figure.panels) / 75
    canvas = Canvas(figsize=(_WIDTH_IN * n_columns, height * n_rows), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(canvas)
    canvas.suptitle(figure.title, fontsize=13, color=INK)
    for place, panel in enumerate(figure.panels):
        draw_panel(canvas.add_subplot(n_rows, n_columns, place + 1), panel)
    if figure.colour_bar is not None:
        _draw_colour_bar(canvas, figure)
    written = []
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")  # laid out once, not anew for each file
    for ending in ("png", "pdf"):
        written.append(folder / f"{figure.identifier}.{ending}")
        facts: dict[str, Any] = {"CreationDate": None} if ending == "pdf" else {}
        write_atomically(written[-1], lambda path, e=ending, f=facts: canvas.savefig(path, format=e, metadata=f))  # type: ignore[misc]
    return written


def _draw_colour_bar(canvas: Any, figure: Figure) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    bar = figure.colour_bar
    if bar is not None:
        colours = LinearSegmentedColormap.from_list("report", list(bar.stops))
        mapped = ScalarMappable(Normalize(-bar.bound, bar.bound), colours)
        canvas.colorbar(mapped, ax=canvas.axes, label=bar.label, shrink=0.5, aspect=40)


def draw_panel(axes: "Axes", panel: Panel) -> None:
    """Draw one panel from its specification."""
    spec = json.loads(panel.spec)
    layout = spec["layout"]
    axes.set_title(textwrap.fill(panel.title, _TITLE_LETTERS), fontsize=9.5, color=INK, loc="left")
    for trace in spec["data"]:
        _draw_trace(axes, trace)
    for shape in layout.get("shapes", ()):
        line = shape.get("line", {})
        axes.axhline(shape["y0"], color=line.get("color", FAINT), linewidth=0.8, linestyle=":", zorder=0)
    _set_axis(axes, "x", layout.get("xaxis", {}))
    _set_axis(axes, "y", layout.get("yaxis", {}))
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if layout.get("showlegend") is not False and axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, frameon=False)


def _draw_trace(axes: "Axes", trace: Mapping[str, Any]) -> None:
    line, mode = trace.get("line", {}), trace.get("mode", "lines")
    x, y = trace.get("x", ()), [math.nan if value is None else value for value in trace.get("y", ())]
    x = [math.nan if value is None else value for value in x]
    name = trace.get("name") if trace.get("showlegend", True) and trace.get("name") else None
    if trace.get("fill") == "toself":
        colour, opacity = _colour(trace["fillcolor"])
        axes.fill(x, y, color=colour, alpha=opacity, linewidth=0, label=name)
        return
    if "lines" in mode:
        style = {"color": line.get("color", INK), "linestyle": _DASHES.get(line.get("dash", "solid"), "-")}
        opacity = trace.get("opacity", 1)
        axes.plot(x, y, linewidth=_PX_TO_PT * line.get("width", 2), alpha=opacity, solid_capstyle="butt", **style)
    if "markers" in mode:
        _draw_markers(axes, x, y, trace.get("marker", {}))
    for direction in ("x", "y"):
        if trace.get(f"error_{direction}"):
            _draw_error(axes, x, y, direction, trace[f"error_{direction}"])
    if name is not None:
        _label(axes, trace, name)


def _label(axes: "Axes", trace: Mapping[str, Any], name: str) -> None:
    """Give the legend an entry that shows line and marker together."""
    line, marker, mode = trace.get("line", {}), trace.get("marker", {}), trace.get("mode", "lines")
    colour = marker.get("color") if isinstance(marker.get("color"), str) else line.get("color", INK)
    hollow = str(marker.get("symbol", "")).endswith("-open") or colour == "#ffffff"
    axes.plot(
        [],
        [],
        label=name,
        color=line.get("color", colour),
        linestyle=_DASHES.get(line.get("dash", "solid"), "-") if "lines" in mode else "",
        marker=_SYMBOLS.get(str(marker.get("symbol", "circle")), "o") if "markers" in mode else "",
        markerfacecolor="none" if hollow else colour,
        markeredgecolor=FAINT if hollow else colour,
        markersize=5,
    )


def _draw_markers(axes: "Axes", x: Sequence[Any], y: Sequence[float], marker: Mapping[str, Any]) -> None:
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    size, colours, symbol = marker.get("size", 6), marker.get("color", INK), str(marker.get("symbol", "circle"))
    sizes = size if isinstance(size, list) else [size] * len(x)
    areas = [(_PX_TO_PT * value) ** 2 for value in sizes]
    look: dict[str, Any] = {"color": colours}
    if not isinstance(colours, str):
        stops = [tuple(stop) for stop in marker["colorscale"]]
        scale = Normalize(marker["cmin"], marker["cmax"])
        look = {"c": colours, "cmap": LinearSegmentedColormap.from_list("report", stops), "norm": scale}
    if symbol.endswith("-open"):
        look = {"facecolors": "none", "edgecolors": colours, "linewidths": 1.4}
    elif symbol != "x-thin":
        look |= {"edgecolors": marker.get("line", {}).get("color", "none"), "linewidths": 0.6}
    opacity = marker.get("opacity", 1)
    axes.scatter(x, y, s=areas, marker=_SYMBOLS.get(symbol, "o"), alpha=opacity, zorder=3, **look)


def _draw_error(axes: "Axes", x: Sequence[Any], y: Sequence[Any], direction: str, error: Mapping[str, Any]) -> None:
    bounds = [[max(value, 0) for value in error["arrayminus"]], [max(value, 0) for value in error["array"]]]
    look: dict[str, Any] = {"fmt": "none", "ecolor": error.get("color", INK), "elinewidth": 1, "capsize": 2}
    look[f"{direction}err"] = bounds
    axes.errorbar(x, y, **look)


def _set_axis(axes: "Axes", which: str, settings: Mapping[str, Any]) -> None:
    title = settings.get("title", {})
    getattr(axes, f"set_{which}label")(title.get("text", "") if isinstance(title, dict) else title, fontsize=9)
    axes.tick_params(axis=which, labelsize=8, colors=INK)  # type: ignore[arg-type]
    if settings.get("type") == "log":
        _set_log(axes, which, settings)
    limits = settings.get("range")
    if limits and settings.get("type") != "log":  # Plotly counts ranges of logarithmic axes in powers of ten
        getattr(axes, f"set_{which}lim")(*limits)
    if settings.get("autorange") == "reversed":
        getattr(axes, f"invert_{which}axis")()


def _set_log(axes: "Axes", which: str, settings: Mapping[str, Any]) -> None:
    from matplotlib.ticker import NullFormatter

    getattr(axes, f"set_{which}scale")("log")
    powers = settings.get("range")
    limits = [10.0**power for power in powers] if powers else getattr(axes, f"get_{which}lim")()
    ticks = zip(settings.get("tickvals", ()), settings.get("ticktext", ()), strict=True)
    shown = [(value, text) for value, text in ticks if limits[0] <= value <= limits[1]]
    if shown:
        getattr(axes, f"set_{which}ticks")([value for value, _ in shown], [text for _, text in shown])
        getattr(axes, f"{which}axis").set_minor_formatter(NullFormatter())
    getattr(axes, f"set_{which}lim")(*limits)


def _colour(text: str) -> tuple[str, float]:
    """Colour and opacity of a fill such as `rgba(0,114,178,0.12)`."""
    if not text.startswith("rgba"):
        return text, 1.0
    red, green, blue, opacity = text[5:-1].split(",")
    return f"#{int(red):02x}{int(green):02x}{int(blue):02x}", float(opacity)
