"""Pictures are drawn from the same specifications as the page."""

import csv
import io
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure as Canvas
from matplotlib.image import imread

from brainalign.reports.export import draw_panel, export_figure, table_csv
from brainalign.reports.figures.style import LOG_AXIS, Figure, Table, axis, panel

TRACES = [
    go.Scatter(x=[1, 10, 100], y=[0.1, None, 0.3], mode="lines+markers", name="guided", line={"color": "#0072B2"}),
    go.Scatter(x=[1, 100, 100], y=[0, 0, 1], fill="toself", fillcolor="rgba(0,114,178,0.25)", showlegend=False),
    go.Scatter(
        x=[10], y=[0.2], mode="markers", name="bias",
        error_y={"type": "data", "symmetric": False, "array": [0.1], "arrayminus": [0.05], "color": "#E69F00"},
    ),
]  # fmt: skip
LAYOUT = {"xaxis": axis("parameters", **LOG_AXIS, range=[0, 2]), "yaxis": axis("gain", range=[0, 1])}


def test_a_panel_has_the_traces_ticks_and_names_of_its_specification() -> None:
    axes = Canvas().add_subplot()
    draw_panel(axes, panel("p", "a title", "alt", TRACES, dict(LAYOUT)))
    line = next(line for line in axes.lines if line.get_color() == "#0072B2" and len(line.get_xdata()) == 3)
    assert list(line.get_xdata()) == [1, 10, 100]
    assert np.isnan(line.get_ydata()[1])
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == pytest.approx((1, 100))
    assert axes.get_ylim() == pytest.approx((0, 1))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["guided", "bias"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "5", "10", "20", "50", "100"]
    assert axes.patches[0].get_alpha() == 0.25
    segments = axes.collections[-1].get_segments() if hasattr(axes.collections[-1], "get_segments") else []
    bars = [c.get_segments()[0] for c in axes.collections if hasattr(c, "get_segments")] or [segments]
    assert any(np.asarray(bar)[:, 1] == pytest.approx([0.15, 0.3]) for bar in bars)


def test_files_are_written_and_the_picture_is_not_empty(tmp_path: Path) -> None:
    table = Table(("a", "b"), (("1\u202f000", "\u22120.5"),))
    figure = Figure("one", "title", "caption", (panel("p", "t", "alt", TRACES, dict(LAYOUT)),), table)
    written = export_figure(figure, tmp_path)
    assert [path.name for path in written] == ["one.csv", "one.png", "one.pdf"]
    picture = imread(tmp_path / "one.png")
    assert picture.shape[1] > 400
    assert (picture[..., :3].min(axis=-1) < 0.9).mean() > 0.02
    rows = list(csv.reader(io.StringIO((tmp_path / "one.csv").read_text())))
    assert rows == [["a", "b"], ["1000", "-0.5"]]
    assert table_csv(table) == (tmp_path / "one.csv").read_text()


def test_a_figure_with_nothing_to_draw_writes_nothing(tmp_path: Path) -> None:
    assert export_figure(Figure("none", "t", "c", (), None, missing="no data"), tmp_path) == []
    assert list(tmp_path.iterdir()) == []
