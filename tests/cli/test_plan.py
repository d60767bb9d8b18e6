"""`study plan`, `study status` and `store` as a user types them."""

import json
from pathlib import Path

from brainalign.artifacts import Store
from tests.cli.test_cli import brainalign
from tests.search.quickstart import Finished, write_small_quickstart

FIGURES = ("n_trials", "gpu_hours", "wall_s", "disk_gib", "price")


def test_a_plan_is_json_with_intervals_here_and_on_a_cluster(tmp_path: Path) -> None:
    path = write_small_quickstart(tmp_path)
    where = ("--store", str(tmp_path / "store"), "--json")
    here = json.loads(brainalign("study", "plan", str(path), *where).stdout)
    size = ("--nodes", "2", "--gpus-per-node", "4", "--gpu-memory-gib", "80")
    there = json.loads(brainalign("study", "plan", str(path), *size, *where).stdout)
    for found in (here, there):
        assert all(found[name]["low"] <= found[name]["value"] <= found[name]["high"] for name in FIGURES)
        assert found["n_trials"]["value"] == 26
        assert found["lower_bound_s"] <= found["wall_s"]["value"]
    assert (here["gpu_hours"]["value"], there["gpu_hours"]["value"] > 0) == (0, True)
    assert not (tmp_path / "store").exists()


def test_a_plan_is_measured_where_the_store_has_such_trials(finished: Finished) -> None:
    found = json.loads(
        brainalign("study", "plan", str(finished.path), "--store", str(finished.store.root), "--json").stdout
    )
    assert all("measured" in part["origin"] for part in found["models"])
    busy_s = sum(row.seconds for row in finished.store.read_trials("quickstart"))
    assert found["cpu_hours"]["low"] * 3600 < busy_s < found["cpu_hours"]["high"] * 3600


def test_status_says_what_was_taken_of_what_was_expected(finished: Finished) -> None:
    where = ("--store", str(finished.store.root))
    found = json.loads(brainalign("study", "status", "quickstart", "--json", *where).stdout)
    assert found["costs"]["actual"]["n_trials"] == found["costs"]["predicted"]["n_trials"]["value"] == 26
    assert found["costs"]["actual"]["wall_s"] > 0
    assert set(found["failures"]["ended"]) == {"memory", "lost", "nan", "user", "error"}
    watched = brainalign("study", "status", "quickstart", "--watch", *where)
    assert watched.returncode == 0
    assert "taken so far, of what was expected for all: trials 26 of 26" in watched.stdout


def test_store_list_and_gc_say_what_takes_room_and_free_nothing_that_is_used(finished: Finished) -> None:
    where = ("--store", str(finished.store.root), "--json")
    holdings = {one["what"]: one for one in json.loads(brainalign("store", "list", *where).stdout)}
    assert {"study quickstart", "results nari", "results predictivity", "stage activations"} <= set(holdings)
    assert all(one["n_unused"] == 0 for one in holdings.values())
    before = finished.store.read_trials("quickstart")
    assert json.loads(brainalign("store", "gc", "--yes", "--older-than-s", "0", *where).stdout) == []
    store = Store(finished.store.root)
    assert all(store.is_whole(row) for row in before)
