"""Caps end a study at a consistent point, and a raised cap goes on to the same table; user errors stop it at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from brainalign.artifacts import Store
from brainalign.search import run_study, verify_study
from brainalign.search.ledger import stored_study
from brainalign.search.status import study_status
from brainalign.study import parse_study
from tests.search.quickstart import Finished, scientific, small_quickstart

pytestmark = pytest.mark.slow


def study(**budget: object):
    return parse_study({**small_quickstart("quickstart"), "budget": budget}, "study.yaml")


def brainalign(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "brainalign.cli", *arguments, "--store", str(folder / "store")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", ["max_trials", "max_cpu_hours", "max_disk_gib"])
def test_a_cap_ends_the_study_early_and_a_raised_one_goes_on_to_the_same_table(
    finished: Finished, tmp_path: Path, name: str
) -> None:
    store, whole = Store(tmp_path), study_status(finished.store, "quickstart")["costs"]["actual"]
    what = name.removeprefix("max_").replace("trials", "n_trials")
    # A quarter of the hours, since the machine may have been much busier in the one run than in the other.
    limit = {"max_trials": 7, "max_cpu_hours": whole[what] / 4}.get(name, whole[what] / 2)
    stopped = run_study(study(**{name: limit}), store=store)
    assert (stopped.stopped_by, stopped.interrupted, stopped.n_lost) == (name, False, 0)
    assert 0 < stopped.n_done < stopped.n_total == 26
    kept = store.read_trials("quickstart")
    found = study_status(store, "quickstart")["costs"]
    assert (found["stopped_by"], found["caps"]) == (name, {name: limit})
    if name == "max_trials":
        assert found["actual"][what] == 7
    if name == "max_cpu_hours":  # what ran at once may take longer than was expected of it
        longest = max(row.seconds for row in kept) / 3600
        assert found["actual"][what] <= limit + 2 * longest
    assert stored_study(store, "quickstart").identity == study().identity
    again = run_study(study(), store=store)
    assert (again.stopped_by, again.n_done) == (None, 26)
    rows = store.read_trials("quickstart")
    assert [row for row in rows if row in kept] == kept
    assert scientific(rows) == scientific(finished.store.read_trials("quickstart"))
    assert verify_study(store, "quickstart").differences == ()


def test_the_wall_clock_counts_all_runs_and_resume_raises_it(finished: Finished, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**small_quickstart("quickstart"), "budget": {"max_wall_s": 14}}))
    first = brainalign(tmp_path, "study", "run", str(path))
    assert first.returncode == 0, first.stderr
    assert "stopped by the cap max_wall_s" in first.stderr
    second = brainalign(tmp_path, "study", "resume", "quickstart")
    assert "stopped by the cap max_wall_s" in second.stderr
    third = brainalign(tmp_path, "study", "resume", "quickstart", "--cap", "max_wall_s=none")
    assert third.returncode == 0, third.stderr
    rows = Store(tmp_path / "store").read_trials("quickstart")
    assert scientific(rows) == scientific(finished.store.read_trials("quickstart"))
    costs = json.loads(brainalign(tmp_path, "study", "status", "quickstart", "--json").stdout)["costs"]
    assert costs["n_runs"] == 3
    assert costs["predicted"]["n_trials"]["value"] == 26 == costs["actual"]["n_trials"]


@pytest.mark.parametrize("cap", ["max_wall_s", "max_gpu_hours", "max_cpu_hours", "max_disk_gib"])
def test_a_cap_below_one_trial_is_one_line_and_writes_nothing(tmp_path: Path, cap: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({**small_quickstart("quickstart"), "budget": {cap: 1e-7}}))
    found = brainalign(tmp_path, "study", "run", str(path))
    assert found.returncode == 2
    (line,) = [line for line in found.stderr.splitlines() if line.startswith("error:")]
    assert f"budget.{cap}: expected room for one trial" in line
    assert not (tmp_path / "store" / "studies").exists()


def test_the_users_mistake_stops_the_study_at_once(tmp_path: Path) -> None:
    raw = small_quickstart("wrong")
    raw["kinds"] = {"nari": {"arms": ["guided", "prompt"], "trials": 3, "space": {"n_steps": 1000, "check_every": 1}}}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(raw))
    found = brainalign(tmp_path, "study", "run", str(path))
    assert found.returncode == 2, found.stderr
    assert "instructions for the arm prompt" in found.stderr
    assert "Traceback" not in found.stderr
    status = json.loads(brainalign(tmp_path, "study", "status", "wrong", "--json").stdout)
    assert status["failures"]["met"]["user"] == 1
    assert status["n_done"] < status["n_total"]
