"""A store of very many trials, written as a compaction leaves it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from brainalign.artifacts import TRIAL_SCHEMA, Store, TrialRow

from ..reports.synthetic import MODEL, Plan, manifest, trial

ARMS = ("guided", "random_direction", "bias")
SIZES = {MODEL: 134_515_008, "nano-llama-0.4m": 446_160}


def large_store(folder: Path, n_trials: int) -> Store:
    """A study `large` of `n_trials` searched trials on two models, a winner of each arm reported."""
    store = Store(folder)
    rate = dict.fromkeys(ARMS, (0.5, 0.2))
    facts = manifest(Plan(name="large", success=rate, n_trials=n_trials // 6, with_predictivity=False))
    facts["study"]["models"] = list(SIZES)
    facts["models"] = {model: {**facts["models"][MODEL], "n_parameters": n} for model, n in SIZES.items()}
    store.write_manifest("large", facts)
    rows = [_rows(model, arm, n_trials // 6) for model in SIZES for arm in ARMS]
    target = store.study_folder("large") / "rows" / "000001.parquet"
    target.parent.mkdir(parents=True)
    pq.write_table(pa.concat_tables(rows), target)
    (store.study_folder("large") / "rows.json").write_text(json.dumps({"version": 1, "files": [target.name]}))
    return store


def _rows(model: str, arm: str, n: int) -> pa.Table:
    draw = np.random.default_rng([len(model), ARMS.index(arm)])
    objective, alpha = draw.normal(0.0, 0.1, n), np.exp(draw.uniform(-1, 2.3, n))
    start = draw.uniform(0, 0.7, n)
    objective += 0.2 * np.log(alpha) / 2.3
    template = trial(Plan(name="large"), "nari", arm, 0, model=model).to_table().to_pylist()[0]
    columns = {name: [value] * n for name, value in template.items()} | {
        "number": list(range(n)),
        "objective": objective.tolist(),
        "setting": [
            json.dumps({"alpha": a, "layers": {"start": s, "width": 0.3}}) for a, s in zip(alpha, start, strict=True)
        ],
        "metrics": [json.dumps({"broken": float(b)}) for b in draw.random(n)],
        "result_key": [f"{model}-{arm}-{number}" for number in range(n)],
        "state": ["FAILED" if number % 50 == 7 else "COMPLETE" for number in range(n)],
    }
    for number in range(7, n, 50):
        columns["objective"][number] = None
    table = pa.table({field.name: pa.array(columns[field.name], field.type) for field in TRIAL_SCHEMA})
    best = max((i for i in range(n) if columns["objective"][i] is not None), key=lambda i: columns["objective"][i])
    report = TrialRow.from_table(table.slice(best, 1))[0]
    return pa.concat_tables([table, TrialRow(**{**vars(report), "part": "report"}).to_table()])
