"""Rows of a study are taken into larger files without one being lost, wherever the process dies."""

import itertools
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brainalign.artifacts import Store, trial_files
from brainalign.errors import StudyError
from tests.artifacts.test_store import trial_row

N_ROWS = 6


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


def fill(store: Store, n_rows: int = N_ROWS) -> list:
    for number in range(n_rows):
        store.write_trial(trial_row(number))
    return store.read_trials("s")


def files(store: Store) -> list[str]:
    folder = store.study_folder("s")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_compacted_rows_are_the_same_rows_in_fewer_files(store: Store) -> None:
    rows = fill(store)
    assert not store.compact_trials("s", least=N_ROWS + 1)
    assert store.compact_trials("s", least=2)
    assert files(store) == ["rows.json", "rows/000001.parquet"]
    assert store.read_trials("s") == rows
    assert store.read_trial("s", rows[3].place) == rows[3]
    assert store.read_trial("s", "m/nari/guided/99/selection") is None
    assert store.has_trials("s")
    store.write_trial(trial_row(N_ROWS))
    assert store.compact_trials("s", least=1)
    assert files(store) == ["rows.json", "rows/000002.parquet"]
    assert store.read_trials("s") == [*rows, trial_row(N_ROWS)]
    assert not store.compact_trials("s", least=1)


def test_a_row_that_is_written_again_counts_before_the_compacted_one(store: Store) -> None:
    rows = fill(store)
    store.compact_trials("s", least=1)
    again = replace(rows[2], state="FAILED", objective=None)
    store.write_trial(again)
    for _ in range(2):
        assert store.read_trial("s", again.place) == again
        assert store.read_trials("s") == [*rows[:2], again, *rows[3:]]
        store.compact_trials("s", least=1)


@pytest.mark.parametrize("compacted_before", [False, True])
def test_a_kill_before_any_step_on_disk_loses_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compacted_before: bool
) -> None:
    steps = {name: getattr(os, name) for name in ("replace", "unlink")}
    for fatal in itertools.count():
        store = Store(tmp_path / str(fatal))
        rows = fill(store, 3)
        if compacted_before:
            store.compact_trials("s", least=1)
            store.write_trial(trial_row(3))
            rows = store.read_trials("s")
        left = itertools.count(fatal, -1)

        def dying(step: Callable[..., None], left: "itertools.count[int]" = left) -> Callable[..., None]:
            def act(*arguments: object, **options: object) -> None:
                if next(left) == 0:
                    raise Killed
                step(*arguments, **options)

            return act

        with monkeypatch.context() as patch:
            for name, step in steps.items():
                patch.setattr(os, name, dying(step))
            try:
                store.compact_trials("s", least=1)
                alive = True
            except Killed:
                alive = False
        assert store.read_trials("s") == rows
        assert all(store.read_trial("s", row.place) == row for row in rows)
        store.compact_trials("s", least=1)
        assert store.read_trials("s") == rows
        assert len([name for name in files(store) if name.startswith("rows/0")]) == 1
        if alive:
            assert fatal >= 4
            return


def test_readers_beside_a_compaction_see_every_row(store: Store) -> None:
    rows = fill(store, 12)
    stop, seen = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            seen.append([row.number for row in store.read_trials("s")][: len(rows)])
            seen.append([store.read_trial("s", rows[5].place).number] if store.read_trial("s", rows[5].place) else [])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(12, 22):
        store.write_trial(trial_row(number))
        store.compact_trials("s", least=1)
    stop.set()
    reader.join()
    assert seen
    assert {tuple(numbers) for numbers in seen} == {tuple(range(12)), (5,)}


def test_a_list_of_another_version_is_refused_and_stays(store: Store) -> None:
    fill(store)
    store.compact_trials("s", least=1)
    index = store.study_folder("s") / "rows.json"
    index.write_text(index.read_text().replace('"version": 1', '"version": 2'))
    before = index.read_text()
    with pytest.raises(StudyError, match="use the brainalign that wrote it"):
        store.read_trials("s")
    store.write_trial(trial_row(99))
    with pytest.raises(StudyError, match="expected version 1"):
        store.compact_trials("s", least=1)
    assert index.read_text() == before


def test_what_is_carried_to_another_store_are_the_files_that_count(store: Store) -> None:
    fill(store)
    assert len(store.trial_paths("s")) == N_ROWS
    store.compact_trials("s", least=1)
    assert [path.name for path in store.trial_paths("s")] == ["000001.parquet", "rows.json"]
    assert trial_files.ROWS_VERSION == 1
