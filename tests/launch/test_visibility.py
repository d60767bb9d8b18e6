"""Stores that can be looked for, and the mark that is left in them."""

from pathlib import Path

import pytest

from brainalign.errors import InputError, StudyError
from brainalign.launch.visibility import checked_store, leave_mark, remove_mark


@pytest.mark.parametrize("store", ["s3://bucket/x", Path("s3://bucket/x"), "gs://b", "file:///tmp/x"])
def test_uris_are_not_supported_yet(store: Path | str) -> None:
    with pytest.raises(InputError, match="URIs are not supported yet"):
        checked_store(store)


def test_folders_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checked_store("results") == tmp_path / "results"
    assert checked_store("with:colon") == tmp_path / "with:colon"


def test_marks_differ_and_go_away(tmp_path: Path) -> None:
    store = tmp_path / "store"
    names = {leave_mark(store), leave_mark(store)}
    assert {path.name for path in store.iterdir()} == names
    assert len(names) == 2
    for name in names:
        remove_mark(store, name)
        remove_mark(store, name)  # the other side may have been first
    assert list(store.iterdir()) == []


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match="choose another --store"):
        leave_mark(tmp_path / "file" / "store")
