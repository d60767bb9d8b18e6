"""One finished study for all tests that only read it: writing and parsing a report takes seconds."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from brainalign.artifacts import Store
from brainalign.reports import study_report

from .reading import Page, read_page
from .synthetic import Plan, build


@dataclass(frozen=True)
class Finished:
    """A finished study in a store that tests must not write to, its report, and the report read back."""

    store: Store
    plan: Plan
    path: Path
    page: Page


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    store = Store(tmp_path_factory.mktemp("finished"))
    plan = build(store, Plan())
    path = study_report(store, plan.name)
    return Finished(store, plan, path, read_page(path))
