"""The page and the figures' files hold what was found, and need no network."""

import csv
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from brainalign.artifacts import Store
from brainalign.reports.scaling.page import scaling_report

from ..reading import read_page
from .conftest import Reported
from .family import Family, build


def test_the_page_is_whole_and_loads_nothing(reported: Reported) -> None:
    page = reported.page
    assert page.loaded == []
    assert len(page.ids) == len(set(page.ids))
    assert "SIMULATED DATA" in page.title
    assert len(page.specs) == 3 + 2 + 6 + 6  # nari's curves, predictivity, fits, maps
    assert all(spec["data"] for spec in page.specs.values())


def test_the_curves_drawn_are_the_points_found(reported: Reported) -> None:
    curve = next(c for c in reported.found.curves if c.name == ("nari", "gain", "guided"))
    traces = [t for t in reported.page.specs["nari-gain"]["data"] if t.get("name") == "guided"]
    drawn = sorted(pair for trace in traces for pair in zip(trace["x"], trace["y"], strict=True))
    expected = sorted((p.size.n_parameters, p.estimate.estimate) for p in curve.points)
    assert [x for x, _ in drawn] == [x for x, _ in expected]
    assert [y for _, y in drawn] == pytest.approx([y for _, y in expected])


def test_no_exponent_is_drawn_where_the_gate_refuses(reported: Reported) -> None:
    for i, fit in enumerate(reported.found.fits):
        names = [trace.get("name", "") for trace in reported.page.specs[f"fit-{i}"]["data"]]
        assert any("exponent" in name for name in names) == (fit.gate.exponent is not None)
        assert len(names) == (2 if fit.gate.form is None else 3)


def test_the_shortcut_stands_beside_the_accuracy_alone(reported: Reported) -> None:
    def levels(panel: str) -> list[list[float]]:
        data = reported.page.specs[panel]["data"]
        return [trace["y"] for trace in data if trace.get("name") == "shortcut classifier"]

    assert levels("nari-accuracy") == [[0.525, 0.525]]  # mean of both types by their problems
    assert levels("nari-gain") == []


def test_maps_are_grey_where_a_control_did_as_well(reported: Reported) -> None:
    rows = [row for name in reported.names for row in reported.store.read_trials(name)]
    own = [r for r in rows if (r.model, r.kind, r.part) == ("nano-llama-7.4m", "nari", "selection")]
    better = 0
    for name in reported.names:
        control = max(r.objective for r in own if r.study == name and r.arm != "guided")
        better += sum(r.objective > control for r in own if r.study == name and r.arm == "guided")
    label = next(text for text in reported.page.labels if text.startswith("nari on nano-llama-7.4m"))
    assert label.startswith(f"nari on nano-llama-7.4m: {better} of 4 settings")


def test_every_figure_is_written_as_png_pdf_and_csv(reported: Reported) -> None:
    names = {path.name for path in reported.written.figures}
    for figure in ("curves-nari", "fits", "predictivity-size", "maps"):
        assert {f"{figure}.{ending}" for ending in ("png", "pdf", "csv")} <= names
    for path in reported.written.figures:
        start = path.read_bytes()[:8]
        assert {".png": start == b"\x89PNG\r\n\x1a\n", ".pdf": start.startswith(b"%PDF")}.get(path.suffix, True)
    with open(next(p for p in reported.written.figures if p.name == "curves-nari.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    guided = [row for row in rows if (row["quantity"], row["curve"]) == ("gain", "guided")]
    curve = next(c for c in reported.found.curves if c.name == ("nari", "gain", "guided"))
    assert [int(row["parameters"]) for row in guided] == [p.size.n_parameters for p in curve.points]
    found = [float(row["figure [interval]"].split()[0]) for row in guided]
    assert found == pytest.approx([p.estimate.estimate for p in curve.points], abs=6e-4)


@pytest.mark.slow
def test_a_thousand_trials_stay_under_5_mb_beyond_the_plotting_library(store: Store, tmp_path: Path) -> None:
    family = Family(n_seeds=3, n_trials=18, n_subjects=2, n_problems=6)
    names = build(store, family)
    assert sum(len(store.read_trials(name)) for name in names) > 1000
    written = scaling_report(store, ["family"], tmp_path / "page.html")
    assert written.page.stat().st_size - len(get_plotlyjs().encode()) < 5e6


def test_one_size_says_so_and_an_empty_study_is_no_error(store: Store, tmp_path: Path) -> None:
    build(store, Family(models=("nano-llama-0.1m",), run=("nano-llama-0.1m",), n_seeds=1))
    page = read_page(scaling_report(store, ["family"], tmp_path / "one.html").page)
    assert "there is no curve, and nothing is fitted" in page.text
    build(store, Family(name="empty", n_seeds=1, run=()))
    page = read_page(scaling_report(store, ["empty"], tmp_path / "empty.html").page)
    assert page.specs == {}
    assert "so there is nothing to conclude" in page.text
