"""Records of JSON, JSON lines and tables, each knowing where it stands, so that errors can say so."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainalign.errors import DataNotFoundError, InputError

_KEYS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class Record:
    """One item of a file.

    Attributes
    ----------
    place : str
        File and line, or file and item, as errors name it.
    fields : mapping of str to object
    group : str
        Name of the list that the item stands in, empty where there is but one.
    """

    place: str
    fields: Mapping[str, Any]
    group: str = ""

    def has(self, *names: str) -> bool:
        """Tell whether all these fields are there."""
        return all(name in self.fields for name in names)

    def value(self, name: str) -> Any:
        """Take a field.

        Raises
        ------
        InputError
            It is missing.
        """
        if self.fields.get(name) is None:
            found = ", ".join(map(str, self.fields)) or "no fields"
            raise InputError(f"expected the field {name!r} in {self.place}, found {found}: add it")
        return self.fields[name]

    def text(self, name: str) -> str:
        """Take a field that holds text.

        Raises
        ------
        InputError
            It is missing, empty or no text.
        """
        found = self.value(name)
        if not isinstance(found, str) or not found.strip(" ."):
            raise InputError(f"expected text in the field {name!r} of {self.place}, found {found!r}: write a sentence")
        return found

    def texts(self, name: str) -> list[str]:
        """Take a field that holds a list of texts.

        Raises
        ------
        InputError
            It is missing, empty or no list of texts.
        """
        found = self.value(name)
        if not isinstance(found, list) or not found or not all(isinstance(t, str) and t.strip(" .") for t in found):
            raise InputError(
                f"expected a list of sentences in the field {name!r} of {self.place}, found {found!r}: "
                "write one sentence an entry"
            )
        return found

    def key(self, name: str) -> bool:
        """Take an answer key: true or false, 1 or 0, as such or as text.

        Raises
        ------
        InputError
            It is missing or says neither.
        """
        found = self.value(name)
        if isinstance(found, (bool, int)) and found in (0, 1):
            return bool(found)
        answer = _KEYS.get(found.strip().lower()) if isinstance(found, str) else None
        if answer is None:
            raise InputError(
                f"expected True or False in the field {name!r} of {self.place}, found {found!r}: "
                "correct the answer key or leave the item out"
            )
        return answer


def read_records(path: Path) -> list[Record]:
    """Read all items of a ``.jsonl``, ``.json``, ``.csv`` or ``.tsv`` file.

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        The file is of another kind, cannot be read, or is empty.
    """
    if not path.is_file():
        raise DataNotFoundError(f"expected a file of problems, found nothing at {path}: check the path")
    read = {".jsonl": _lines, ".json": _json, ".csv": _table, ".tsv": _table}.get(path.suffix.lower())
    if read is None:
        raise InputError(f"expected a .jsonl, .json, .csv or .tsv file, found {path}: convert it to JSON lines")
    try:
        records = list(read(path))
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8 text in {path}, found {error}: convert the file") from error
    if not records:
        raise InputError(f"expected items in {path}, found none: give a file that is not empty")
    return records


def _lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                place = f"{path}, line {number}"
                yield Record(place, _object(_parse(line, place), place))


def _json(path: Path) -> Iterator[Record]:
    content = _parse(path.read_text(encoding="utf-8"), str(path))
    groups = content if isinstance(content, dict) else {"": content}
    for group, items in groups.items():
        if not isinstance(items, list):
            if group == "canary":  # of BIG-Bench, beside the list of examples
                continue
            raise InputError(
                f"expected lists of items in {path}, found {type(items).__name__} under {group!r}: restore the file"
            )
        for number, item in enumerate(items, start=1):
            place = f"{path}, item {number}" + (f" of {group!r}" if group else "")
            yield Record(place, _object(item, place), group)


def _table(path: Path) -> Iterator[Record]:
    tabs = path.suffix.lower() == ".tsv"
    with path.open(encoding="utf-8", newline="") as lines:
        # Tab-separated files hold quotation marks that are part of the text.
        rows = csv.DictReader(lines, dialect=_Tabs if tabs else csv.excel)
        for row in rows:
            yield Record(f"{path}, line {rows.line_num}", {name: value for name, value in row.items() if name})


class _Tabs(csv.excel_tab):
    quoting = csv.QUOTE_NONE


def _parse(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"expected JSON in {place}, found {error}: correct it") from error


def _object(item: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise InputError(f"expected a JSON object in {place}, found {type(item).__name__}: write one object an item")
    return item
