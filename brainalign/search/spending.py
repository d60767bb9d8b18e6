"""What a study took beside what was expected, and what went wrong in it."""

from collections import Counter
from typing import Any

from brainalign.artifacts import Store, study_bytes
from brainalign.search.budget import study_caps
from brainalign.search.failures import FAILURES
from brainalign.search.ledger import Ledger
from brainalign.search.usage import Usage, spent_by

_LAST_FAILURES = 5


def failure_counts(store: Store, ledger: Ledger) -> dict[str, Any]:
    """Failures by class: those that trials ended in, those that other tries got over, and the last ones in words."""
    rows = [row for row in ledger.rows.values() if row.state == "FAILED"]
    ended = Counter(row.failure or "error" for row in rows)
    met = Usage(store, ledger.study.name).failures
    tried = Counter(failure.failure for failure in met)
    smaller = sum(row.batch_divisor > 1 for row in ledger.rows.values())
    last = [{"place": row.place, "failure": row.failure or "error", "reason": _last_line(row.error)} for row in rows]
    last += [{"place": one.place, "failure": one.failure, "reason": one.reason} for one in met]
    return {
        "ended": {name: ended[name] for name in FAILURES},
        "met": {name: tried[name] for name in FAILURES},
        "smaller_batches": smaller,
        "last": last[-_LAST_FAILURES:],
    }


def costs_so_far(store: Store, ledger: Ledger) -> dict[str, Any]:
    """Say what was expected before the start and what was taken until now, and what stopped the last run.

    ``predicted`` is for the whole study, so the two are to be compared when it is done; it is None for a study that was
    begun before plans were kept.
    """
    name = ledger.study.name
    plan, usage = store.read_manifest(name).get("plan"), Usage(store, name)
    spent = spent_by(list(ledger.rows.values()), usage.wall_s, study_bytes(store, name, ledger.rows.values()))
    names = {"n_trials": "trials", "gpu_hours": "gpu_hours", "cpu_hours": "cpu_hours", "wall_s": "wall_s"}
    names["disk_gib"] = "disk_gib"
    return {
        "predicted": plan and {key: plan[key] for key in names},
        "cluster": plan and plan["cluster"],
        "actual": {key: getattr(spent, field) for key, field in names.items()},
        "caps": {f"max_{key}": cap for key, cap in vars(study_caps(ledger.study)).items() if cap is not None},
        "n_runs": len(usage.runs),
        "stopped_by": usage.runs[-1]["stopped_by"] if usage.runs else None,
    }


def _last_line(error: str | None) -> str:
    lines = (error or "").strip().splitlines()
    return lines[-1] if lines else ""
