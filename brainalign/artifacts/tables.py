"""The two tables of a study, ``trials`` and ``outcomes``, and the result that joins them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from brainalign.artifacts.keys import hash_json
from brainalign.errors import StudyError

Part = Literal["selection", "report"]
State = Literal["COMPLETE", "FAILED", "PRUNED"]

OUTCOME_SCHEMA = pa.schema(
    [
        ("result_key", pa.string()),
        ("arm", pa.string()),
        ("subject", pa.string()),
        ("stimulus_id", pa.string()),
        ("order", pa.int32()),
        ("reasoning_type", pa.string()),
        ("label", pa.bool_()),
        ("targeted", pa.bool_()),
        ("success", pa.bool_()),
        ("first_check", pa.int32()),
        ("radius", pa.float32()),
        ("n_checks", pa.int32()),
        ("n_invalid", pa.int32()),
        ("margin_before", pa.float32()),
        ("margin_after", pa.float32()),
    ]
)

TRIAL_SCHEMA = pa.schema(
    [
        ("study", pa.string()),
        ("model", pa.string()),
        ("kind", pa.string()),
        ("arm", pa.string()),
        ("number", pa.int32()),
        ("part", pa.string()),
        ("setting", pa.string()),
        ("state", pa.string()),
        ("reused", pa.bool_()),
        ("result_key", pa.string()),
        ("objective", pa.float64()),
        ("metrics", pa.string()),
        ("error", pa.string()),
        ("search_seed", pa.int64()),
        ("replicate", pa.int32()),
        ("data_hash", pa.string()),
        ("data_source", pa.string()),
        ("started_at", pa.string()),
        ("seconds", pa.float64()),
        ("host", pa.string()),
        ("versions", pa.string()),
        ("device", pa.string()),
        ("cpus", pa.float64()),
        ("gpus", pa.float64()),
        ("failure", pa.string()),
        ("batch_divisor", pa.int32()),
        ("repeat", pa.int32()),
    ]
)
_LATER_COLUMNS = ("device", "cpus", "gpus", "failure", "batch_divisor", "repeat")
_JSON_COLUMNS = ("setting", "metrics", "versions")


def place_name(model: str, kind: str, arm: str, number: int, part: str, repeat: int | None = 0) -> str:
    """Spell a trial's place in its study as one string."""
    return f"{model}/{kind}/{arm}/{number}/{part}" + (f"/{repeat}" if repeat else "")


@dataclass(frozen=True)
class TrialRow:
    """A row of ``trials``: a place in a study, its setting and what came of it.

    ``setting``, ``metrics`` and ``versions`` are JSON objects; ``seconds`` is wall time in s, ``started_at`` ISO 8601
    UTC; ``objective`` is None unless ``state`` is COMPLETE. ``reused`` says that the result was found by its key.
    ``device`` is ``"cpu"`` or a GPU's name, ``cpus`` and ``gpus`` what the trial held. ``failure`` is the class of the
    error. A ``batch_divisor`` above 1 marks a trial that was computed in smaller batches for want of memory: its
    figures may differ in their last digits from those of the usual size. A ``repeat`` above 0 marks a winner that is
    read on the report part once more, with a replicate seed of its own.
    """

    study: str
    model: str
    kind: str
    arm: str
    number: int
    part: Part
    setting: Mapping[str, Any]
    state: State
    reused: bool
    result_key: str | None
    objective: float | None
    metrics: Mapping[str, float]
    error: str | None
    search_seed: int
    replicate: int
    data_hash: str
    data_source: str
    started_at: str
    seconds: float
    host: str
    versions: Mapping[str, str]
    device: str = "cpu"
    cpus: float = 1.0
    gpus: float = 0.0
    failure: str | None = None
    batch_divisor: int = 1
    repeat: int = 0

    @property
    def place(self) -> str:
        """The trial's place in its study, as one string."""
        return place_name(self.model, self.kind, self.arm, self.number, self.part, self.repeat)

    def to_table(self) -> pa.Table:
        """One-row table in ``TRIAL_SCHEMA``."""
        row = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        for name in _JSON_COLUMNS:
            row[name] = json.dumps(dict(row[name]), sort_keys=True)
        return pa.Table.from_pylist([row], schema=TRIAL_SCHEMA)

    @classmethod
    def from_table(cls, table: pa.Table) -> "list[TrialRow]":
        """Read rows back from a table in ``TRIAL_SCHEMA``; one written before a column was there has its default."""
        known = [name for name in TRIAL_SCHEMA.names if name in table.column_names]
        rows = table.select(known).to_pylist()
        for row in rows:
            for name in _LATER_COLUMNS:
                if row.get(name) is None:
                    row.pop(name, None)
            for name in _JSON_COLUMNS:
                row[name] = json.loads(row[name])
        return [cls(**row) for row in rows]


UNSCIENTIFIC = ("started_at", "seconds", "host", "versions", "reused", "device", "cpus", "gpus")
"""Columns of ``trials`` that may differ between two runs of one study; all others must be equal."""


def table_hash(rows: Iterable[TrialRow]) -> str:
    """Hash the scientific columns of a study's rows, whatever order they come in."""
    names = [spec.name for spec in fields(TrialRow) if spec.name not in UNSCIENTIFIC]
    columns = ({name: getattr(row, name) for name in names} for row in rows)
    spelled = [json.dumps(row, sort_keys=True, default=dict) for row in columns]
    return hash_json(sorted(spelled))


@dataclass(frozen=True)
class Result:
    """What a setting gave, whichever trials point to it.

    ``metrics`` are flat figures, ``detail`` any JSON object, ``outcomes`` a table in ``OUTCOME_SCHEMA`` with a row a
    (subject, stimulus), empty where the kind has none. ``stands_on`` are the keys of stages and results that were found
    or made on the way.
    """

    key: str
    kind: str
    arm: str
    metrics: Mapping[str, float]
    detail: Mapping[str, Any] = field(default_factory=dict)
    outcomes: pa.Table = field(default_factory=OUTCOME_SCHEMA.empty_table)
    provenance: Mapping[str, str] = field(default_factory=dict)
    stands_on: tuple[str, ...] = ()


def read_table(path: Path) -> pa.Table:
    """Read a Parquet file of the store, with its metadata.

    Raises
    ------
    FileNotFoundError
        There is none.
    StudyError
        It is damaged or cannot be read.
    """
    try:
        return pq.ParquetFile(path).read(use_threads=False)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StudyError(f"expected a Parquet file in {path}, found {error}: delete it and resume the study") from error
