"""One report of a finished family for all tests that only read it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from brainalign.artifacts import Store
from brainalign.reports.scaling.page import Findings, Written, find, write_report

from ..reading import Page, read_page
from .family import Family, build


@dataclass(frozen=True)
class Reported:
    """A family's store, what was found in it, and its report read back."""

    store: Store
    family: Family
    names: list[str]
    found: Findings
    written: Written
    page: Page


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    store, family = Store(tmp_path_factory.mktemp("family")), Family()
    names = build(store, family)
    output: Path = tmp_path_factory.mktemp("report") / "scaling.html"
    found = find(store, [family.name])
    written = write_report(found, output)
    return Reported(store, family, names, found, written, read_page(written.page))
