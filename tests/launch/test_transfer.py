"""A study brought from one store to another."""

import hashlib
from pathlib import Path

import pytest

from brainalign.artifacts import Store
from brainalign.errors import ClusterError, StudyError
from brainalign.launch import retrieval
from brainalign.launch.retrieval import decode_part, encode_part
from brainalign.launch.transfer import MergeReport, archive_study, merge_archive, study_files

from .studies import MANIFEST, NAME, result, trial, write_study


@pytest.fixture
def source(tmp_path: Path) -> Store:
    source = Store(tmp_path / "cluster")
    write_study(source, range(4))
    return source


def bring(source: Store, target: Store) -> MergeReport:
    content = archive_study(source, NAME)
    return merge_archive(content, hashlib.sha256(content).hexdigest(), target, NAME)


def test_everything_arrives_and_a_second_time_nothing_is_new(source: Store, store: Store) -> None:
    assert bring(source, store) == MergeReport(4, 4, 4, 4)
    assert store.read_trials(NAME) == source.read_trials(NAME)
    assert store.read_manifest(NAME) == source.read_manifest(NAME)
    for row in store.read_trials(NAME):
        ours, theirs = store.read_result(str(row.result_key)), source.read_result(str(row.result_key))
        assert ours is not None
        assert theirs is not None
        assert ours.metrics == theirs.metrics
        assert ours.outcomes.equals(theirs.outcomes)
    assert bring(source, store) == MergeReport(4, 0, 4, 0)


def test_what_is_there_stays(source: Store, store: Store) -> None:
    store.write_manifest(NAME, MANIFEST)
    store.write_result(result(0))
    store.write_trial(trial(0, host="elsewhere", seconds=9.0, objective=1e-9))
    store.write_trial(trial(7))
    assert bring(source, store) == MergeReport(4, 3, 4, 3)
    rows = {row.number: row for row in store.read_trials(NAME)}
    assert rows[0].host == "elsewhere"  # times and hosts may differ
    assert set(rows) == {0, 1, 2, 3, 7}


@pytest.mark.parametrize(
    "other",
    [
        trial(1, setting={"alpha": 3.0}),
        trial(1, objective=0.5),
        trial(1, state="FAILED", objective=None, result_key=None),
    ],
)
def test_another_trial_at_the_same_place_is_refused(source: Store, store: Store, other: object) -> None:
    store.write_manifest(NAME, MANIFEST)
    store.write_trial(other)  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="trial tiny/nari/guided/1/selection to be the same"):
        bring(source, store)
    assert store.read_trials(NAME) == [other]
    assert store.read_result("key0") is None


def test_another_result_under_the_same_key_is_refused(source: Store, store: Store) -> None:
    store.write_result(result(2, metric=3.0))
    with pytest.raises(StudyError, match="result key2"):
        bring(source, store)
    assert store.read_trials(NAME) == []


def test_another_study_of_that_name_is_refused(source: Store, store: Store) -> None:
    store.write_manifest(NAME, {**MANIFEST, "identity": "two"})
    with pytest.raises(StudyError, match="pull into another --store"):
        bring(source, store)
    assert store.read_trials(NAME) == []


def test_damage_on_the_way_is_noticed(source: Store, store: Store) -> None:
    content = archive_study(source, NAME)
    sha256 = hashlib.sha256(content).hexdigest()
    with pytest.raises(StudyError, match="SHA-256"):
        merge_archive(content[:-1] + b"x", sha256, store, NAME)
    assert store.studies() == []


def test_locks_mirrors_and_marks_stay_on_the_cluster(source: Store) -> None:
    for name in ("mlflow.db", f"studies/{NAME}/driver.lock", ".seen-1", f"studies/{NAME}/trials/.x.parquet.part"):
        (source.root / name).touch()
    source.write_result(result(9))  # of another study
    names = set(study_files(source, NAME))
    trials = {f"studies/{NAME}/trials/tiny~nari~guided~{number}~selection.parquet" for number in range(4)}
    results = {f"results/key{number}.parquet" for number in range(4)}
    assert names == {f"studies/{NAME}/manifest.json", f"studies/{NAME}/study.yaml"} | trials | results


def test_an_archive_goes_through_a_log_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "PART_BYTES", 5000)
    content = bytes(range(256)) * 50
    parts = []
    for index in range(3):
        lines = ["Runtime env is setting up.", *encode_part(content, "abc", index), "and more"]
        header, part = decode_part("\n".join(lines))
        assert header == {"parts": "3", "sha256": "abc"}
        parts.append(part)
    assert b"".join(parts) == content


def test_a_log_with_half_an_archive_is_refused() -> None:
    lines = encode_part(b"content", "abc", 0)
    with pytest.raises(ClusterError, match="only a piece"):
        decode_part("\n".join(lines[:-1]))
    with pytest.raises(ClusterError, match="other lines"):
        decode_part("\n".join([lines[0], "a warning of somebody else", *lines[1:]]))


def test_rows_in_larger_files_come_along(store: Store, source: Store) -> None:
    assert source.compact_trials(NAME, least=1)
    bring(source, store)
    assert store.read_trials(NAME) == source.read_trials(NAME)
