"""Writes the runs of one experiment."""

import getpass
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

from brainalign.artifacts import Store, TrialRow
from brainalign.tracking.spelling import (
    DIGEST,
    NOTE,
    PLACE,
    STATUS,
    child_figures,
    child_name,
    child_tags,
    clean,
    data_source,
    describe_data,
    describe_group,
    digest,
    digest_row,
    flatten,
    milliseconds,
)

_BATCH = 900  # MLflow takes at most 1000 metrics a call


@dataclass(frozen=True)
class RunWriter:
    """Creates parents and children in one experiment, from a store's rows and results."""

    client: MlflowClient
    experiment_id: str
    store: Store
    manifest: Mapping[str, Any]
    user: str = field(default_factory=lambda: _user())

    def create_parent(self, group: str, rows: Iterable[TrialRow]) -> Any:
        """Make the run of a (model, kind); it stays RUNNING until it has a summary."""
        model, kind = group.split("/", 1)
        start = min((milliseconds(row.started_at) for row in rows), default=None)
        tags = {**self._tags(group, model, kind, describe_group(self.manifest, model, kind)), "level": "study"}
        run = self.client.create_run(self.experiment_id, start, tags, f"{model} {kind}")
        self.client.log_dict(run.info.run_id, dict(self.manifest), "manifest.json")
        self._log_dataset(run.info.run_id, "selection and report")
        return run

    def finish_parent(self, run: Any, rows: Iterable[TrialRow], summary: Mapping[str, float]) -> None:
        """Put the summary's figures on a parent and end it; nothing happens where it has them already."""
        if run.data.tags.get(DIGEST) == digest(dict(summary)):
            return
        run_id = run.info.run_id
        end = max((milliseconds(row.started_at, row.seconds) for row in rows), default=None)
        # A later summary has to win over an earlier one: MLflow shows the figure with the highest step.
        step = 1 + max((point.step for name in summary for point in self._history(run_id, name)), default=-1)
        self._log_points(run_id, _points(summary, end or 0, step))
        self.client.log_batch(run_id, tags=[RunTag(DIGEST, digest(dict(summary)))])
        self.client.set_terminated(run_id, "FINISHED", end)

    def extend_history(self, run: Any, rows: list[TrialRow]) -> None:
        """Draw ``objective.<arm>`` over trial numbers on a parent: an optimisation history in MLflow itself."""
        run_id = run.info.run_id
        fresh = []
        for arm in sorted({row.arm for row in rows}):
            name = clean(f"objective.{arm}")
            known = {(point.step, point.value) for point in self._history(run_id, name)}
            for row in rows:
                if row.arm == arm and row.part == "selection" and _is_finite(row.objective):
                    point = Metric(name, row.objective, milliseconds(row.started_at, row.seconds), row.number)
                    if (point.step, point.value) not in known:
                        fresh.append(point)
        self._log_points(run_id, fresh)

    def create_child(self, row: TrialRow, parent_id: str) -> None:
        """Make the run of a trial; its digest is written near the end and says that it is whole."""
        tags = self._tags(row.place, row.model, row.kind, describe_data(self.manifest))
        tags |= {"mlflow.parentRunId": parent_id, **child_tags(row)}
        start, end = milliseconds(row.started_at), milliseconds(row.started_at, row.seconds)
        run_id = self.client.create_run(self.experiment_id, start, tags, child_name(row)).info.run_id
        self.client.log_dict(run_id, dict(row.setting), "setting.json")
        self._log_outcomes(run_id, row.result_key)
        self._log_dataset(run_id, row.part)
        parameters = [Param(name, value) for name, value in flatten({**row.setting, "arm": row.arm}).items()]
        points = _points(child_figures(row), end)
        self._log_points(run_id, points[_BATCH:])
        whole = [RunTag(DIGEST, digest_row(row))]
        self.client.log_batch(run_id, metrics=points[:_BATCH], params=parameters, tags=whole)
        self.client.set_terminated(run_id, STATUS[row.state], end)

    def _tags(self, place: str, model: str, kind: str, note: str) -> dict[str, str]:
        return {
            PLACE: place,
            "model": model,
            "kind": kind,
            "data_source": data_source(self.manifest),
            NOTE: note,
            "mlflow.user": self.user,
            "mlflow.source.name": "brainalign study run",
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": str(self.manifest.get("provenance", {}).get("commit", "unknown")),
        }

    def _history(self, run_id: str, name: str) -> list[Any]:
        return list(self.client.get_metric_history(run_id, clean(name)))

    def _log_points(self, run_id: str, points: list[Any]) -> None:
        for start in range(0, len(points), _BATCH):
            self.client.log_batch(run_id, metrics=points[start : start + _BATCH])

    def _log_outcomes(self, run_id: str, result_key: str | None) -> None:
        result = self.store.read_result(result_key) if result_key else None
        if result is None or result.outcomes.num_rows == 0:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "outcomes.parquet"
            pq.write_table(result.outcomes, path)
            self.client.log_artifact(run_id, str(path))

    def _log_dataset(self, run_id: str, part: str) -> None:
        data = self.manifest.get("data", {})
        profile = {name: data[name] for name in ("subjects", "n_problems", "n_voxels") if name in data}
        dataset = Dataset(
            name=f"{data_source(self.manifest)} betas",
            digest=str(data.get("content_hash", "unknown"))[:32],
            source_type="local",
            source=json.dumps({"uri": data.get("location") or data.get("source")}),
            profile=json.dumps(profile),
        )
        self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", part)])])


def _points(figures: Mapping[str, float], timestamp: int, step: int = 0) -> list[Any]:
    finite = ((clean(name), float(value)) for name, value in figures.items() if _is_finite(value))
    return [Metric(name, value, timestamp, step) for name, value in finite]


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _user() -> str:
    """Name of the user; in a container the number may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
