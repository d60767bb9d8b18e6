"""A small finished study, written through the store, and a study file that parses."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA, Result, Store, TrialRow

NAME = "toy"
STUDY_TEXT = """\
name: toy
models: [tiny-random-llama]
betas: {source: simulated}
budget: {trials: 1}
kinds:
  predictivity: {}
"""
MANIFEST: dict[str, Any] = {"identity": "one", "data": {"source": "simulated", "content_hash": "d"}}


def trial(number: int, **changes: Any) -> TrialRow:
    row = TrialRow(
        study=NAME,
        model="tiny",
        kind="nari",
        arm="guided",
        number=number,
        part="selection",
        setting={"alpha": 10.0},
        state="COMPLETE",
        reused=False,
        result_key=f"key{number}",
        objective=number / 10,
        metrics={"net_balanced_accuracy": number / 10},
        error=None,
        search_seed=0,
        replicate=0,
        data_hash="d",
        data_source="simulated",
        started_at="2026-11-24T10:00:00+00:00",
        seconds=1.0,
        host="here",
        versions={},
    )
    return replace(row, **changes)


def result(number: int, metric: float = 1.0) -> Result:
    row = dict.fromkeys(OUTCOME_SCHEMA.names) | {"result_key": f"key{number}", "subject": "1", "first_check": number}
    outcomes = pa.Table.from_pylist([row], schema=OUTCOME_SCHEMA)
    return Result(f"key{number}", "nari", "guided", {"m": metric}, outcomes=outcomes)


def write_study(store: Store, numbers: range) -> None:
    store.write_manifest(NAME, MANIFEST)
    store.write_study_file(NAME, STUDY_TEXT)
    for number in numbers:
        store.write_result(result(number))
        store.write_trial(trial(number))


REAL_STUDY_TEXT = """\
name: mini
models: [tiny-random-llama]
betas:
  source: simulated
  subjects: 2
  simulator: {n_subjects: 2, n_problems_per_type: 12}
kinds:
  predictivity:
    arms: [measured]
    trials: 1
    space: {roi: [language]}
  nari:
    arms: [guided, random_direction]
    trials: 2
    space:
      alpha: {low: 1, high: 10, log: true}
      n_steps: [10]
"""
