"""Two studies beside each other: the figures by hand, what is refused, and the page."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainalign.artifacts import Store
from brainalign.errors import InputError
from brainalign.reports import StudyComparison, compare_studies, comparison_report

from .reading import read_page
from .synthetic import MODEL, Plan, build, manifest, winners, writer

FIRST = Plan(name="first", success={"guided": (0.8, 0.1), "bias": (0.4, 0.3)}, n_trials=3)
SECOND = replace(FIRST, name="second", success={"guided": (0.3, 0.1), "bias": (0.4, 0.3)})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("both"))
    for plan in (FIRST, SECOND):
        build(store, plan)
    return store


@pytest.fixture(scope="module")
def compared(both: Store) -> StudyComparison:
    return compare_studies(both, "first", "second")


def net(store: Store, plan: Plan, arm: str) -> pd.DataFrame:
    """The winner's outcomes on the report part, read without the code under test."""
    number = winners(store, plan, (arm,))[arm].number
    table = pd.read_parquet(store.result_path(f"{plan.name}-{arm}-{number}-report"))
    return table.assign(net=np.where(table.targeted, 1, -1) * table.success).set_index(["subject", "stimulus_id"])


def test_differences_are_those_of_the_outcomes(both: Store, compared: StudyComparison) -> None:
    found = {item.arm: item for item in compared.contrasts if item.kind == "nari"}
    assert set(found) == {"guided", "bias", "guided − bias"}
    tables = {(plan.name, arm): net(both, plan, arm) for plan in (FIRST, SECOND) for arm in ("guided", "bias")}
    guided = tables["first", "guided"].net - tables["second", "guided"].net
    bias = tables["first", "bias"].net - tables["second", "bias"].net
    label = tables["first", "guided"].label
    for arm, values in {"guided": guided, "bias": bias, "guided − bias": guided - bias}.items():
        item = found[arm]
        assert item.difference is not None
        assert item.difference.estimate == pytest.approx(values.groupby(label).mean().mean())
        assert item.difference.low < item.difference.estimate < item.difference.high
        by_problem = values.groupby("stimulus_id").mean()
        assert (item.n_won, item.n_lost) == ((by_problem > 0).sum(), (by_problem < 0).sum())
    assert found["guided"].first.estimate == pytest.approx(tables["first", "guided"].groupby("label").net.mean().mean())


def test_a_planted_difference_is_found_and_the_equal_control_is_not(compared: StudyComparison) -> None:
    verdicts = {item.arm: item.verdict for item in compared.contrasts if item.kind == "nari"}
    assert verdicts == {"guided": "better", "bias": "none", "guided − bias": "better"}
    for item in compared.contrasts:
        if item.test is not None:
            assert (
                item.test.p_value <= item.p_corrected["holm"] <= min(1.0, compared.n_tests * item.test.p_value + 1e-9)
            )


def test_predictivity_is_paired_by_subject(both: Store, compared: StudyComparison) -> None:
    item = next(item for item in compared.contrasts if item.arm.startswith("measured, language"))
    details = [both.read_result(f"{name}-measured-language").detail for name in ("first", "second")]
    columns = [d["best_layer"]["index"] + 30 * d["sites"].index(d["best_layer"]["site"]) for d in details]
    scores = [
        np.array([row[column] for row in detail["by_subject"].values()])
        for detail, column in zip(details, columns, strict=True)
    ]
    assert item.unit == "subject"
    assert item.difference.estimate == pytest.approx((scores[0] - scores[1]).mean())
    assert item.test.exact


def test_page_json_and_csv_say_the_same(both: Store, compared: StudyComparison, tmp_path: Path) -> None:
    written = comparison_report(both, compared, tmp_path / "two.html")
    page, facts = read_page(written.html), json.loads(written.json.read_text())
    assert page.title.startswith("SIMULATED DATA – first and second")
    assert page.loaded == []
    row = page.row("first minus second", "nari")
    guided = next(item for item in facts["contrasts"] if item["arm"] == "guided")
    assert row[1] == "guided"
    assert row[6].replace("−", "-").startswith(f"+{guided['difference']['estimate']:.3f}")
    assert {name.rsplit("-", 1)[0] for name in page.specs} == {"differences", "by-problem"}
    table = pd.read_csv(next(path for path in written.csv if "by-problem" in path.name))
    assert len(table[table.arm == "guided"]) == FIRST.n_problems == len(guided["by_unit"])


def test_models_of_one_study_are_set_beside_each_other_by_what_is_right_after(both: Store, tmp_path: Path) -> None:
    store = Store(tmp_path)
    build(store, FIRST)
    with pytest.raises(InputError, match="expected two studies, found first twice"):
        compare_studies(store, "first", "first")
    with pytest.raises(InputError, match="expected a model of first, found 'none'"):
        compare_studies(store, "first", "first", models={"none": MODEL})
    # Another model is wrong elsewhere: another draw of what is targeted, the same problems and labels.
    build(store, SECOND)
    for path in (store.root / "results").glob("second-*-report.parquet"):
        result = store.read_result(path.stem)
        table = result.outcomes.to_pandas()
        table["targeted"] = ~table.targeted
        path.unlink()
        outcomes = result.outcomes.from_pandas(table, schema=result.outcomes.schema, preserve_index=False)
        store.write_result(replace(result, outcomes=outcomes))
    item = compare_studies(store, "first", "second").contrasts[0]
    if item.kind != "nari":
        item = next(one for one in compare_studies(store, "first", "second").contrasts if one.kind == "nari")
    tables = [net(store, plan, "guided") for plan in (FIRST, SECOND)]
    after = [np.where(t.targeted, t.success, ~t.success).astype(float) for t in tables]
    expected = pd.Series(after[0] - after[1], tables[0].index).groupby(tables[0].label).mean().mean()
    assert item.quantity == "balanced accuracy after"
    assert item.difference.estimate == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data": {"content_hash": "other"}}, "the same betas"),
        ({"data": {"subjects": ["sub-1001"]}}, "the same subjects"),
        ({"split": {"report": ["rep-0001"]}}, "the same problems on the report part"),
    ],
)
def test_what_stands_on_other_things_is_refused(tmp_path: Path, change: dict, what: str) -> None:
    store = Store(tmp_path)
    build(store, replace(FIRST, n_trials=1, with_predictivity=False))
    facts = manifest(replace(SECOND, n_trials=1))
    for name, values in change.items():
        facts[name] = {**facts[name], **values}
    store.write_manifest("second", facts)
    with pytest.raises(InputError, match=what):
        compare_studies(store, "first", "second")


def test_an_unfinished_study_is_told_and_not_compared(both: Store, tmp_path: Path) -> None:
    store = Store(tmp_path)
    open_plan = replace(SECOND, with_report=False, with_predictivity=False)
    build(store, open_plan)
    compared = compare_studies(both, "first", "second", other_store=store)
    assert all(item.verdict == "absent" for item in compared.contrasts if item.kind == "nari")
    assert compared.n_tests == 0
    assert any("not finished" in line for line in compared.warnings)
    assert any(line.startswith("Only in first: predictivity") for line in compared.left_out)
    page = read_page(comparison_report(both, compared, tmp_path / "open.html").html)
    assert "Nothing could be tested." in page.text
    assert page.specs == {}


def test_results_on_other_rows_are_not_compared(tmp_path: Path) -> None:
    store = Store(tmp_path)
    plans = [replace(plan, n_trials=1, with_predictivity=False) for plan in (FIRST, SECOND)]
    for plan in plans:
        build(store, plan)
    store.result_path("second-guided-0-report").unlink()
    writer(store, replace(plans[1], n_problems=12)).nari("guided", 0, "report")
    found = {item.arm: item for item in compare_studies(store, "first", "second").contrasts}
    assert "other problems" in found["guided"].missing
    assert found["bias"].test is not None
