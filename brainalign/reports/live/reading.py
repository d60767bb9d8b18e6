"""Tables of a store through DuckDB, which only ever reads them.

Nothing is copied and nothing is kept open: a query sees the files that count at its moment, also while a study writes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from brainalign.artifacts import TRIAL_SCHEMA, Store
from brainalign.errors import InputError, StudyError

_TRIES = 20
_PLACE = "model, kind, arm, number, part"


@dataclass(frozen=True)
class Reader:
    """Asks questions of a store in SQL.

    Attributes
    ----------
    store : Store
        It is not written to, not even in its files' times.
    """

    store: Store

    def trials(self, study: str, query: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        """Ask a study's finished trials, which are the table ``trials`` with the columns of ``TRIAL_SCHEMA``.

        Parameters
        ----------
        study : str
        query : str
            SQL with ``?`` for values.
        values : sequence

        Raises
        ------
        StudyError
            The files kept moving, or one is damaged.
        """
        duckdb = _duckdb()
        for _ in range(_TRIES):
            paths = [path for path in self.store.trial_paths(study) if path.suffix == ".parquet"]
            try:
                with duckdb.connect(":memory:") as connection:
                    self._make_view(connection, paths)
                    return connection.execute(query, list(values)).df()
            except duckdb.IOException:
                if all(path.is_file() for path in paths):
                    raise
                continue  # taken into a larger file between the two looks
            except duckdb.InvalidInputException as error:
                raise StudyError(f"expected Parquet files of {study}, found {_first_line(error)}: resume it") from error
        raise StudyError(f"expected the trials of {study} to stand still, found them moving: try again")

    def outcomes(self, key: str, query: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        """Ask a result's outcomes, which are the table ``outcomes``; empty where nobody has made the result."""
        path = self.store.result_path(key)
        if not self.store.has_result(key):
            return pd.DataFrame()
        with _duckdb().connect(":memory:") as connection:
            connection.execute(f"CREATE VIEW outcomes AS SELECT * FROM read_parquet({_quoted(path)})")
            return connection.execute(query, list(values)).df()

    def stamp(self, study: str) -> tuple[tuple[str, int, int], ...]:
        """Tell a study's files from those of another moment: names, times and sizes."""
        found = []
        for path in (*self.store.trial_paths(study), self.store.study_folder(study) / "manifest.json"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found.append((path.name, facts.st_mtime_ns, facts.st_size))
        return tuple(found)

    def _make_view(self, connection: Any, paths: Sequence[Path]) -> None:
        """One row a place: of two rows the small file's counts, then the newest larger file's."""
        if not paths:
            connection.register("trials", TRIAL_SCHEMA.empty_table())
            return
        listed = ", ".join(_quoted(path) for path in paths)
        scan = f"read_parquet([{listed}], union_by_name = true, filename = 'file')"
        if len(paths) == 1:
            connection.execute(f"CREATE VIEW trials AS SELECT * FROM {scan}")
            return
        newest = f"PARTITION BY {_PLACE} ORDER BY file LIKE '%/trials/%' DESC, file DESC"
        connection.execute(f"CREATE VIEW trials AS SELECT * FROM {scan} QUALIFY row_number() OVER ({newest}) = 1")


def _duckdb() -> Any:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise InputError("expected duckdb, found none: pip install 'brainalign[dashboard]'") from error
    return duckdb


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
