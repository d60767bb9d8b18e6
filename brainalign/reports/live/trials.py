"""Trials of one (model, kind): their history, settings as columns, Pareto front, and where they act."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from brainalign.reports.depth import STRENGTHS, layer_span
from brainalign.reports.live.reading import Reader
from brainalign.reports.numbers import is_number
from brainalign.study import Direction

MOST_POINTS = 2_000
"""Trials that a view draws; of more, the best half of so many and a part of the others chosen by a hash."""

_HISTORY = """
SELECT arm, number, objective, state, best,
       best IS DISTINCT FROM lag(best) OVER (PARTITION BY arm ORDER BY number) AS step
FROM (
    SELECT arm, number, state, CASE WHEN state = 'COMPLETE' AND isfinite(objective) THEN objective END AS objective,
           {extreme}(CASE WHEN state = 'COMPLETE' AND isfinite(objective) THEN objective END)
               OVER (PARTITION BY arm ORDER BY number) AS best
    FROM trials WHERE model = ? AND kind = ? AND part = 'selection'
)
QUALIFY step OR hash(arm || number) % greatest(1, count(*) OVER () // {most}) = 0
    OR number = max(number) OVER (PARTITION BY arm)
ORDER BY arm, number
"""
_SETTINGS = """
WITH chosen AS (
    SELECT arm, number, objective, metrics, setting, result_key, seconds, count(*) OVER () AS of,
           row_number() OVER (ORDER BY {sign} * objective DESC) AS rank
    FROM trials
    WHERE model = ? AND kind = ? AND part = 'selection' AND state = 'COMPLETE' AND isfinite(objective)
)
SELECT * EXCLUDE (rank) FROM chosen
WHERE rank <= {half} OR of <= {most} OR hash(arm || number) % (of // {half} + 1) = 0
"""


def history(reader: Reader, study: str, place: tuple[str, str], direction: Direction = "maximize") -> pd.DataFrame:
    """Objective of the trials of a (model, kind) by number, and the best of the arm so far.

    Every trial at which the best changes is there; of the others, where there are many, a part chosen by a hash.

    Returns
    -------
    pandas.DataFrame
        ``arm``, ``number``, ``objective`` (NaN without one), ``state``, ``best``.
    """
    extreme = "max" if direction == "maximize" else "min"
    return reader.trials(study, _HISTORY.format(extreme=extreme, most=MOST_POINTS), list(place)).drop(columns="step")


def settings(reader: Reader, study: str, place: tuple[str, str], direction: Direction = "maximize") -> pd.DataFrame:
    """Finished trials of a (model, kind) with their settings and metrics as columns.

    Returns
    -------
    pandas.DataFrame
        ``arm``, ``number``, ``objective``, ``result_key``, ``seconds``, ``of`` (trials that there are), a column a
        setting (``layers.start`` for parts) and one a metric (``metric: broken``).
    """
    sign = 1 if direction == "maximize" else -1
    query = _SETTINGS.format(sign=sign, half=MOST_POINTS // 2, most=MOST_POINTS)
    found = reader.trials(study, query, list(place))
    chosen = pd.DataFrame([_flat(json.loads(text)) for text in found.setting], index=found.index)
    metrics = pd.DataFrame([json.loads(text) for text in found.metrics], index=found.index).add_prefix("metric: ")
    return pd.concat([found.drop(columns=["setting", "metrics"]), chosen, metrics], axis=1)


def varied(frame: pd.DataFrame) -> list[str]:
    """Columns of `settings` that are settings and not the same everywhere."""
    fixed = {"arm", "number", "objective", "result_key", "seconds", "of"}
    names = [name for name in frame.columns if name not in fixed and not name.startswith("metric: ")]
    return [name for name in names if frame[name].astype(str).nunique() > 1]


def pareto_front(frame: pd.DataFrame, directions: Mapping[str, Direction]) -> pd.Series:
    """Say of each row whether no other one surpasses it in all columns of `directions` together.

    Parameters
    ----------
    frame : pandas.DataFrame
    directions : mapping of str to str
        Columns, and whether more or less is better; rows without a number in one of them are not on the front.

    Returns
    -------
    pandas.Series of bool
    """
    signs = np.array([1.0 if direction == "maximize" else -1.0 for direction in directions.values()])
    values = frame[list(directions)].to_numpy(dtype=np.float64) * signs
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    on_front = np.zeros(len(frame), dtype=bool)
    kept = np.empty((0, values.shape[1]))
    for row in known[np.lexsort([-values[known, column] for column in reversed(range(values.shape[1]))])]:
        beaten = ((kept >= values[row]).all(axis=1) & (kept > values[row]).any(axis=1)).any()
        if not beaten:
            on_front[row] = True
            kept = np.vstack([kept, values[row]])
    return pd.Series(on_front, index=frame.index)


def depth_and_strength(frame: pd.DataFrame, n_layers: int | None) -> pd.DataFrame:
    """Add ``start``, ``end``, ``centre`` (relative depth) and ``strength`` to `settings`; leave out trials without."""
    strength = next((name for name in STRENGTHS if name in frame), None)
    spans = [layer_span(_nested(row), n_layers) for row in frame.to_dict("records")]
    found = frame.assign(
        start=[span[0] if span else np.nan for span in spans], end=[span[1] if span else np.nan for span in spans]
    )
    found["strength"] = pd.to_numeric(found[strength], errors="coerce") if strength else np.nan
    found["centre"] = (found.start + found.end) / 2
    return found[found.centre.notna() & found.strength.notna() & (found.arm != "bias")]


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, Mapping):
            flat |= _flat(item, f"{prefix}{name}.")
        else:
            flat[prefix + name] = item if is_number(item) or isinstance(item, str | bool | None) else json.dumps(item)
    return flat


def _nested(row: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `_flat` for the layers."""
    layers: dict[str, Any] = {}
    for name, value in row.items():
        if name.startswith("layers.") and not (isinstance(value, float) and np.isnan(value)):
            layers[name.removeprefix("layers.")] = json.loads(value) if isinstance(value, str) else value
    return {"layers": layers}
