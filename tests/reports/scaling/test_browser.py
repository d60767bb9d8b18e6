"""The scaling report in a real browser."""

from typing import Any

import pytest

from ..test_browser import browser, open_report
from .conftest import Reported

pytestmark = pytest.mark.slow
__all__ = ["browser"]


@pytest.mark.parametrize("width", [1200, 400])
def test_plots_are_drawn_and_the_console_is_silent(browser: Any, reported: Reported, width: int) -> None:
    page, said, asked = open_report(browser, reported.written.page, width)
    assert said == []
    assert asked == [reported.written.page.as_uri()]
    plots = page.query_selector_all(".plot")
    assert len(plots) == len(reported.page.specs)
    for plot in plots:
        assert plot.query_selector_all("path.point, .scatterlayer path.js-line, .points path")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
