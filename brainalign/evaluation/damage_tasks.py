"""The fixed set of general tasks that shows what a change of a model breaks elsewhere.

Read from a folder that holds ``bbh/*.json`` (BIG-Bench Hard), ``mmlu_slice.jsonl`` (MMLU) and ``blimp_slice.jsonl``
(BLiMP minimal pairs) as their authors wrote them. A task that is absent is left out. Of each task the same items are
taken every time, spread evenly over its file.

References
----------
Suzgun, M. et al. (2023). Challenging BIG-Bench tasks. arXiv 2210.09261
Hendrycks, D. et al. (2021). Measuring massive multitask language understanding. arXiv 2009.03300
Warstadt, A. et al. (2020). BLiMP. TACL 8, 377-392. doi 10.1162/tacl_a_00321
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.errors import DataNotFoundError, InputError

EVALUATION_VARIABLE = "BRAINALIGN_EVALUATION"
FOLDER = "capability_damage"
# Deduction itself: what changes there is transfer, not damage.
DEDUCTION = ("formal_fallacies", "logical_deduction_three_objects")
_OPTION = re.compile(r"^(?:\((?P<letter>[A-Z])\) |- )(?P<text>.*?)\s*$", re.M)


@dataclass(frozen=True)
class Choice:
    """A question and the words that may answer it; `answer` is the place of the right one."""

    question: str
    options: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences of which the good one should be the likelier."""

    good: str
    bad: str


@dataclass(frozen=True)
class DamageTask:
    """A task by its name, and its items, all of one kind."""

    name: str
    items: tuple[Choice, ...] | tuple[MinimalPair, ...]

    @property
    def is_deduction(self) -> bool:
        """Whether it asks for deduction, so that a change is transfer and no damage."""
        return self.name in DEDUCTION

    @property
    def chance(self) -> float:
        """Share of right answers by guessing."""
        return float(np.mean([1 / len(item.options) if isinstance(item, Choice) else 0.5 for item in self.items]))


def read_damage_tasks(folder: Path | str, n_per_task: int = 40) -> list[DamageTask]:
    """Read the damage set.

    Parameters
    ----------
    folder : Path or str
        Folder of the tasks, or the one that holds it as ``capability_damage``.
    n_per_task : int
        Items of each BIG-Bench task at most; three times as many of MMLU, seven times of BLiMP.

    Raises
    ------
    DataNotFoundError
        No task is there.
    InputError
        A file that does not hold what it must.
    """
    if n_per_task < 1:
        raise InputError(f"expected at least 1 item a task, found {n_per_task}: raise it")
    root = Path(folder) / FOLDER if (Path(folder) / FOLDER).is_dir() else Path(folder)
    tasks = [_bbh(path, n_per_task) for path in sorted((root / "bbh").glob("*.json"))]
    # Many subjects and paradigms, short items: more of them, so that nearly every one is there.
    readers = {"mmlu": (_mmlu, 3 * n_per_task), "blimp": (_minimal_pair, 7 * n_per_task)}
    for name, (read, n_items) in readers.items():
        path = root / f"{name}_slice.jsonl"
        if path.is_file():
            items: Any = tuple(_read(path, row, read) for row in _spread(_lines(path), n_items))
            tasks.append(DamageTask(name, items))
    if not tasks:
        raise DataNotFoundError(
            f"expected bbh/*.json, mmlu_slice.jsonl or blimp_slice.jsonl in {root}, found none: name the folder with "
            f"--damage or {EVALUATION_VARIABLE}"
        )
    return tasks


def _bbh(path: Path, n_items: int) -> DamageTask:
    try:
        examples = json.loads(path.read_text(encoding="utf-8"))["examples"]
        targets = tuple(sorted({str(example["target"]).strip() for example in examples}))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected examples of input and target in {path}, found {error!r}: restore the file"
        ) from error
    items = tuple(_read(path, row, lambda row: _bbh_item(row, targets)) for row in _spread(examples, n_items))
    return DamageTask(path.stem, items)


def _bbh_item(row: Mapping[str, str], targets: tuple[str, ...]) -> Choice:
    listed = [match["letter"] or match["text"] for match in _OPTION.finditer(row["input"].partition("Options:")[2])]
    options = tuple(listed) or targets
    return _choice(row["input"], options, options.index(row["target"].strip().strip("()")))


def _mmlu(row: Mapping[str, Any]) -> Choice:
    letters = tuple("ABCD"[: len(row["choices"])])
    listed = "\n".join(f"({letter}) {text}" for letter, text in zip(letters, row["choices"], strict=True))
    return _choice(f"{row['question']}\nOptions:\n{listed}", letters, letters.index(row["answer"]))


def _choice(question: str, options: tuple[str, ...], answer: int) -> Choice:
    named = f"{', '.join(options[:-1])} or {options[-1]}"
    return Choice(f"{question}\n\nAnswer with {named} only.", options, answer)


def _minimal_pair(row: Mapping[str, str]) -> MinimalPair:
    return MinimalPair(row["sentence_good"], row["sentence_bad"])


def _lines(path: Path) -> list[Any]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise InputError(f"expected JSON in line {number} of {path}, found {line[:40]!r}: restore it") from error
    return rows


def _spread(rows: Iterable[Any], n_items: int) -> list[Any]:
    """Pick items at equal distances, so that every part of a file (a subject, a paradigm) is there."""
    every = list(rows)
    places = np.linspace(0, len(every) - 1, min(n_items, len(every))).round().astype(int)
    return [every[place] for place in places.tolist()]


def _read(path: Path, row: Any, read: Any) -> Any:
    try:
        return read(row)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"expected an item with its question and an answer among its options in {path}, found {str(row)[:80]!r} "
            f"({error!r}): mend it"
        ) from error
