"""The trial rows of a study on disk: one small file a finished trial, and larger files that took many of them in.

Layout under a study's folder::

    trials/<place>.parquet    one row, written whole or not at all; stands until a larger file has it
    rows/<number>.parquet     many rows
    rows.json                 which of the larger files count

Compaction writes a larger file, swaps ``rows.json``, then deletes what the larger file took in. Killed at any point it
leaves rows that stand twice, or a larger file that does not count, but never a row less. Readers list the small files
before they look at ``rows.json``, so that they see a moving row twice rather than not at all, and drop doubles;
of two rows of a place the small file's counts, since only a trial that was run again writes one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from brainalign.artifacts.files import write_atomically, write_json
from brainalign.artifacts.tables import TRIAL_SCHEMA, TrialRow, place_name, read_table
from brainalign.errors import StudyError

ROWS_VERSION = 1
_TRIES = 100


@dataclass(frozen=True)
class _Larger:
    """A larger file's table, and where in it each place stands."""

    table: pa.Table
    where: Mapping[str, int]


class TrialFiles:
    """Rows of one study.

    Parameters
    ----------
    folder : Path
        The study's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._trials, self._rows, self._index = folder / "trials", folder / "rows", folder / "rows.json"

    def _path(self, place: str) -> Path:
        return self._trials / (place.replace("/", "~") + ".parquet")

    def write(self, row: TrialRow) -> None:
        """Keep a finished trial."""
        table = row.to_table()
        write_atomically(self._path(row.place), lambda temporary: pq.write_table(table, temporary))

    def paths(self) -> list[Path]:
        """Files that hold the rows now."""
        larger = self._counted()
        return [*self._loose(), *larger, *([self._index] if larger else [])]

    def is_empty(self) -> bool:
        """Whether no trial is finished."""
        return not self._loose() and not self._counted()

    def n_loose(self) -> int:
        """Count the small files."""
        return len(self._loose())

    def _loose(self) -> list[Path]:
        return sorted(self._trials.glob("[!.]*.parquet"))

    def _counted(self) -> list[Path]:
        """Larger files that count, the newest last.

        Raises
        ------
        StudyError
            ``rows.json`` cannot be read, or another version of the platform wrote it.
        """
        try:
            index = json.loads(self._index.read_text(encoding="utf-8"))
            version, names = index["version"], list(index["files"])
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(f"expected a list of row files in {self._index}, found {error}: restore it") from error
        if version != ROWS_VERSION:
            raise StudyError(
                f"expected version {ROWS_VERSION} in {self._index}, found {version}: use the brainalign that wrote it"
            )
        return [self._rows / name for name in names]

    def read(self, place: str) -> TrialRow | None:
        """Read the row of one place; None while it is not done."""
        for _ in range(_TRIES):
            path = self._path(place)
            try:
                return TrialRow.from_table(read_table(path))[0]
            except FileNotFoundError:
                pass
            try:
                return self._read_larger(place)
            except FileNotFoundError:  # a compaction passed between the two looks
                continue
        raise self._unsteady()

    def _read_larger(self, place: str) -> TrialRow | None:
        for path in reversed(self._counted()):
            larger = _load(str(path))
            if place in larger.where:
                return TrialRow.from_table(larger.table.slice(larger.where[place], 1))[0]
        return None

    def read_all(self) -> list[TrialRow]:
        """Read all rows, ordered by place."""
        for _ in range(_TRIES):
            try:
                rows = TrialRow.from_table(self._table()[0])
            except FileNotFoundError:
                continue
            return sorted(rows, key=lambda row: (row.model, row.kind, row.arm, row.part, row.number))
        raise self._unsteady()

    def _table(self) -> tuple[pa.Table, dict[Path, tuple[int, int]]]:
        """All rows without doubles, and the small files among them with what tells a rewritten one."""
        loose = {path: _stamp(path) for path in self._loose()}
        small = [read_table(path) for path in loose]
        larger = [_load(str(path)) for path in self._counted()]
        taken: set[str] = set()
        parts = []
        for table, where in [
            *((one, _places(one)) for one in small),
            *((one.table, one.where) for one in larger[::-1]),
        ]:
            fresh = [index for place, index in where.items() if place not in taken]
            taken |= where.keys()
            parts.append(table if len(fresh) == table.num_rows else table.take(pa.array(fresh, pa.int64())))
        return pa.concat_tables(parts, promote_options="default") if parts else TRIAL_SCHEMA.empty_table(), loose

    def compact(self, least: int) -> bool:
        """Take the small files into a larger one where there are at least so many; True where it was done.

        Only one process may do it at a time: the holder of the study's lease.

        Raises
        ------
        StudyError
            The disk is full or read-only; all rows are where they were.
        """
        self._sweep()
        if self.n_loose() < max(least, 1):
            return False
        table, loose = self._table()
        number = 1 + max((int(path.stem) for path in self._rows.glob("[0-9]*.parquet")), default=0)
        target = self._rows / f"{number:06d}.parquet"
        write_atomically(target, lambda temporary: pq.write_table(table, temporary))
        write_json(self._index, {"version": ROWS_VERSION, "files": [target.name]})
        for path, stamp in loose.items():
            if _stamp(path) == stamp:  # one that was written again meanwhile stays
                path.unlink()
        self._sweep()
        return True

    def _sweep(self) -> None:
        """Delete larger files that do not count: an older one, or one whose writer died before it counted."""
        for path in {*self._rows.glob("*.parquet")} - {*self._counted()}:
            path.unlink(missing_ok=True)

    def _unsteady(self) -> StudyError:
        return StudyError(f"expected the rows in {self._rows.parent} to stand still, found them moving: try again")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _places(table: pa.Table) -> dict[str, int]:
    names = [name for name in ("model", "kind", "arm", "number", "part", "repeat") if name in table.column_names]
    columns = (table[name].to_pylist() for name in names)
    return {place_name(*place): index for index, place in enumerate(zip(*columns, strict=True))}


@lru_cache(maxsize=4)
def _load(path: str) -> _Larger:
    """Read a larger file; its name never stands for other rows, so it is kept."""
    table = read_table(Path(path))
    return _Larger(table, _places(table))
