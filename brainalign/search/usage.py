"""What the runs of a study took and what went wrong in them, kept beside its trials; no result depends on it."""

import json
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from brainalign.artifacts import Store, TrialRow, write_json
from brainalign.planning.caps import Spent
from brainalign.search.failures import FailureClass

_FILE = "usage.json"
_MOST_FAILURES = 1000
_HOUR_S = 3600.0
_GIB = float(1 << 30)


@dataclass(frozen=True)
class Failure:
    """One thing that went wrong: where, of which class, and why."""

    place: str
    failure: FailureClass
    reason: str
    at: str


def now() -> str:
    """Time of day, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Usage:
    """Book of a study's runs.

    Parameters
    ----------
    store : Store
    name : str
        The study's.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._path = store.study_folder(name) / _FILE
        found = _read(self._path)
        self.runs: list[dict[str, Any]] = found.get("runs", [])
        self.failures = [Failure(**entry) for entry in found.get("failures", [])]

    @property
    def wall_s(self) -> float:
        """Time that all runs took, s."""
        return sum(float(run["seconds"]) for run in self.runs)

    def begin(self) -> None:
        """Note that a run starts."""
        self.runs.append({"started_at": now(), "seconds": 0.0, "host": socket.gethostname(), "stopped_by": None})
        self._write()

    def beat(self, seconds: float, stopped_by: str | None = None) -> None:
        """Note how long this run has lasted, and what stopped it."""
        self.runs[-1] |= {"seconds": round(seconds, 3), "stopped_by": stopped_by}
        self._write()

    def fail(self, place: str, failure: FailureClass, reason: str) -> None:
        """Note that something went wrong."""
        self.failures = [*self.failures, Failure(place, failure, reason[:500], now())][-_MOST_FAILURES:]
        self._write()

    def _write(self) -> None:
        write_json(self._path, {"runs": self.runs, "failures": [asdict(failure) for failure in self.failures]})


def _read(path: Any) -> dict[str, Any]:
    """Read the book; a damaged one is begun anew, as nothing depends on it."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def spent_by(rows: list[TrialRow], wall_s: float, disk_bytes: float) -> Spent:
    """Add up what finished trials took."""
    return Spent(
        trials=len(rows),
        gpu_hours=sum(row.seconds * row.gpus for row in rows) / _HOUR_S,
        cpu_hours=sum(row.seconds * row.cpus for row in rows) / _HOUR_S,
        wall_s=wall_s,
        disk_gib=disk_bytes / _GIB,
    )
