"""A study moved from one store to another: archived, checked, merged without overwriting."""

import hashlib
import io
import math
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from brainalign.artifacts import Result, Store, TrialRow
from brainalign.errors import StudyError

_TRIES = 20
_TOLERANCE = 1e-5  # another processor rounds otherwise; a larger difference is another result


@dataclass(frozen=True)
class MergeReport:
    """Trials and results of the source, and how many of them were new to the target."""

    n_trials: int
    n_new_trials: int
    n_results: int
    n_new_results: int


def study_files(store: Store, name: str) -> dict[str, Path]:
    """Files that make up a study, by their path inside the store; locks, mirrors and caches stay out."""
    folder = store.study_folder(name)
    paths = [folder / "manifest.json", folder / "study.yaml", *store.trial_paths(name)]
    paths += [store.result_path(row.result_key) for row in store.read_trials(name) if row.result_key]
    return {path.relative_to(store.root).as_posix(): path for path in sorted(set(paths)) if path.is_file()}


def archive_study(store: Store, name: str) -> bytes:
    """Tar a study's files; the same files give the same bytes.

    Raises
    ------
    StudyError
        The store has no such study.
    """
    store.read_manifest(name)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for target, content in _contents(store, name).items():
            member = tarfile.TarInfo(target)
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _contents(store: Store, name: str) -> dict[str, bytes]:
    """Read a study's files as they stand together: again where rows moved into a larger file meanwhile."""
    for _ in range(_TRIES):
        rows = store.trial_paths(name)
        try:
            found = {target: path.read_bytes() for target, path in study_files(store, name).items()}
        except FileNotFoundError:
            continue
        if all(path.is_file() for path in rows):
            return found
    raise StudyError(f"expected the files of study {name!r} to stand still, found them moving: pull again")


def merge_archive(content: bytes, sha256: str, target: Store, name: str) -> MergeReport:
    """Check an archive and merge the study that it holds into a store.

    Raises
    ------
    StudyError
        The archive is damaged, or the target has the study with other settings or results; nothing is written over.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise StudyError(f"expected results with SHA-256 {sha256[:12]}, found {found[:12]}: pull again")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(folder, filter="data")
        return merge_study(Store(folder), target, name)


def merge_study(source: Store, target: Store, name: str) -> MergeReport:
    """Add to a store what another one holds of a study: results first, so that no trial points to nothing.

    Raises
    ------
    StudyError
        The same place or key holds something else; nothing is written over.
    """
    manifest, rows = source.read_manifest(name), source.read_trials(name)
    old = {row.place: row for row in target.read_trials(name)}
    if name in target.studies():
        _check_manifest(target.read_manifest(name), manifest, name, target)
    for row in rows:
        if row.place in old:
            _check_row(old[row.place], row)
    n_results, n_new_results = _merge_results(source, target, rows)
    if name not in target.studies():
        target.write_manifest(name, {key: value for key, value in manifest.items() if key != "schema_version"})
    text = source.study_folder(name) / "study.yaml"
    if text.is_file() and not (target.study_folder(name) / "study.yaml").is_file():
        target.write_study_file(name, text.read_text(encoding="utf-8"))
    fresh = [row for row in rows if row.place not in old]
    for row in fresh:
        target.write_trial(row)
    return MergeReport(len(rows), len(fresh), n_results, n_new_results)


def _merge_results(source: Store, target: Store, rows: list[TrialRow]) -> tuple[int, int]:
    n_new = 0
    keys = sorted({row.result_key for row in rows if row.result_key})
    for key in keys:
        theirs, ours = source.read_result(key), target.read_result(key)
        if theirs is None:
            raise StudyError(f"expected result {key} beside the trial that points to it, found none: pull again")
        if ours is None:
            target.write_result(theirs)
            n_new += 1
        else:
            _check_result(ours, theirs)
    return len(keys), n_new


def _check_manifest(ours: Mapping[str, object], theirs: Mapping[str, object], name: str, target: Store) -> None:
    def spell(manifest: Mapping[str, object]) -> tuple[object, object]:
        data = manifest.get("data")
        return manifest.get("identity"), data.get("content_hash") if isinstance(data, Mapping) else None

    if spell(ours) != spell(theirs):
        raise StudyError(
            f"expected study {name!r} in {target.root} with the cluster's settings and data, found others: "
            "pull into another --store"
        )


def _check_row(ours: TrialRow, theirs: TrialRow) -> None:
    def spell(row: TrialRow) -> tuple[object, ...]:
        return dict(row.setting), row.state, row.result_key

    if spell(ours) != spell(theirs) or not _is_close(ours.objective, theirs.objective):
        raise _conflict(f"trial {ours.place}")


def _check_result(ours: Result, theirs: Result) -> None:
    same = ours.metrics.keys() == theirs.metrics.keys()
    if not same or not all(_is_close(ours.metrics[name], theirs.metrics[name]) for name in ours.metrics):
        raise _conflict(f"result {ours.key}")


def _is_close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _conflict(what: str) -> StudyError:
    return StudyError(
        f"expected {what} to be the same here and on the cluster, found another: pull into another --store"
    )
