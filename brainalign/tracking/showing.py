"""What a finished parent run shows beside its figures: a page of comparisons, and the winner as a registered model."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from brainalign.artifacts import Store, TrialRow
from brainalign.tracking.spelling import digest, group_of

PAGE, WINNER = "brainalign.page", "brainalign.winner"
PAGE_FILE, MODEL_FOLDER, ALIAS = "comparison.html", "winner", "winner"


@dataclass(frozen=True)
class Showing:
    """A self-contained HTML page, and the winning trial of the method on the selection part, where there is one."""

    page: str
    winner: TrialRow | None = None


def model_name(row: TrialRow) -> str:
    """Name under which a winner is registered: ``study.model.kind``."""
    return f"{row.study}.{group_of(row).replace('/', '.')}"


def show(client: MlflowClient, run: Any, store: Store, manifest: Mapping[str, Any], showing: Showing) -> None:
    """Put a page and a winner on a parent run; nothing happens where it has them already."""
    run_id, tags = run.info.run_id, run.data.tags
    page = digest(showing.page)
    if tags.get(PAGE) != page:
        client.log_text(run_id, showing.page, PAGE_FILE)
        client.set_tag(run_id, PAGE, page)
    row = showing.winner
    if row is not None and row.result_key and tags.get(WINNER) != row.result_key:
        _register(client, run, store, manifest, row)
        client.set_tag(run_id, WINNER, row.result_key)


def _register(client: MlflowClient, run: Any, store: Store, manifest: Mapping[str, Any], row: TrialRow) -> None:
    """Make a version of the winner's model, where it left anything that can be served."""
    from brainalign.tracking.served import save_winner

    with tempfile.TemporaryDirectory(prefix="brainalign-winner-") as folder:
        path = Path(folder) / MODEL_FOLDER
        if not save_winner(store, manifest, row, path):
            return
        client.log_artifacts(run.info.run_id, str(path), MODEL_FOLDER)
    name, source = model_name(row), f"{run.info.artifact_uri}/{MODEL_FOLDER}"
    try:
        client.create_registered_model(name, description=f"Winners of study {row.study}; data: {row.data_source}")
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    version_tags = {"place": row.place, "result_key": str(row.result_key), "data_source": row.data_source}
    made = client.create_model_version(name, source, run_id=run.info.run_id, tags=version_tags)
    client.set_registered_model_alias(name, ALIAS, made.version)
