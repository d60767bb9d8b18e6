"""Every page of the dashboard is run by Streamlit itself, on finished, unfinished, empty and broken stores."""

from pathlib import Path
from typing import Any

import pytest

from brainalign.artifacts import Store

from ..reports.conftest import Finished
from ..reports.synthetic import Plan, build, manifest

testing = pytest.importorskip("streamlit.testing.v1", reason="needs streamlit: pip install 'brainalign[dashboard]'")
PAGES = Path(__file__).resolve().parents[2] / "brainalign" / "dashboards" / "pages"
NAMES = ("studies", "compare", "search", "where", "scaling", "answers")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def page(name: str, store: Store) -> Any:
        monkeypatch.setenv("BRAINALIGN_STORE", str(store.root))
        shown = testing.AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60).run()
        assert not shown.exception, shown.exception[0].value
        return shown

    return page


@pytest.mark.parametrize("name", NAMES)
def test_a_finished_study_fills_every_page(run: Any, finished: Finished, name: str) -> None:
    shown = run(name, finished.store)
    assert any("SIMULATED DATA" in box.value for box in shown.warning)
    assert not shown.error
    if name == "scaling":
        assert "one size of model only" in shown.info[0].value
    else:
        assert len(shown.dataframe) >= 1 or len(shown.info) >= 1


def test_a_link_opens_the_study_that_it_names(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    for name in ("first", "second"):
        build(store, Plan(name=name, n_trials=1, with_predictivity=False))
    monkeypatch.setenv("BRAINALIGN_STORE", str(store.root))
    page = testing.AppTest.from_file(str(PAGES / "compare.py"), default_timeout=60)
    page.query_params["study"] = "second"
    page.run()
    assert page.selectbox(key="study").value == "second"
    studies = testing.AppTest.from_file(str(PAGES / "studies.py"), default_timeout=60).run()
    assert studies.dataframe[0].value["open"].tolist() == ["compare?study=first", "compare?study=second"]


def test_filters_choose_rows(run: Any, finished: Finished) -> None:
    shown = run("compare", finished.store)
    assert len(shown.dataframe[0].value) == 5
    shown.multiselect(key="filter role").set_value(["method"]).run()
    assert shown.dataframe[0].value.arm.tolist() == ["guided", "measured"]
    assert not shown.exception


def test_drill_down_shows_what_changed(run: Any, finished: Finished) -> None:
    shown = run("answers", finished.store)
    counts = {metric.label: int(metric.value) for metric in shown.metric}
    assert sum(counts.values()) == finished.plan.n_subjects * finished.plan.n_problems
    assert len(shown.dataframe[0].value) == counts["won"] + counts["lost"]
    shown.multiselect(key="changes").set_value(["lost"]).run()
    assert len(shown.dataframe[0].value) == counts["lost"]
    shown.selectbox(key="arm").set_value("bias").run()
    assert not shown.exception
    assert {metric.label: int(metric.value) for metric in shown.metric} != counts


@pytest.mark.parametrize("name", NAMES)
def test_a_store_without_studies_says_what_to_do(run: Any, store: Store, name: str) -> None:
    assert "brainalign study run" in run(name, store).info[0].value


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_study_without_a_trial_is_told(run: Any, store: Store, name: str) -> None:
    store.write_manifest("quickstart", manifest(Plan()))
    assert run(name, store).info


def test_a_study_of_another_version_is_one_line(run: Any, store: Store) -> None:
    build(store, Plan(n_trials=1, with_predictivity=False))
    path = store.study_folder("quickstart") / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 0'))
    assert "schema version" in run("compare", store).error[0].value
    assert not run("studies", store).error
