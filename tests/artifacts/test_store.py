"""The store writes whole files or none, and reads back what it wrote."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from brainalign.artifacts import OUTCOME_SCHEMA, Result, Store, TrialRow, write_atomically
from brainalign.errors import StudyError


def trial_row(number: int = 0, **changes: object) -> TrialRow:
    row = TrialRow(
        study="s",
        model="m",
        kind="nari",
        arm="guided",
        number=number,
        part="selection",
        setting={"alpha": 1.5, "layers": {"start": 0.25, "width": 0.5}},
        state="COMPLETE",
        reused=False,
        result_key="k",
        objective=0.25,
        metrics={"net": 0.25},
        error=None,
        search_seed=1,
        replicate=0,
        data_hash="d",
        data_source="simulated",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.5,
        host="here:1",
        versions={"python": "3"},
    )
    return replace(row, **changes)


def test_arrays_come_back_bit_equal_with_their_metadata(store: Store) -> None:
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    store.save_arrays("stage", "key", {"values": values.T}, {"what": "states"})
    found = store.load_arrays("stage", "key")
    assert found is not None
    assert np.array_equal(found["values"], values.T)
    assert store.array_metadata("stage", "key") == {"what": "states"}
    assert store.load_arrays("stage", "other") is None


def test_a_damaged_array_file_is_named(store: Store) -> None:
    store.save_arrays("stage", "key", {"values": np.zeros(3)}, {})
    path = store.root / "stages" / "stage" / "key.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(StudyError, match="delete that file"):
        store.load_arrays("stage", "key")


def test_trials_come_back_ordered_by_place(store: Store) -> None:
    rows = [trial_row(10), trial_row(2, state="FAILED", objective=None, error="boom"), trial_row(0, part="report")]
    for row in rows:
        store.write_trial(row)
    assert store.read_trials("s") == [rows[2], rows[1], rows[0]]
    assert store.read_trial("s", rows[1].place) == rows[1]
    assert store.read_trial("s", "m/nari/guided/99/selection") is None


def test_a_result_is_written_once(store: Store) -> None:
    row = dict.fromkeys(OUTCOME_SCHEMA.names, None) | {"arm": "guided", "success": True}
    outcomes = pa.Table.from_pylist([row], schema=OUTCOME_SCHEMA)
    first = Result("k", "nari", "guided", {"net": 0.5}, {"layers": [1, 2]}, outcomes, {"python": "3"})
    store.write_result(first)
    store.write_result(replace(first, metrics={"net": 0.9}))
    found = store.read_result("k")
    assert found is not None
    assert found.metrics == {"net": 0.5}
    assert found.outcomes.equals(outcomes)
    assert store.read_result("other") is None


def test_a_failed_write_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(StudyError, match="No space left"):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_writer_killed_in_the_middle_leaves_no_trial(store: Store) -> None:
    code = f"""
import os, signal
from pathlib import Path
from brainalign.artifacts import write_atomically
def die(temporary):
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path({str(store.root)!r}) / "studies/s/trials/m~nari~guided~0~selection.parquet", die)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.read_trials("s") == []


def test_a_store_that_cannot_be_written_says_so() -> None:
    with pytest.raises(StudyError, match="another --store"):
        Store("/proc/nowhere").write_trial(trial_row())


def test_an_unknown_study_names_the_known_ones(store: Store) -> None:
    store.write_manifest("known", {"study": {}})
    with pytest.raises(StudyError, match="found known"):
        store.read_manifest("unknown")


def test_a_forecast_is_kept_once_and_says_where_it_was_changed(store: Store) -> None:
    path, stamp = store.freeze_forecast("first", {"figures": [0.25], "created_at": "2026-01-01"})
    with pytest.raises(StudyError, match="written once, choose another name"):
        store.freeze_forecast("first", {"figures": []})
    assert store.forecasts() == {
        "first": {"figures": [0.25], "created_at": "2026-01-01", "hash": stamp, "intact": True}
    }
    path.chmod(0o644)
    path.write_text(path.read_text().replace("0.25", "0.26"))
    assert not store.forecasts()["first"]["intact"]


def test_results_of_models_are_listed_over_all_studies(store: Store) -> None:
    for study, model, key in (("one", "m", "a"), ("two", "m", "b"), ("two", "other", "c"), ("two", "m", None)):
        store.write_manifest(study, {})
        store.write_trial(trial_row(study=study, model=model, result_key=key, number=len(str(key))))
    assert store.result_keys(["m"]) == ["a", "b"]
