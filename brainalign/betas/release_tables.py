"""Read the release's pickled tables: the problems and the subjects' answers.

The pickles are opened by an unpickler that builds tables and nothing else.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainalign.errors import InputError
from brainalign.stimuli import Problem, contradicts, entails

_SENTENCES = ("premise1", "premise2", "premise3", "conclusion")
_TYPE_OF_TASK = {"Syllogisms": "syllogisms", "Transitive": "transitive"}
_SAFE_CLASSES = {
    ("builtins", "slice"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("pandas", "DataFrame"),
    ("pandas", "Index"),
    ("pandas", "RangeIndex"),
    ("pandas._libs.internals", "_unpickle_block"),
    ("pandas.core.frame", "DataFrame"),
    ("pandas.core.indexes.base", "Index"),
    ("pandas.core.indexes.base", "_new_Index"),
    ("pandas.core.indexes.range", "RangeIndex"),
    ("pandas.core.internals.managers", "BlockManager"),
}


class _TableUnpickler(pickle.Unpickler):
    """Build pandas tables of plain values; any other class in the file is refused."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 renamed its core package; files written before name the old one.
        module = module.replace("numpy.core.", "numpy._core.", 1)
        if (module, name) not in _SAFE_CLASSES:
            raise pickle.UnpicklingError(f"{module}.{name}, which is no part of a plain table")
        return super().find_class(module, name)


def read_items(path: Path) -> list[Problem]:
    """Read all problems in the row order of the betas, the contradictory ones included.

    Parameters
    ----------
    path : Path
        ``task_items.pkl``: run to table with three premises, a conclusion and ``trial_type``.

    Raises
    ------
    InputError
        The file is no such table, or a label is not what logic says.
    """
    runs = _read_tables(path)
    problems = [
        _problem(run, dict(zip(columns, row, strict=True)), path)
        for run, table in sorted(runs.items())
        for columns, rows in [_rows(table, (*_SENTENCES, "trial_type"), path)]
        for row in rows
    ]
    for problem in problems:
        if not contradicts(problem.premises) and entails(problem.premises, problem.conclusion) != problem.label:
            raise InputError(
                f"expected trial_type to say whether the conclusion follows, found {problem.category} for "
                f"{problem.premises} => {problem.conclusion!r} in {path}: correct the file"
            )
    return problems


def read_answers(path: Path) -> dict[str, dict[str, bool]]:
    """Read who solved which problem: subject to stimulus id to whether the answer was right.

    Answers are matched to problems by their sentences, for subjects heard the runs in different orders. A missing
    answer (NaN) counts as not right.

    Parameters
    ----------
    path : Path
        ``events.pkl``: subject to run to table with the sentences and ``accuracy``.

    Raises
    ------
    InputError
        The file is no such table.
    """
    subjects = _read_tables(path)
    answers: dict[str, dict[str, bool]] = {}
    for subject, runs in subjects.items():
        if not isinstance(runs, Mapping):
            raise InputError(f"expected runs of {subject} in {path}, found {type(runs).__name__}: restore the file")
        answers[subject] = {}
        for run, table in runs.items():
            columns, rows = _rows(table, (*_SENTENCES, "accuracy"), path)
            for row in rows:
                cells = dict(zip(columns, row, strict=True))
                problem = _problem(run, {**cells, "trial_type": ""}, path)
                answers[subject][problem.stimulus_id] = cells["accuracy"] == 1
    return answers


def _read_tables(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as handle:
            tables = _TableUnpickler(handle).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError, TypeError) as error:
        raise InputError(f"expected pickled tables in {path}, found {error}: restore the release's file") from error
    if not isinstance(tables, dict):
        raise InputError(f"expected a dict of tables in {path}, found {type(tables).__name__}: restore the file")
    return tables


def _rows(table: Any, columns: tuple[str, ...], path: Path) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    missing = [column for column in columns if column not in getattr(table, "columns", ())]
    if missing:
        raise InputError(f"expected columns {columns} in each table of {path}, found no {missing[0]}: restore the file")
    return columns, list(zip(*(table[column].tolist() for column in columns), strict=True))


def _problem(run: str, cells: Mapping[str, Any], path: Path) -> Problem:
    reasoning_type = next((name for task, name in _TYPE_OF_TASK.items() if task in run), None)
    if reasoning_type is None:
        raise InputError(f"expected runs of {' or '.join(_TYPE_OF_TASK)} in {path}, found {run!r}: restore the file")
    category = str(cells["trial_type"])
    premises = [str(cells[name]) for name in _SENTENCES[:-1]]
    return Problem.of(
        reasoning_type,  # type: ignore[arg-type]
        premises,
        str(cells["conclusion"]),
        label="true" in category,
        category=category,
    )
