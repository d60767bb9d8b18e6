"""The report in a real browser: nothing in the console, nothing from the network, plots that are not empty."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from brainalign.artifacts import Store
from brainalign.reports import compare_studies, comparison_report, geometry_report, study_report

from .conftest import Finished
from .synthetic import Plan, build, manifest
from .test_geometry import planted

pytestmark = pytest.mark.slow

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    path = which("chromium") or which("chromium-browser") or which("google-chrome")
    if path is None:
        pytest.skip("needs a chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


def open_report(browser: Any, path: Path, width: int) -> tuple[Any, list[str], list[str]]:
    """Open a report; gives the page, what its console said, and what it asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("[...document.querySelectorAll('.plot')].every(p => p.querySelector('.main-svg'))")
    return page, said, asked


@pytest.mark.parametrize("width", [1200, 400])
def test_plots_are_drawn_and_the_console_is_silent(browser: Any, finished: Finished, width: int) -> None:
    page, said, asked = open_report(browser, finished.path, width)
    assert said == []
    assert asked == [finished.path.as_uri()]
    plots = page.query_selector_all(".plot")
    assert len(plots) == len(finished.page.specs) == 9
    for plot in plots:
        assert plot.query_selector_all("path.point, .scatterlayer path.js-line, .points path")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_table_sorts_and_filters_by_keyboard(browser: Any, finished: Finished) -> None:
    page, said, _ = open_report(browser, finished.path, 1200)
    objective = page.locator("#trials-table th button", has_text="objective")
    objective.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    cells = page.eval_on_selector_all(
        "#trials-table tbody tr td:nth-child(7)", "cells => cells.map(c => c.dataset.value)"
    )
    values = [float(value) for value in cells]
    assert values == sorted(values, reverse=True)
    assert page.locator("#trials-table th[aria-sort=descending]").inner_text().startswith("objective")
    page.fill("#trials-filter input", "guided report")
    assert page.locator("#trials-shown").inner_text() == "1 of 37 trials shown"
    page.fill("#trials-filter input", "")
    page.select_option("#trials-filter select[data-field=arm]", "bias")
    assert page.locator("#trials-table tbody tr:visible").count() == 11
    assert said == []
    page.close()


def test_empty_study_opens(browser: Any, store: Store) -> None:
    store.write_manifest("quickstart", manifest(Plan()))
    page, said, _ = open_report(browser, study_report(store, "quickstart"), 1200)
    assert said == []
    assert page.locator(".plot").count() == 0
    page.close()


def test_two_studies_open(browser: Any, store: Store) -> None:
    for name in ("first", "second"):
        build(store, Plan(name=name, n_trials=2))
    written = comparison_report(store, compare_studies(store, "first", "second"))
    check_page(browser, written.html, least=3)


def test_geometry_opens(browser: Any, store: Store) -> None:
    check_page(browser, geometry_report(store, planted(), store.root / "geometry.html").html, least=15)


def check_page(browser: Any, path: Path, least: int) -> None:
    """Open a page wide and narrow: silent, on its own, as wide as the window, with no plot empty."""
    for width in (1200, 400):
        page, said, asked = open_report(browser, path, width)
        assert said == []
        assert asked == [path.as_uri()]
        plots = page.query_selector_all(".plot")
        assert len(plots) >= least
        for plot in plots:
            assert plot.query_selector_all("path.point, .scatterlayer path.js-line, .points path")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
