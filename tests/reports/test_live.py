"""What the dashboard asks of a store, against pandas over the same rows; and that it only reads."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.reports import best_settings
from brainalign.reports.live import (
    Reader,
    answers,
    arms,
    depth_and_strength,
    history,
    importances,
    overview,
    pareto_front,
    problem_texts,
    scaling_points,
    settings,
    varied,
)
from brainalign.stimuli import generate_problems

from ..dashboards.stores import large_store
from .conftest import Finished
from .synthetic import MODEL, N_LAYERS, Plan, build, manifest, trial

pytest.importorskip("duckdb", reason="needs duckdb: pip install 'brainalign[dashboard]'")
PLACE = (MODEL, "nari")


@pytest.fixture
def reader(finished: Finished) -> Reader:
    return Reader(finished.store)


def nari_rows(finished: Finished) -> pd.DataFrame:
    """Searched trials of kind nari, read without DuckDB."""
    rows = [vars(row) for row in finished.store.read_trials(finished.plan.name)]
    frame = pd.DataFrame(rows)
    return frame[(frame.kind == "nari") & (frame.part == "selection")]


def test_overview_counts_trials_and_hours(reader: Reader, finished: Finished) -> None:
    row = overview(reader).iloc[0]
    rows = finished.store.read_trials(finished.plan.name)
    searched = [row for row in rows if row.part == "selection"]
    assert (row.study, row.data, row.done, row.planned) == ("quickstart", "SIMULATED", len(searched), len(searched))
    assert row["core-hours"] == f"{sum(one.seconds for one in rows) / 3600:.2f}"
    assert row.state == "finished"


def test_arms_have_the_winners_and_intervals_of_the_report(reader: Reader, finished: Finished) -> None:
    found = arms(reader, finished.plan.name).set_index(["kind", "arm"])
    for row in best_settings(finished.store, finished.plan.name):
        ours = found.loc[(row.kind, row.arm)]
        assert ours.trial == row.number
        assert ours.selection == pytest.approx(row.selection.estimate)
        assert (ours.role == "method") == row.is_method
        if row.report is not None:
            assert ours.report == pytest.approx(row.report.estimate)
            assert json.loads(ours.setting) == row.setting


def test_history_and_settings_are_those_of_the_rows(reader: Reader, finished: Finished) -> None:
    rows = nari_rows(finished)
    found = history(reader, finished.plan.name, PLACE)
    merged = found.merge(rows, on=["arm", "number"], suffixes=("", " row"))
    assert len(merged) == len(rows)
    np.testing.assert_allclose(merged.objective, merged["objective row"])
    expected = rows.sort_values("number").groupby("arm").objective.cummax()
    np.testing.assert_allclose(
        found.set_index(["arm", "number"]).best.sort_index(),
        rows.assign(best=expected).set_index(["arm", "number"]).best.sort_index(),
    )
    frame = settings(reader, finished.plan.name, PLACE).merge(rows, on=["arm", "number"], suffixes=("", " row"))
    assert frame["alpha"].tolist() == [setting["alpha"] for setting in frame.setting]
    assert frame["layers.start"].tolist() == [setting["layers"]["start"] for setting in frame.setting]
    assert frame["metric: broken"].tolist() == [metrics["broken"] for metrics in frame.metrics]
    assert varied(frame[[*settings(reader, finished.plan.name, PLACE).columns]]) == ["alpha", "layers.start", "roi"]


def test_depth_and_strength_leave_out_arms_without_layers(reader: Reader, finished: Finished) -> None:
    found = depth_and_strength(settings(reader, finished.plan.name, PLACE), N_LAYERS)
    assert set(found.arm) == {"guided", "random_direction"}
    assert found.centre.between(0, 1).all()
    assert (found.strength == found.alpha).all()


def test_pareto_front_is_its_definition() -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"gain": draw.integers(0, 12, 80), "harm": draw.integers(0, 12, 80)}).astype(float)
    frame.loc[3, "harm"] = np.nan
    found = pareto_front(frame, {"gain": "maximize", "harm": "minimize"})
    for index, row in frame.iterrows():
        others = frame.dropna()
        better = (others.gain >= row.gain) & (others.harm <= row.harm)
        better &= (others.gain > row.gain) | (others.harm < row.harm)
        assert found[index] == (not better.any() and not np.isnan(row.harm))


def test_importance_finds_what_the_objective_hangs_on_and_says_where_it_finds_nothing() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"alpha": draw.random(200), "roi": draw.choice(["a", "b"], 200), "idle": draw.random(200)})
    frame["objective"] = 2 * frame.alpha + (frame.roi == "a") + draw.normal(0, 0.1, 200)
    found = importances(frame, ["alpha", "roi", "idle"], "planted")
    assert set(found.table.setting[:2]) == {"alpha", "roi"}
    assert found.table.importance.iloc[2] < 0.02
    assert found.r_squared > 0.9
    noise = importances(frame.assign(objective=draw.normal(size=200)), ["alpha", "roi", "idle"], "noise")
    assert noise.r_squared < 0.1
    assert not len(importances(frame[:10], ["alpha"], "few").table)


def test_answers_name_what_was_won_and_lost(reader: Reader, finished: Finished) -> None:
    key = arms(reader, finished.plan.name).set_index("arm").report_key["guided"]
    found = answers(reader, key)
    table = pd.read_parquet(finished.store.result_path(key))
    assert (found.change == "won").sum() == (table.targeted & table.success).sum()
    assert (found.change == "lost").sum() == (~table.targeted & table.success).sum()
    assert found.change.iloc[0] in ("won", "lost")
    assert not len(answers(reader, "no such result"))


def test_prompts_are_those_of_the_training_and_stand_in_the_asked_order(store: Store) -> None:
    plan = Plan()
    facts = manifest(plan)
    facts["data"]["problem_types"] = {"syllogisms": 3, "transitive": 3}
    store.write_manifest(plan.name, facts)
    texts = problem_texts(Reader(store), plan.name, {"test_problems": 2}, "report")
    problems = generate_problems(2, 0, reasoning_types=("syllogisms", "transitive"), vocabulary="test")
    assert set(texts.problems) == set(problems.ids)
    first = problems[0]
    assert texts.prompt(first.stimulus_id).splitlines()[1] == f"1. {first.premises[0]}."
    assert texts.prompt(first.stimulus_id, 5).splitlines()[1] == f"1. {first.premises[2]}."
    assert texts.prompt("unknown") == ""


def test_scaling_points_carry_sizes(reader: Reader, finished: Finished) -> None:
    assert set(scaling_points(reader, finished.plan.name).n_parameters) == {134_515_008}


def test_rows_that_stand_twice_count_once_and_a_rerun_counts(store: Store) -> None:
    plan = build(store, Plan(n_trials=3, with_predictivity=False))
    before = history(Reader(store), plan.name, PLACE)
    small = {path: path.read_bytes() for path in (store.study_folder(plan.name) / "trials").glob("*.parquet")}
    assert store.compact_trials(plan.name, least=1)
    for path, content in small.items():  # a compaction that was killed before it deleted
        path.write_bytes(content)
    pd.testing.assert_frame_equal(history(Reader(store), plan.name, PLACE), before)
    store.write_trial(trial(plan, "nari", "guided", 1, objective=0.875))
    found = history(Reader(store), plan.name, PLACE).set_index(["arm", "number"])
    assert found.objective["guided", 1] == 0.875


def test_a_study_that_another_version_wrote_is_told_in_its_row(store: Store) -> None:
    build(store, Plan(n_trials=1, with_predictivity=False))
    path = store.study_folder("quickstart") / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 0'))
    assert "schema version" in overview(Reader(store)).state[0]
    with pytest.raises(StudyError):
        arms(Reader(store), "quickstart")


def test_a_study_without_a_trial_is_empty_and_no_error(store: Store) -> None:
    store.write_manifest("quickstart", manifest(Plan()))
    reader = Reader(store)
    assert overview(reader).done[0] == 0
    assert not len(arms(reader, "quickstart"))
    assert not len(history(reader, "quickstart", PLACE))
    assert not len(settings(reader, "quickstart", PLACE))


def test_nothing_in_the_store_changes_not_even_times(finished: Finished) -> None:
    files = [path for path in finished.store.root.rglob("*") if path.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}
    reader = Reader(finished.store)
    overview(reader)
    found = arms(reader, finished.plan.name)
    settings(reader, finished.plan.name, PLACE)
    answers(reader, found.report_key.dropna().iloc[0])
    after = [path for path in finished.store.root.rglob("*") if path.is_file()]
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in after} == before


@pytest.mark.slow
def test_every_view_of_a_hundred_thousand_trials_takes_less_than_a_second(tmp_path: Path) -> None:
    reader = Reader(large_store(tmp_path, 100_000))
    frame = settings(reader, "large", PLACE)
    own = frame[frame.arm == "guided"]
    importances(own[:50], ["alpha"], "loads scikit-learn")
    views = {
        "overview": lambda: overview(reader),
        "arms": lambda: arms(reader, "large"),
        "history": lambda: history(reader, "large", PLACE),
        "settings": lambda: settings(reader, "large", PLACE),
        "map": lambda: depth_and_strength(frame, N_LAYERS),
        "importances": lambda: importances(own, varied(frame), "large"),
        "front": lambda: pareto_front(frame, {"objective": "maximize", "metric: broken": "minimize"}),
        "size": lambda: scaling_points(reader, "large"),
    }
    for name, view in views.items():
        taken = []
        for _ in range(3):
            start = time.perf_counter()
            view()
            taken.append(time.perf_counter() - start)
        assert min(taken) < 1.0, f"{name}: {taken}"
    assert overview(reader).done[0] == 6 * (100_000 // 6)
    whole = history(reader, "large", PLACE)
    assert len(whole) < 8_000
    best = whole.groupby("arm").best.max()
    assert best["guided"] == pytest.approx(frame[frame.arm == "guided"].objective.max())
