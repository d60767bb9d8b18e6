"""The dashboard as a user starts it: by its verb, on loopback, opened in a real browser."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest

from brainalign.artifacts import Store
from brainalign.dashboards.server import serve
from brainalign.errors import InputError, StudyError

from ..reports.conftest import Finished
from ..reports.test_browser import ARGUMENTS

PAGES = {
    "": "Studies",
    "compare": "Compare arms",
    "search": "Search",
    "where": "Layer and strength",
    "scaling": "Size",
    "answers": "Answers",
}
pytest.importorskip("streamlit", reason="needs streamlit: pip install 'brainalign[dashboard]'")


@pytest.fixture(scope="module")
def address(finished: Finished) -> Iterator[str]:
    command = [sys.executable, "-m", "brainalign.cli", "dashboard", "--store", str(finished.store.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    line = process.stdout.readline()
    yield line.removeprefix("dashboard: ").strip()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "stopped" in process.stdout.read()


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


@pytest.mark.slow
def test_it_listens_on_loopback_alone(address: str) -> None:
    port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)", address)[1])
    listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    places = re.findall(rf"^ *\d+: ([0-9A-F]+):{port:04X} \S+ 0A", listening, flags=re.MULTILINE)
    assert places == ["0100007F"]
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


@pytest.mark.slow
def test_every_page_opens_and_asks_nobody_else(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    for name, title in PAGES.items():
        page.goto(f"{address}/{name}")
        page.get_by_role("heading", name=title, level=1).wait_for(timeout=60_000)
        wait_for_calm(page)
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.get_by_text("SIMULATED DATA").count() >= 1
        if name in ("compare", "search", "where"):
            page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
            assert page.locator("path.point, .scatterlayer path, canvas").count() > 0
        assert spread_of(page.screenshot()) > 10
    assert {re.match(r"\w+://[^/]+", url)[0] for url in asked} <= {
        address,
        f"ws{address.removeprefix('http')}",
        "data:",
    }
    assert said == []
    page.close()


@pytest.mark.slow
def test_filters_work_by_keyboard(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.goto(f"{address}/compare")
    page.get_by_role("heading", name="Compare arms", level=1).wait_for(timeout=60_000)
    wait_for_calm(page)
    points = page.locator(".js-plotly-plot path.point")
    points.nth(2).wait_for(timeout=30_000)
    page.get_by_role("combobox", name="role").focus()
    page.keyboard.type("method")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot path.point').length === 1")
    assert page.locator("[data-testid=stException]").count() == 0
    page.close()


def wait_for_calm(page: Any) -> None:
    """Wait until the script behind the page has run."""
    page.wait_for_function("document.querySelector('[data-test-script-state=notRunning]') !== null", timeout=60_000)


def spread_of(png: bytes) -> float:
    """Standard deviation of a picture's grey values: near zero for an empty page."""
    from PIL import Image

    return float(np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=np.float64).std())


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a store"):
        serve(Store(tmp_path / "none"))


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(store: Store) -> None:
    store.root.mkdir(parents=True, exist_ok=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StudyError, match="is the port taken"):
            serve(store, port=taken.getsockname()[1], timeout_s=20)
