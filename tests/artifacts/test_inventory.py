"""What takes room in a store, and that nothing which a trial stands on is ever freed."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from brainalign.artifacts import Result, Store, free, study_bytes, take_stock
from tests.artifacts.test_store import trial_row

OLD_S = 10 * 3600


@pytest.fixture
def filled(store: Store) -> Store:
    """A study with a result that stands on a search and on states; beside it a result and a stage of nobody."""
    store.write_manifest("s", {"study": {}})
    for key in ("states", "search", "nobody"):
        store.save_arrays("activations", key, {"values": np.zeros((10, 10), np.float32)}, {})
    store.write_result(Result("search", "nari", "guided", {}, stands_on=("states",)))
    store.write_result(Result("moved", "nari_transfer", "guided", {}, stands_on=("search",)))
    store.write_result(Result("orphan", "nari", "guided", {}))
    store.write_trial(trial_row(result_key="moved"))
    age(store)
    return store


def age(store: Store) -> None:
    for path in store.root.rglob("*"):
        os.utime(path, (time.time() - OLD_S,) * 2)


def left(store: Store) -> set[str]:
    return {
        path.stem for folder in ("results", "stages") for path in (store.root / folder).rglob("*") if path.is_file()
    }


def test_stock_says_what_takes_room_and_what_nothing_points_to(filled: Store) -> None:
    found = {one.what: one for one in take_stock(filled)}
    assert set(found) == {"study s", "results nari", "results nari_transfer", "stage activations"}
    assert (found["results nari"].n_files, found["results nari"].n_unused) == (2, 1)
    assert (found["stage activations"].n_files, found["stage activations"].n_unused) == (3, 1)
    whole = sum(path.stat().st_size for path in filled.root.rglob("*") if path.is_file())
    assert sum(one.n_bytes for one in found.values()) == whole
    assert 0 < study_bytes(filled, "s", filled.read_trials("s")) < whole


def test_nothing_is_freed_unless_it_is_asked_for(filled: Store) -> None:
    before = left(filled)
    freed = free(filled)
    assert {one.what: one.n_files for one in freed} == {"results nari": 1, "stage activations": 1}
    assert left(filled) == before


def test_what_a_trial_stands_on_through_others_stays(filled: Store) -> None:
    free(filled, dry_run=False)
    assert left(filled) == {"states", "search", "moved"}
    assert filled.read_trials("s")
    assert free(filled, dry_run=False) == []


def test_what_was_made_or_found_lately_stays(filled: Store) -> None:
    assert filled.load_arrays("activations", "nobody") is not None  # a running trial finds it
    assert filled.read_result("orphan") is not None
    free(filled, dry_run=False)
    assert {"nobody", "orphan"} <= left(filled)
    free(filled, grace_s=-1, dry_run=False)
    assert not {"nobody", "orphan"} & left(filled)


def test_stages_stay_where_an_older_result_does_not_say_what_it_stands_on(filled: Store) -> None:
    import json

    import pyarrow.parquet as pq

    path = filled.result_path("moved")
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"brainalign"])
    del facts["stands_on"]
    pq.write_table(table.replace_schema_metadata({"brainalign": json.dumps(facts)}), path)
    age(filled)
    free(filled, dry_run=False)
    assert {"states", "search", "nobody"} <= left(filled)


def test_torn_files_go(filled: Store) -> None:
    torn = filled.root / "results" / ".x.parquet.abc.part"
    torn.write_bytes(b"half")
    os.utime(torn, (time.time() - OLD_S,) * 2)
    free(filled, dry_run=False)
    assert not Path(torn).exists()
