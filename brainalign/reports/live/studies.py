"""Studies of a store with their progress, and the arms of one with their winners."""

import math
from typing import Any

import numpy as np
import pandas as pd

from brainalign.errors import BrainalignError
from brainalign.reports.live.reading import Reader
from brainalign.reports.numbers import is_number
from brainalign.reports.records import section
from brainalign.reports.tables import INTERVAL_METRIC
from brainalign.search.ledger import stored_study
from brainalign.study import Study, branches
from brainalign.trials import trial_kind

OVERVIEW = ["study", "data", "done", "planned", "failed", "core-hours", "last trial", "state", "description"]
_COUNTS = """
SELECT count(*) FILTER (part = 'selection') AS done,
       count(*) FILTER (part = 'report') AS reported,
       count(*) FILTER (state = 'FAILED') AS failed,
       coalesce(sum(seconds * coalesce(cpus, 1)) FILTER (NOT reused), 0) / 3600 AS core_hours,
       coalesce(sum(seconds * coalesce(gpus, 0)) FILTER (NOT reused), 0) / 3600 AS gpu_hours,
       max(started_at) AS last
FROM trials
"""
_ARMS = """
WITH searched AS (
    SELECT model, kind, arm, count(*) AS tried, count(*) FILTER (state = 'FAILED') AS failed,
           arg_max(number, {sign} * objective) FILTER (isfinite(objective)) AS top,
           sum(seconds) FILTER (NOT reused) / 3600 AS hours
    FROM trials WHERE part = 'selection' AND kind = ? GROUP BY ALL
), reported AS (
    SELECT model, kind, arm, number, objective, result_key FROM trials
    WHERE part = 'report' AND state = 'COMPLETE' AND kind = ?
    QUALIFY row_number() OVER (PARTITION BY model, kind, arm ORDER BY started_at DESC) = 1
)
SELECT s.model, s.kind, s.arm, s.tried, s.failed, s.hours, coalesce(r.number, s.top) AS trial,
       t.objective AS selection, r.objective AS report, t.result_key, r.result_key AS report_key, t.setting
FROM searched s LEFT JOIN reported r USING (model, kind, arm)
LEFT JOIN trials t ON (t.model, t.kind, t.arm, t.part, t.number)
    = (s.model, s.kind, s.arm, 'selection', coalesce(r.number, s.top))
ORDER BY ALL
"""


def overview(reader: Reader) -> pd.DataFrame:
    """Give a row a study: data, progress, failures, cost and state; one that cannot be read says why in its state."""
    rows = [_overview_row(reader, name) for name in reader.store.studies()]
    return pd.DataFrame(rows, columns=OVERVIEW)


def _overview_row(reader: Reader, name: str) -> dict[str, Any]:
    try:
        manifest, study = reader.store.read_manifest(name), stored_study(reader.store, name)
        counts = reader.trials(name, _COUNTS).iloc[0]
    except BrainalignError as error:
        return dict.fromkeys(OVERVIEW) | {"study": name, "state": f"cannot be read: {error}"}
    planned = sum(study.n_trials(branch.kind) for branch in branches(study))
    reports = sum(trial_kind(branch.kind).selects for branch in branches(study))
    finished = counts.done >= planned and counts.reported >= reports
    data = section(manifest, "data")
    gpu = f" + {counts.gpu_hours:.2f} GPU-hours" if counts.gpu_hours else ""
    return {
        "study": name,
        "data": "SIMULATED" if str(data.get("source")).startswith("simulated") else str(data.get("source")),
        "done": int(counts.done),
        "planned": planned,
        "failed": int(counts.failed),
        "core-hours": f"{counts.core_hours:.2f}{gpu}",
        "last trial": (counts["last"] or "")[:16] if isinstance(counts["last"], str) else "",
        "state": "finished" if finished else f"open: {counts.reported} of {reports} winners reported",
        "description": study.description,
    }


def arms(reader: Reader, name: str) -> pd.DataFrame:
    """Give a row an arm: its winner on both parts, with the report part's interval where the result has one.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``kind``, ``arm``, ``role`` (method or control), ``tried``, ``failed``, ``hours``, ``trial``,
        ``selection``, ``report``, ``low``, ``high``, ``objective`` (its name), ``result_key``, ``report_key``,
        ``setting`` (JSON).

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    study = stored_study(reader.store, name)
    parts = [_arms_of(reader, name, study, kind) for kind in study.kinds]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _arms_of(reader: Reader, name: str, study: Study, kind: str) -> pd.DataFrame:
    directions = study.goals(kind).directions
    sign = 1 if next(iter(directions.values())) == "maximize" else -1
    found = reader.trials(name, _ARMS.format(sign=sign), [kind, kind])
    bounded = study.objective(kind) == INTERVAL_METRIC
    intervals = [_interval(reader, key if bounded else "") for key in found.report_key.fillna("")]
    bounds = np.array(intervals, dtype=np.float64).reshape(len(found), 2)
    found["low"], found["high"] = bounds[:, 0], bounds[:, 1]
    found["objective"] = study.objective(kind)
    found["role"] = ["method" if arm == trial_kind(kind).arms[0] else "control" for arm in found.arm]
    return found


def _interval(reader: Reader, key: str) -> tuple[float, float]:
    """Interval of the net balanced accuracy of a stored result; NaN where it has none."""
    if not key:
        return math.nan, math.nan
    found = section(section(section(reader.store.result_facts(key), "detail"), "summary"), "interval")
    low, high = found.get("low"), found.get("high")
    return (low, high) if is_number(low) and is_number(high) else (math.nan, math.nan)


def scaling_points(reader: Reader, name: str) -> pd.DataFrame:
    """`arms` with ``n_parameters`` of each model from the manifest; models whose size is not known are left out."""
    facts = section(reader.store.read_manifest(name), "models")
    sizes = {model: section(facts, model).get("n_parameters") for model in facts}
    found = arms(reader, name)
    found["n_parameters"] = pd.to_numeric(found.model.map(sizes), errors="coerce")
    return found[found.n_parameters.notna()].sort_values("n_parameters", ignore_index=True)
