"""Any problems as JSON lines: premises, conclusion, label, and if wanted a reasoning type and a category."""

import json
from pathlib import Path

from brainalign.artifacts import write_atomically
from brainalign.errors import InputError
from brainalign.stimuli.problems import ALL_REASONING_TYPES, Problem, ProblemSet
from brainalign.stimuli.readers.records import Record


def plain_problem(record: Record) -> Problem:
    """Read an item with ``premises`` (a list), ``conclusion`` and ``label``.

    Raises
    ------
    InputError
        A field is missing, or the reasoning type is unknown.
    """
    reasoning_type = record.fields.get("reasoning_type", "other")
    if reasoning_type not in ALL_REASONING_TYPES:
        raise InputError(
            f"expected a reasoning_type of {', '.join(ALL_REASONING_TYPES)} in {record.place}, found "
            f"{reasoning_type!r}: 'other' is for everything else"
        )
    return Problem.of(
        reasoning_type,
        record.texts("premises"),
        record.text("conclusion"),
        label=record.key("label"),
        category=str(record.fields.get("category", "")),
    )


def write_problems(path: Path | str, problems: ProblemSet) -> None:
    """Write a set so that `read_problems` gives the same problems back, ids included."""
    names = ("stimulus_id", "reasoning_type", "premises", "conclusion", "label", "category")
    lines = [json.dumps({name: getattr(p, name) for name in names}, ensure_ascii=False) + "\n" for p in problems]

    def write(file: Path) -> None:
        file.write_text("".join(lines), encoding="utf-8")

    write_atomically(Path(path), write)
