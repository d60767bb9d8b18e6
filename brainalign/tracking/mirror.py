"""MLflow as a mirror of a study, rebuilt from the store at any time.

Experiment = study, parent run = (model, kind), child run = trial. A child is found by its tag ``brainalign.place`` and
carries a digest of its row, so mirroring again, after a crash or from a second process doubles nothing: what is whole
stays, what is half is made anew, what the store does not hold goes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from mlflow import MlflowClient

from brainalign.artifacts import Store, TrialRow
from brainalign.errors import StudyError
from brainalign.tracking.address import connected, tracking_uri
from brainalign.tracking.showing import Showing, show
from brainalign.tracking.spelling import (
    DIGEST,
    IDENTITY,
    NOTE,
    PLACE,
    STATUS,
    describe_data,
    digest,
    digest_row,
    group_of,
)
from brainalign.tracking.writer import RunWriter

Summaries = Mapping[str, Mapping[str, float]]
_PAGE = 1000


@dataclass(frozen=True)
class MirrorReport:
    """What mirroring did: trials' runs that stand there now, and how many were new, re-made, or too many."""

    n_runs: int
    n_created: int
    n_updated: int
    n_deleted: int


def mirror(
    store: Store,
    study: str,
    *,
    uri: str | None = None,
    summaries: Summaries | None = None,
    showings: Mapping[str, Showing] | None = None,
) -> MirrorReport:
    """Bring MLflow to what the store holds of a study.

    Parameters
    ----------
    store : Store
        The truth.
    study : str
        Name of the study, and of the experiment.
    uri : str, optional
        Tracking URI; see `tracking_uri`.
    summaries : mapping, optional
        Figures of the parent runs by ``"model/kind"``, such as ``{"best.guided": 0.2, "report.guided.low": 0.1}``. A
        parent with a summary is FINISHED, one without goes on RUNNING.
    showings : mapping, optional
        Pages and winners of those parents; a winner that left vectors or weights is registered as a model.

    Returns
    -------
    MirrorReport

    Raises
    ------
    StudyError
        The store has no such study, MLflow cannot be reached, or its experiment belongs to another study.
    """
    manifest = store.read_manifest(study)
    address = tracking_uri(store, uri)
    # The rows are read under the lock: a slower process must not take a faster one's newer runs for orphans.
    with connected(address) as client, FileLock(store.study_folder(study) / ".mlflow.lock"):
        experiment_id = _experiment(client, store, manifest, study, address)
        writer = RunWriter(client, experiment_id, store, manifest)
        return _update(writer, store.read_trials(study), summaries or {}, showings or {})


def count_runs(store: Store, study: str, *, uri: str | None = None) -> int:
    """Count the whole runs of trials of the selection part that are in a final state."""
    address = tracking_uri(store, uri)
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file():
        return 0  # asking would make the schema, which takes seconds
    with connected(address) as client:
        experiment = client.get_experiment_by_name(study)
        if experiment is None:
            return 0
        runs = _search(client, experiment.experiment_id, "tags.part = 'selection' and attributes.status != 'RUNNING'")
        return sum(1 for run in runs if DIGEST in run.data.tags)


def _experiment(client: MlflowClient, store: Store, manifest: Mapping[str, Any], study: str, address: str) -> str:
    # The same settings on other data, or in another store, are another study: its runs are not ours to delete.
    identity = digest({name: manifest.get(name) for name in ("identity", "uid")})
    found = client.get_experiment_by_name(study)
    if found is None:
        # A server decides for itself where artifacts go; a database alone would leave them in the working directory.
        is_server = address.startswith(("http:", "https:", "databricks"))
        place = None if is_server else (store.root / "mlartifacts" / study).absolute().as_uri()
        # Without its kind an experiment opens among pages for prompts and traces.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        tags = {IDENTITY: identity, NOTE: describe_data(manifest), **kind}
        return str(client.create_experiment(study, artifact_location=place, tags=tags))
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    theirs = found.tags.get(IDENTITY)
    if theirs != identity:
        raise StudyError(
            f"expected MLflow experiment {study!r} at {address} to mirror this store's study, found that of another "
            "store or of other settings: run it under another name (--as) or set another MLFLOW_TRACKING_URI"
        )
    return str(found.experiment_id)


def _update(
    writer: RunWriter, rows: list[TrialRow], summaries: Summaries, showings: Mapping[str, Showing]
) -> MirrorReport:
    standing, superfluous = _standing(writer)
    groups = {group_of(row) for row in rows} | set(summaries)
    places = {row.place for row in rows}
    superfluous += [run for place, run in standing.items() if place not in places | groups]
    for run in superfluous:
        writer.client.delete_run(run.info.run_id)
    parents: dict[str, Any] = {group: standing.get(group) for group in groups}
    for group in sorted(groups):
        of_group = [row for row in rows if group_of(row) == group]
        run = parents[group] = parents[group] or writer.create_parent(group, of_group)
        writer.extend_history(run, of_group)
        if group in summaries:
            writer.finish_parent(run, of_group, summaries[group])
        if group in showings:
            show(writer.client, run, writer.store, writer.manifest, showings[group])
    n_created = n_updated = 0
    for row in rows:
        run, parent_id = standing.get(row.place), parents[group_of(row)].info.run_id
        if run is not None and _is_whole(run, row, parent_id):
            continue
        if run is not None:
            writer.client.delete_run(run.info.run_id)  # parameters cannot be changed: half a run is made anew
        n_created, n_updated = n_created + (run is None), n_updated + (run is not None)
        writer.create_child(row, parent_id)
    return MirrorReport(len(rows), n_created, n_updated, len(superfluous))


def _standing(writer: RunWriter) -> tuple[dict[str, Any], list[Any]]:
    """Find runs by place, and the doubles that two hosts may have made (the later ones)."""
    standing: dict[str, Any] = {}
    doubles = []
    runs = [run for run in _search(writer.client, writer.experiment_id) if PLACE in run.data.tags]
    for run in sorted(runs, key=lambda run: (DIGEST not in run.data.tags, run.info.start_time, run.info.run_id)):
        if standing.setdefault(run.data.tags[PLACE], run) is not run:
            doubles.append(run)
    return standing, doubles


def _search(client: MlflowClient, experiment_id: str, filter_string: str = "") -> Iterable[Any]:
    token = None
    while True:
        page = client.search_runs([experiment_id], filter_string, max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _is_whole(run: Any, row: TrialRow, parent_id: str) -> bool:
    tags = run.data.tags
    of_parent = tags.get("mlflow.parentRunId") == parent_id
    return of_parent and tags.get(DIGEST) == digest_row(row) and run.info.status == STATUS[row.state]
