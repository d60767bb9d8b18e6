"""A small finished study, written through the store."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA, Result, Store, TrialRow

NAME = "small"
GROUP = "tiny/nari"

MANIFEST: dict[str, Any] = {
    "identity": "0123456789abcdef",
    "study": {"name": NAME},
    "data": {
        "source": "simulated",
        "description": "known map, 3 subjects",
        "content_hash": "d" * 32,
        "location": None,
        "subjects": ["1", "2", "3"],
        "n_problems": 20,
        "n_voxels": {"language": 7},
    },
    "models": {"tiny": {"n_layers": 4, "hidden_size": 32, "weights_hash": "w"}},
    "provenance": {"commit": "abc"},
}


def trial(arm: str, number: int, **changes: Any) -> TrialRow:
    row = TrialRow(
        study=NAME,
        model="tiny",
        kind="nari",
        arm=arm,
        number=number,
        part="selection",
        setting={"alpha": 10.0, "layers": {"first": 0.25, "width": 0.5}, "loss": "cosine", "n_steps": 200},
        state="COMPLETE",
        reused=False,
        result_key=f"{arm}{number}",
        objective=number / 10,
        metrics={"net_balanced_accuracy": number / 10, "mended": float("nan")},
        error=None,
        search_seed=number,
        replicate=0,
        data_hash="d" * 32,
        data_source="simulated",
        started_at=f"2026-11-24T10:{number:02d}:00+00:00",
        seconds=30.0,
        host="here",
        versions={"ray": "2.60.0"},
    )
    return replace(row, **changes)


def result(key: str, arm: str) -> Result:
    row = dict.fromkeys(OUTCOME_SCHEMA.names) | {
        "result_key": key,
        "arm": arm,
        "subject": "1",
        "first_check": 2,
    }
    return Result(key, "nari", arm, {"a": 1.0}, outcomes=pa.Table.from_pylist([row], schema=OUTCOME_SCHEMA))


def write_study(
    store: Store, n_trials: int = 2, arms: tuple[str, ...] = ("guided", "random_direction")
) -> list[TrialRow]:
    store.write_manifest(NAME, MANIFEST)
    rows = [trial(arm, number) for arm in arms for number in range(n_trials)]
    for row in rows:
        store.write_result(result(str(row.result_key), row.arm))
        store.write_trial(row)
    return rows
