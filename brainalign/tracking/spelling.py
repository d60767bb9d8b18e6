"""How a study is spelled in MLflow: names, descriptions, tags, digests."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from brainalign.artifacts import TrialRow

# Raised when runs are spelled in another way, so that older ones are made anew.
VERSION = 1

PLACE = "brainalign.place"
DIGEST = "brainalign.digest"
IDENTITY = "brainalign.identity"
NOTE = "mlflow.note.content"
STATUS = {"COMPLETE": "FINISHED", "FAILED": "FAILED", "PRUNED": "KILLED"}
_ERROR_CHARACTERS = 5000


def group_of(row: TrialRow) -> str:
    """Place of a trial's parent run."""
    return f"{row.model}/{row.kind}"


def data_source(manifest: Mapping[str, Any]) -> str:
    """Source of a study's betas; SIMULATED is spelled so that it cannot be missed."""
    source = str(manifest.get("data", {}).get("source", "unknown"))
    return source.upper() if source == "simulated" else source


def describe_data(manifest: Mapping[str, Any]) -> str:
    """Say in one line which data a study stands on; SIMULATED comes first where they are."""
    data = manifest.get("data", {})
    word = "**SIMULATED** data, not measured" if data.get("source") == "simulated" else "Measured data"
    return f"{word}: {data.get('description', 'no description')} (content {str(data.get('content_hash', '?'))[:12]})"


def describe_group(manifest: Mapping[str, Any], model: str, kind: str) -> str:
    """Describe a parent run: data, model, and how its figures are named."""
    facts = manifest.get("models", {}).get(model, {})
    shape = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "weights_hash")
    lines = [
        describe_data(manifest),
        f"Kind `{kind}` on `{model}`" + (f" ({shape})." if shape else "."),
        "`objective.ARM` is the searched figure over trial numbers, on the selection part; `report.ARM.*` "
        "are the winners on the report part of the problems, with interval bounds `.low` and `.high`.",
    ]
    return "\n\n".join(lines)


def child_name(row: TrialRow) -> str:
    """Name of a trial's run, such as ``guided 3``."""
    repeated = f" again {row.repeat}" if row.repeat else ""
    return f"{row.arm} {row.number}" + (" report" if row.part == "report" else "") + repeated


def child_tags(row: TrialRow) -> dict[str, str]:
    """Tags of a trial's run by which the compare views filter and group."""
    tags = {
        "level": "trial",
        "arm": row.arm,
        "part": row.part,
        "state": row.state,
        "reused": str(row.reused).lower(),
        "result_key": row.result_key or "none",
    }
    if row.error:
        tags["error"] = row.error[-_ERROR_CHARACTERS:]  # the end of a traceback says what happened
    return tags


def child_figures(row: TrialRow) -> dict[str, float]:
    """Metrics of a trial's run."""
    figures = {**row.metrics, "seconds": row.seconds}
    return figures if row.objective is None else {**figures, "objective": row.objective}


def flatten(setting: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Spell a setting as MLflow parameters: dotted names, short numbers, the same names in every arm."""
    flat: dict[str, str] = {}
    for name, value in setting.items():
        key = clean(f"{prefix}{name}")
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{key}."))
        elif isinstance(value, float):
            flat[key] = format(value, ".6g")
        else:
            flat[key] = value if isinstance(value, str) else json.dumps(value)
    return flat


def clean(name: str) -> str:
    """Replace characters that MLflow refuses in names."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def digest_row(row: TrialRow) -> str:
    """Digest of everything that a trial's run shows."""
    return digest(row.to_table().to_pylist())


def digest(value: Any) -> str:
    """Digest of a JSON value and of the spelling's version (NaN is allowed, unlike in keys)."""
    return hashlib.sha256(json.dumps([VERSION, value], sort_keys=True).encode()).hexdigest()[:32]


def milliseconds(started_at: str, seconds: float = 0.0) -> int:
    """MLflow's time of an ISO 8601 moment plus some seconds."""
    return round((datetime.fromisoformat(started_at).timestamp() + seconds) * 1000)
