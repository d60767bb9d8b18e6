"""Early stopping through real Ray workers: searches by ASHA, trainings that wait in brackets."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from brainalign.artifacts import Store, TrialRow
from brainalign.reports import study_summary
from brainalign.search import run_study, study_status, verify_study
from brainalign.study import parse_study
from brainalign.tracking import tracking_uri
from brainalign.trials import values_at_rungs
from tests.search.quickstart import scientific

pytestmark = pytest.mark.slow
TUNING = {"epochs": 3, "validation_problems": 4, "test_problems": 4, "learning_rate": {"low": 1e-4, "high": 1e-1}}
RAW = {
    "name": "stopped",
    "models": ["tiny-random-llama"],
    "betas": {"source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 10}},
    "budget": {"repeats": 2},
    "kinds": {
        "nari": {
            "arms": ["guided", "random_direction"],
            "trials": 6,
            "window": 2,
            "space": {"alpha": {"low": 0.3, "high": 10, "log": True}, "n_steps": 100},
            "stopping": {"rule": "asha", "rungs": [2, 8], "reduction": 2},
        },
        "label": {
            "trials": 4,
            "window": 2,
            "space": TUNING,
            "stopping": {"rule": "halving", "rungs": [1, 2], "reduction": 2, "bracket": 4},
        },
    },
}


def run(folder: Path, n_workers: int) -> tuple[Store, list[TrialRow]]:
    store = Store(folder)
    done = run_study(parse_study({**RAW, "execution": {"workers": n_workers}}, "study.yaml"), store=store)
    assert (done.n_done, done.n_failed, done.n_lost) == (done.n_total, 0, 0)
    return store, store.read_trials("stopped")


def test_trials_are_stopped_and_wait_and_the_table_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    store, rows = run(tmp_path / "two", 2)
    of_label = [row for row in rows if row.kind == "label" and row.part == "selection"]
    assert sorted(row.state for row in of_label) == ["COMPLETE", "PRUNED", "PRUNED", "PRUNED"]
    assert sorted(len(values_at_rungs(row.metrics)) for row in of_label) == [1, 1, 2, 2]
    stopped = [row for row in rows if row.state == "PRUNED"]
    assert any(row.kind == "nari" for row in stopped)
    assert all(row.objective is None and row.result_key is None and row.part == "selection" for row in stopped)
    again = {(row.kind, row.arm, row.repeat): row for row in rows if row.part == "report"}
    assert [again["nari", "random_direction", repeat].replicate for repeat in (0, 1)] == [0, 1]
    # What draws nothing is found again; what draws or trains is made anew.
    keys = {name: {again[*name, repeat].result_key for repeat in (0, 1)} for name in {key[:2] for key in again}}
    assert {name: len(found) for name, found in keys.items()} == {
        ("nari", "guided"): 1,
        ("nari", "random_direction"): 2,
        ("label", "label"): 2,
    }
    assert verify_study(store, "stopped").differences == ()
    assert sum(branch["n_pruned"] for branch in study_status(store, "stopped")["branches"]) == len(stopped)
    best = {(row["kind"], row["arm"]): row for row in study_summary(store, "stopped")["best"]}
    assert (best["label", "label"]["n_tried"], best["label", "label"]["n_pruned"]) == (4, 3)
    seeds = best["nari", "random_direction"]["over_seeds"]
    assert seeds["values"] == [again["nari", "random_direction", repeat].objective for repeat in (0, 1)]
    client = MlflowClient(tracking_uri(store))
    experiment = client.get_experiment_by_name("stopped").experiment_id
    killed = client.search_runs([experiment], "attributes.status = 'KILLED'")
    assert {run.data.tags["brainalign.place"] for run in killed} == {row.place for row in stopped}
    assert scientific(run(tmp_path / "one", 1)[1]) == scientific(rows)
