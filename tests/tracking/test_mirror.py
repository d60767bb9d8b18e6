"""The mirror against what the store holds, read back by a plain MlflowClient."""

import json
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.tracking import MirrorReport, count_runs, mirror, run_page, tracking_uri

from .studies import GROUP, MANIFEST, NAME, trial, write_study


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without runs: making the schema takes seconds, copying it does not."""
    path = tmp_path_factory.mktemp("schema") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path: Path, schema: Path) -> Store:
    root = tmp_path / "store"
    root.mkdir()
    shutil.copy(schema, root / "mlflow.db")
    return Store(root)


def runs_of(store: Store) -> list[Any]:
    client = MlflowClient(tracking_uri=tracking_uri(store))
    return list(client.search_runs([client.get_experiment_by_name(NAME).experiment_id]))


def by_name(store: Store) -> dict[str, Any]:
    return {run.info.run_name: run for run in runs_of(store)}


def test_every_trial_has_one_run_under_its_parent(store: Store) -> None:
    rows = write_study(store)
    assert mirror(store, NAME) == MirrorReport(4, 4, 0, 0)
    runs = by_name(store)
    assert set(runs) == {"tiny nari", "guided 0", "guided 1", "random_direction 0", "random_direction 1"}
    parent = runs.pop("tiny nari")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    assert {run.data.tags["brainalign.place"] for run in runs.values()} == {row.place for row in rows}
    assert count_runs(store, NAME) == 4


def test_a_trial_has_the_page_of_its_run(store: Store) -> None:
    row = write_study(store)[0]
    mirror(store, NAME)
    address = tracking_uri(store)
    (run,) = [run for run in runs_of(store) if run.data.tags["brainalign.place"] == row.place]
    assert run_page(address, NAME, row.place) == (
        f"{address}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    )
    assert run_page(address, NAME, "tiny/nari/guided/99/selection") is None
    assert run_page(address, "nowhere", row.place) is None


def test_a_run_shows_setting_figures_and_data(store: Store) -> None:
    write_study(store)
    mirror(store, NAME)
    runs = by_name(store)
    run = runs["guided 1"]
    assert run.data.params == {
        "arm": "guided",
        "alpha": "10",
        "layers.first": "0.25",
        "layers.width": "0.5",
        "loss": "cosine",
        "n_steps": "200",
    }
    assert set(run.data.params) == set(runs["random_direction 1"].data.params)
    assert run.data.metrics == {"net_balanced_accuracy": 0.1, "objective": 0.1, "seconds": 30.0}  # no NaN
    assert run.info.end_time - run.info.start_time == 30_000
    assert run.data.tags["data_source"] == "SIMULATED"
    assert run.data.tags["mlflow.note.content"].startswith("**SIMULATED**")
    assert runs["tiny nari"].data.tags["mlflow.note.content"].startswith("**SIMULATED**")
    assert run.inputs.dataset_inputs[0].dataset.digest == "d" * 32
    assert run.info.status == "FINISHED"
    assert runs["tiny nari"].info.status == "RUNNING"


def test_artifacts_are_the_setting_and_the_outcomes(store: Store, tmp_path: Path) -> None:
    (row, *_) = write_study(store)
    mirror(store, NAME)
    client = MlflowClient(tracking_uri=tracking_uri(store))
    folder = Path(client.download_artifacts(by_name(store)["guided 0"].info.run_id, "", str(tmp_path)))
    assert json.loads((folder / "setting.json").read_text()) == row.setting
    stored = store.read_result("guided0")
    assert stored is not None
    assert pq.read_table(folder / "outcomes.parquet").equals(stored.outcomes)
    assert str(store.root / "mlartifacts") in by_name(store)["guided 0"].info.artifact_uri


def test_mirroring_again_changes_nothing_and_a_new_row_adds_one(store: Store) -> None:
    write_study(store)
    mirror(store, NAME)
    before = {run.info.run_id for run in runs_of(store)}
    assert mirror(store, NAME) == MirrorReport(4, 0, 0, 0)
    store.write_trial(trial("guided", 2))
    assert mirror(store, NAME) == MirrorReport(5, 1, 0, 0)
    assert len({run.info.run_id for run in runs_of(store)} - before) == 1


def test_a_changed_row_a_half_run_and_an_orphan_are_mended(store: Store) -> None:
    write_study(store)
    mirror(store, NAME)
    client = MlflowClient(tracking_uri=tracking_uri(store))
    experiment = client.get_experiment_by_name(NAME).experiment_id
    client.create_run(
        experiment, tags={"brainalign.place": "tiny/nari/guided/2/selection"}
    )  # as a killed process leaves
    client.create_run(experiment, tags={"brainalign.place": "tiny/nari/guided/9/selection"})  # no such trial
    client.create_run(experiment, tags={"brainalign.place": "tiny/nari/guided/0/selection"})  # a double
    store.write_trial(trial("guided", 2))
    store.write_trial(trial("guided", 1, state="FAILED", objective=None, error="x" * 9000 + " out of memory"))
    assert mirror(store, NAME) == MirrorReport(5, 0, 2, 2)
    runs = [run for run in runs_of(store) if run.data.tags["level"] == "trial"]
    assert sorted(run.data.tags["brainalign.place"] for run in runs) == sorted(
        row.place for row in store.read_trials(NAME)
    )
    failed = by_name(store)["guided 1"]
    assert failed.info.status == "FAILED"
    assert failed.data.tags["error"].endswith("out of memory")
    assert count_runs(store, NAME) == 5


def test_states_and_parts(store: Store) -> None:
    write_study(store, n_trials=1)
    store.write_trial(trial("guided", 1, state="PRUNED", objective=None))
    store.write_trial(trial("guided", 0, part="report"))
    mirror(store, NAME)
    runs = by_name(store)
    assert runs["guided 1"].info.status == "KILLED"
    assert runs["guided 1"].data.tags["state"] == "PRUNED"
    assert runs["guided 0 report"].data.tags["part"] == "report"
    assert count_runs(store, NAME) == 3  # the report part is no trial of the search


def test_the_summary_stands_on_the_parent_and_a_later_one_wins(store: Store) -> None:
    write_study(store)
    mirror(store, NAME)
    mirror(store, NAME, summaries={GROUP: {"best.guided": 0.5, "report.guided.low": -0.1}})
    parent = by_name(store)["tiny nari"]
    assert parent.data.metrics["best.guided"] == 0.5
    assert parent.info.status == "FINISHED"
    mirror(store, NAME, summaries={GROUP: {"best.guided": 0.25, "report.guided.low": -0.1}})
    assert by_name(store)["tiny nari"].data.metrics["best.guided"] == 0.25
    mirror(store, NAME)
    parent = by_name(store)["tiny nari"]
    assert (parent.data.metrics["best.guided"], parent.info.status) == (0.25, "FINISHED")


def test_the_parent_holds_the_history_of_each_arm_once(store: Store) -> None:
    write_study(store, n_trials=2)
    mirror(store, NAME)
    store.write_trial(trial("guided", 2))
    mirror(store, NAME)
    client = MlflowClient(tracking_uri=tracking_uri(store))
    points = client.get_metric_history(by_name(store)["tiny nari"].info.run_id, "objective.guided")
    assert sorted((point.step, point.value) for point in points) == [(0, 0.0), (1, 0.1), (2, 0.2)]


def _mirror_elsewhere(root: str) -> None:
    mirror(Store(root), NAME)


def test_two_processes_double_nothing(store: Store) -> None:
    write_study(store, n_trials=3)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_mirror_elsewhere, args=(str(store.root),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    places = [run.data.tags["brainalign.place"] for run in runs_of(store)]
    assert len(places) == len(set(places)) == 7


def test_the_tracking_uri_is_honoured(
    store: Store, tmp_path: Path, schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(store, n_trials=1)
    shutil.copy(schema, tmp_path / "other.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    mirror(store, NAME)
    assert len(MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'other.db'}").search_experiments()) == 2
    assert len(MlflowClient(tracking_uri=f"sqlite:///{store.root / 'mlflow.db'}").search_experiments()) == 1


def test_another_study_of_that_name_is_left_alone(store: Store) -> None:
    write_study(store, n_trials=1)
    mirror(store, NAME)
    for change in ({"identity": "another"}, {"uid": "another store's"}):
        store.write_manifest(NAME, {**MANIFEST, **change})
        with pytest.raises(StudyError, match="another store or of other settings"):
            mirror(store, NAME)
    assert count_runs(store, NAME) == 2


def test_a_disk_that_refuses_is_one_line(store: Store) -> None:
    write_study(store, n_trials=1)
    (store.root / "mlartifacts").touch()  # where a folder has to be
    with pytest.raises(StudyError, match="the results are safe in the store") as caught:
        mirror(store, NAME)
    assert "\n" not in str(caught.value)
    (store.root / "mlartifacts").unlink()
    assert mirror(store, NAME).n_runs == 2
    assert count_runs(store, NAME) == 2


def test_counting_makes_no_database(tmp_path: Path) -> None:
    assert count_runs(Store(tmp_path), NAME) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_the_study_is_one_line(store: Store) -> None:
    with pytest.raises(StudyError, match="expected study 'small'"):
        mirror(store, NAME)
