"""The report as a file: its numbers, its escaping, and that it needs nothing from outside."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainalign.artifacts import Store
from brainalign.reports import best_settings, comparisons, study_report
from brainalign.reports.numbers import interval_text
from brainalign.reports.templating import typeset

from .conftest import Finished
from .reading import Page, read_page
from .synthetic import MODEL, N_LAYERS, Plan, build, manifest, trial, winners, writer

MEGABYTE = 1_000_000


def report(store: Store, name: str) -> Page:
    return read_page(study_report(store, name))


def test_figures_of_the_winners_stand_in_the_tables(finished: Finished) -> None:
    store, plan, page = finished.store, finished.plan, finished.page
    label = f"Best settings of nari on {MODEL}"
    for arm, winner in winners(store, plan, tuple(plan.success)).items():
        table = pd.read_parquet(store.result_path(f"{plan.name}-{arm}-{winner.number}-report"))
        table["net"] = np.where(table.targeted, 1, -1) * table.success
        cells = page.row(label, arm)
        assert cells[1].startswith(typeset(f"{winner.objective:.3f} ["))
        assert cells[2].startswith(typeset(f"{table.groupby('label').net.mean().mean():.3f} ["))
        assert cells[4] == str(plan.n_trials)
        assert cells[6].endswith(f"trial {winner.number}")
        mended = page.row(f"What nari mends and breaks on {MODEL}", arm)
        targeted, right = table[table.targeted], table[~table.targeted]
        assert mended[1] == f"{100 * targeted.success.mean():.1f} % of {len(targeted)}"
        assert mended[2] == f"{100 * right.success.mean():.1f} % of {len(right)}"


def test_intervals_and_verdicts_stand_in_the_page(finished: Finished) -> None:
    store, plan, page = finished.store, finished.plan, finished.page
    for row in best_settings(store, plan.name):
        if row.kind == "nari":
            cells = page.row(f"Best settings of nari on {MODEL}", row.arm)
            assert cells[1:3] == [typeset(interval_text(row.selection)), typeset(interval_text(row.report))]
    for item in comparisons(store, plan.name):
        assert typeset(item.sentence).replace("\u00a0", " ") in page.text


def test_baseline_puts_the_selection_part_first(finished: Finished) -> None:
    rows = finished.page.tables["Baseline of the models"]
    assert [row[1] for row in rows[1:]] == ["selection", "report"]
    assert [cell.replace("\u00a0", " ") for cell in rows[2]] == [
        MODEL,
        "report",
        "30",
        "65.0 %",
        "52.0 %",
        "90.0 %",
        "0.0 %",
    ]


def test_simulated_data_cannot_be_missed(finished: Finished) -> None:
    page = finished.page
    assert page.title.startswith("SIMULATED DATA")
    assert page.text.startswith("Skip to the content SIMULATED DATA")
    assert page.text.count("Simulated data.") >= 4


def test_real_data_raise_no_such_alarm(store: Store) -> None:
    page = report(store, build(store, Plan(source="release")).name)
    assert "imulated data" not in page.text
    assert "SIMULATED" not in page.text + page.title
    assert "Measured betas" in page.text


def test_one_simulated_trial_is_enough_for_the_alarm(store: Store) -> None:
    plan = build(store, Plan(source="release"))
    store.write_trial(replace(store.read_trials(plan.name)[0], data_source="simulated"))
    assert report(store, plan.name).title.startswith("SIMULATED DATA")


@pytest.mark.parametrize("text", ['<script>alert("x")</script>', "</script><img src=x onerror=alert(1)>", "a & b < c"])
def test_everything_is_escaped(store: Store, text: str) -> None:
    plan = Plan(description=text)
    facts = manifest(plan)
    facts["data"] |= {"description": text, "subjects": [text], "n_voxels": {text: 3}}
    facts["models"][text] = facts["models"][MODEL]
    facts["baseline"][text] = facts["baseline"][MODEL]
    facts["provenance"][text] = text
    build(store, plan)
    store.write_manifest(plan.name, facts)
    store.write_trial(trial(plan, "nari", "guided", 0, state="FAILED", error=text, setting={text: text}, host=text))
    writer(store, plan).predictivity("measured", 1, text.replace("/", ""))
    path = study_report(store, plan.name)
    page = read_page(path)
    assert page.text.count(text) >= 4
    assert page.open_tags == []
    assert 'alert("x")' not in _scripts(path)
    assert "onerror=alert" not in path.read_text(encoding="utf-8").replace(
        "&gt;&lt;img src=x onerror=alert", ""
    ).replace("\\u003e\\u003cimg src=x onerror=alert", "")


def _scripts(path: Path) -> str:
    """All scripts that a browser would run, the plotting library left out."""
    found = re.findall(r"<script>(.*?)</script>", path.read_text(encoding="utf-8"), flags=re.S)
    return "".join(script for script in found if len(script) < MEGABYTE)


def test_offline_and_small(finished: Finished) -> None:
    assert finished.page.loaded == []
    text = finished.path.read_text(encoding="utf-8")
    assert "@import" not in text[: text.index("</style>")]
    assert "url(" not in text[: text.index("</style>")]
    assert "default-src 'none'" in text
    assert finished.path.stat().st_size < 6 * MEGABYTE


def test_identifiers_are_unique(finished: Finished) -> None:
    page = finished.page
    assert len(page.ids) == len(set(page.ids))


def test_every_plot_has_words_and_a_table(finished: Finished) -> None:
    page = finished.page
    for start in ("Objective by trial number", "Layer and strength of", "Predictivity of", "guided minus each control"):
        assert any(label.startswith(start) for label in page.labels)
    assert {"Winners on the report part", "Layer × strength", "Optimisation history"} <= set(page.tables)
    assert "Predictivity by layer and region of interest" in page.tables


def test_study_without_a_trial(store: Store) -> None:
    plan = Plan()
    store.write_manifest(plan.name, {**manifest(plan), "models": {}, "baseline": {}})
    page = report(store, plan.name)
    assert page.specs == {}
    assert "0 of 34 trials done" in page.text
    assert "nothing to conclude yet" in page.text
    assert page.row(f"Best settings of nari on {MODEL}", "guided")[1] == "No trial has run yet."
    assert "The study holds no baseline" in page.text


def test_interrupted_before_the_report_part(store: Store) -> None:
    page = report(store, build(store, Plan(with_report=False)).name)
    assert page.row(f"Best settings of nari on {MODEL}", "guided")[2] == "Not run on the report part yet."
    assert "only 0 of 3 winners have been run on the report part" in page.text
    assert not any(name.startswith("winners") for name in page.specs)
    assert any(name.startswith("history") for name in page.specs)


def test_only_predictivity(store: Store) -> None:
    page = report(store, build(store, Plan(success={})).name)
    assert set(page.specs) == {"layers-0", "layers-1"}
    assert len(page.tables[f"Scores of predictivity on {MODEL}"]) == 5
    assert "roi language" in page.tables[f"Scores of predictivity on {MODEL}"][2][2]


def test_predictivity_without_its_control_says_so(store: Store) -> None:
    plan = build(store, Plan(success={}))
    facts = manifest(plan)
    facts["study"]["kinds"]["predictivity"]["arms"] = ["measured"]
    store.write_manifest(plan.name, facts)
    for path in (store.study_folder(plan.name) / "trials").glob("*shuffled*"):
        path.unlink()
    text = report(store, plan.name).text
    assert "no shuffled control" in text
    assert "ran without a control" in text
    assert "The shuffled arm" not in text


def test_failed_trials_are_told_with_their_error(store: Store) -> None:
    plan = build(store, Plan(n_trials=3))
    error = "Traceback (most recent call last):\n  File …\nMemoryError: 3 GiB"
    store.write_trial(trial(plan, "nari", "bias", 1, state="FAILED", error=error))
    page = report(store, plan.name)
    assert "1 of 13 trials failed" in page.text
    told = next(row for row in page.tables["All trials"] if row[5] == "failed")
    assert told[6] == "–"
    assert told[7].startswith("no settingsMemoryError: 3 GiB")
    assert "File …" in told[7]


def test_nan_metrics_and_long_names(store: Store) -> None:
    long = "a-very-long-study-name-" + "x" * 30
    plan = Plan(name=long, n_trials=2)
    build(store, plan)
    nan = dict.fromkeys(("score", "mad"), math.nan)
    store.write_trial(
        trial(plan, "nari", "guided", 0, objective=math.nan, metrics=nan, seconds=math.nan, setting={"k": "v" * 300})
    )
    page = report(store, long)
    assert long in page.title
    assert not re.search(r"\bnan\b", page.text, flags=re.I)


def test_null_result_is_said_as_such(store: Store) -> None:
    same = (0.4, 0.3)
    plan = build(store, Plan(success={"guided": same, "random_direction": same, "bias": same}, n_trials=2))
    assert "this is a null result" in report(store, plan.name).text


def test_limits_follow_from_facts(store: Store) -> None:
    plan = build(store, Plan(n_subjects=3, n_trials=2, success={"guided": (0.5, 0.1)}))
    text = report(store, plan.name).text
    assert "Only 3 subjects: the interval over subjects is coarse" in text
    assert "ran without a control" in text
    assert "answers True to 90.0" in text
    assert "de-quantised from 4 bit" in text
    assert "tried 2 settings" in text


def test_one_type_of_problem_is_called_by_its_name(store: Store) -> None:
    plan = build(store, Plan(n_trials=1))
    old = store.read_manifest(plan.name)
    data = {**old["data"], "problem_types": {"relational": 47}, "n_voxels": {"md": {"a": 2744, "b": 2961}}}
    store.write_manifest(plan.name, {**{k: v for k, v in old.items() if k != "schema_version"}, "data": data})
    text = report(store, plan.name).text
    assert "relational problems, put to the model" in text
    assert re.search(r"md: 2\D?744 to 2\D?961 voxels", text)
    assert "of two types" not in text
    assert "what is found where there is nothing" in text


def test_methods_come_from_the_study_file(finished: Finished) -> None:
    text = finished.page.text
    assert "alpha 0.3 to 10 (log scale)" in text
    assert "layers starting at relative depth 0 to 0.7 and spanning 0.3 of the depth" in text
    assert "tree-structured Parzen estimator after 10 random trials" in text
    assert "into 30 for the search and 30 for the report" in text


def test_output_can_be_put_elsewhere(store: Store, tmp_path: Path) -> None:
    plan = build(store, Plan(n_trials=1))
    there = tmp_path / "new" / "r.html"
    assert study_report(store, plan.name, there) == there
    assert read_page(there).title.endswith("brainalign study report")
    assert study_report(store, plan.name) == store.study_folder(plan.name) / "report.html"


def test_many_trials_are_counted_into_cells_and_stay_small(store: Store) -> None:
    plan = Plan(n_trials=1, success={"guided": (0.5, 0.1)}, with_predictivity=False)
    build(store, plan)
    template = next(row for row in store.read_trials(plan.name) if row.part == "selection")
    for number in range(1, 500):
        alpha = 0.3 + number / 60
        setting = {**template.setting, "alpha": alpha, "layers": {"start": (number % 7) / 10, "width": 0.3}}
        store.write_trial(replace(template, number=number, setting=setting, objective=math.sin(number) / 3))
    path = study_report(store, plan.name)
    assert path.stat().st_size < 6 * MEGABYTE
    (cells,) = (trace for trace in read_page(path).specs["map-0"]["data"] if trace["marker"].get("symbol") == "square")
    assert len(cells["x"]) <= 80


def test_predictivity_curves_are_the_stored_ones(finished: Finished) -> None:
    spec = finished.page.specs["layers-1"]
    result = finished.store.read_result(f"{finished.plan.name}-measured-language")
    assert result is not None
    line = next(trace for trace in spec["data"] if trace.get("name") == "attention output")
    assert line["y"] == pytest.approx(result.detail["scores"][:N_LAYERS])
    band = next(trace for trace in spec["data"] if trace.get("fill") == "toself")
    subjects = np.array(list(result.detail["by_subject"].values()))[:, :N_LAYERS]
    assert band["y"][:N_LAYERS] == pytest.approx(np.quantile(subjects, 0.75, axis=0))


def test_a_broken_predictivity_result_leaves_the_rest_whole(store: Store) -> None:
    plan = build(store, Plan(success={}))
    store.result_path(f"{plan.name}-measured-language").unlink()
    assert set(report(store, plan.name).specs) == {"layers-0"}


def test_a_result_that_is_gone_is_missing_not_fatal(store: Store) -> None:
    plan = build(store, Plan(n_trials=2))
    best = winners(store, plan, ("bias",))["bias"]
    store.result_path(f"{plan.name}-bias-{best.number}-report").unlink()
    page = report(store, plan.name)
    assert "guided cannot be compared with bias" in page.text
