"""The whole path: a study file through Ray Tune and Optuna into Parquet, Optuna's journal and MLflow."""

import time
from dataclasses import replace

import pytest
from mlflow import MlflowClient

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.search import run_study, verify_study
from brainalign.steering import summarise
from brainalign.study import parse_study
from brainalign.tracking import tracking_uri
from tests.search.quickstart import Finished, scientific, small_quickstart


def test_every_place_is_done_and_none_failed(finished: Finished) -> None:
    run, rows = finished.run, finished.store.read_trials("quickstart")
    assert (run.n_done, run.n_total, run.n_failed, run.interrupted) == (26, 26, 0, False)
    assert len(rows) == 26
    assert all(row.state == "COMPLETE" and row.data_source == "simulated" for row in rows)
    per_arm = {
        arm: sum(row.arm == arm and row.part == "selection" for row in rows) for arm in {row.arm for row in rows}
    }
    nari = dict.fromkeys(("guided", "random_direction", "random_betas", "bias"), 4)
    assert per_arm == {"measured": 3, "shuffled": 3, **nari}


def test_selection_and_report_share_no_problem_and_every_arm_has_as_many_checks(finished: Finished) -> None:
    split = finished.store.read_manifest("quickstart")["split"]
    assert not set(split["selection"]) & set(split["report"])
    checks = set()
    for row in finished.store.read_trials("quickstart"):
        if row.kind == "nari":
            result = finished.store.read_result(row.result_key or "")
            assert result is not None
            assert set(result.outcomes["stimulus_id"].to_pylist()) <= set(split[row.part])
            failed = [r for r in result.outcomes.to_pylist() if not r["success"]]
            checks |= {r["n_checks"] for r in failed}
            assert summarise(result.outcomes).overall.net_balanced_accuracy == pytest.approx(row.objective)
    assert checks == {40}


def test_the_report_part_gets_the_winner_of_the_selection_part(finished: Finished) -> None:
    rows = [row for row in finished.store.read_trials("quickstart") if row.kind == "nari"]
    for arm in ("guided", "random_direction", "random_betas", "bias"):
        tried = [row for row in rows if row.arm == arm and row.part == "selection"]
        best = max(tried, key=lambda row: (row.objective, -row.number))
        (reported,) = [row for row in rows if row.arm == arm and row.part == "report"]
        assert (reported.number, reported.setting) == (best.number, best.setting)


def test_the_first_setting_is_the_sources(finished: Finished) -> None:
    row = finished.store.read_trial("quickstart", "tiny-random-llama/nari/guided/0/selection")
    assert row is not None
    assert (row.setting["alpha"], row.setting["layers"]) == (10.0, {"start": 0.25, "width": 0.5})


def test_the_three_accounts_agree(finished: Finished) -> None:
    found = verify_study(finished.store, "quickstart")
    assert (found.n_parquet, found.n_optuna, found.n_mlflow, found.differences) == (22, 22, 22, ())


def test_mlflow_has_a_parent_a_model_and_kind_with_children_by_arm(finished: Finished) -> None:
    client = MlflowClient(tracking_uri(finished.store))
    experiment = client.get_experiment_by_name("quickstart")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    parents = {run.info.run_id: run for run in runs if "mlflow.parentRunId" not in run.data.tags}
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 2
    assert len(children) == 26
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == set(parents)
    arms = {arm for kind in finished.study.kinds for arm in finished.study.arms(kind)}
    assert {run.data.tags["arm"] for run in children} == arms


def test_a_second_run_finds_everything_done_at_once(finished: Finished) -> None:
    started = time.monotonic()
    again = run_study(finished.study, store=finished.store)
    assert (again.n_new, again.n_done) == (0, 26)
    assert time.monotonic() - started < 15


def test_a_name_that_is_taken_by_other_settings_is_refused_and_nothing_changes(finished: Finished) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.store.root.rglob("*.parquet")}
    other = parse_study({**small_quickstart("quickstart"), "seeds": {"search": 99}}, "study.yaml")
    with pytest.raises(StudyError, match=r"changed: seeds\.search.*--as NAME"):
        run_study(other, store=finished.store)
    assert before == {path: path.stat().st_mtime_ns for path in finished.store.root.rglob("*.parquet")}


def test_lost_outcomes_are_noticed_and_made_again(finished: Finished, tmp_path) -> None:
    import shutil

    store = Store(shutil.copytree(finished.store.root, tmp_path / "copy"))
    row = store.read_trial("quickstart", "tiny-random-llama/nari/guided/1/selection")
    assert row is not None
    path = store.result_path(row.result_key or "")
    path.write_bytes(path.read_bytes()[:100])
    assert any("guided/1" in line for line in verify_study(store, "quickstart").differences)
    again = run_study(finished.study, store=store)
    assert (again.n_new, again.n_done) == (1, 26)
    assert store.has_result(row.result_key or "")
    assert scientific(store.read_trials("quickstart")) == scientific(finished.store.read_trials("quickstart"))


def test_a_study_is_extended_and_what_failed_is_tried_again_and_nothing_else_is_touched(
    finished: Finished, tmp_path
) -> None:
    import shutil

    store = Store(shutil.copytree(finished.store.root, tmp_path / "copy"))
    broken = store.read_trial("quickstart", "tiny-random-llama/nari/guided/2/selection")
    assert broken is not None
    store.write_trial(replace(broken, state="FAILED", objective=None, result_key=None, metrics={}, error="made up"))
    assert store.compact_trials("quickstart", least=1)
    raw = small_quickstart("quickstart")
    raw["kinds"]["nari"]["trials"] = 5
    before = {row.place: row for row in store.read_trials("quickstart") if row.state == "COMPLETE"}
    run = run_study(parse_study(raw, "study.yaml"), store=store, retry_failed=True)
    rows = {row.place: row for row in store.read_trials("quickstart")}
    assert {place: rows[place] for place in before} == before
    assert scientific([rows[broken.place]]) == scientific([broken])
    fresh = [row for place, row in rows.items() if place not in before and place != broken.place]
    assert {(row.arm, row.number) for row in fresh if row.part == "selection"} == {
        (arm, 4) for arm in ("guided", "random_direction", "random_betas", "bias")
    }
    assert (run.n_done, run.n_total, run.n_failed) == (30, 30, 0)
    assert verify_study(store, "quickstart").differences == ()


def test_a_lost_row_is_noticed_and_the_mirrors_are_rebuilt(finished: Finished, tmp_path) -> None:
    import shutil

    store = Store(shutil.copytree(finished.store.root, tmp_path / "copy"))
    row = store.read_trial("quickstart", "tiny-random-llama/nari/guided/3/selection")
    assert row is not None
    store.write_trial(replace(row, state="FAILED", objective=None, error="made up"))
    found = verify_study(store, "quickstart")
    assert any("guided/3" in line for line in found.differences)
    assert verify_study(store, "quickstart").differences == ()
