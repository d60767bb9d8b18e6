"""The fixed set of general tasks that shows what a change of a model breaks elsewhere.

Read from a folder that holds ``bbh/*.json`` (BIG-Bench Hard), ``mmlu_slice.jsonl`` (MMLU) and ``blimp_slice.jsonl``
(BLiMP minimal pairs) as their authors wrote them. A task that is absent is left out. Of each task the same items are
taken every time, spread evenly over its file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli import MinimalPair, Question, read_minimal_pairs, read_questions

EVALUATION_VARIABLE = "BRAINALIGN_EVALUATION"
FOLDER = "capability_damage"
# Deduction itself: what changes there is transfer, not damage.
DEDUCTION = ("formal_fallacies", "logical_deduction_three_objects")
# Many subjects and paradigms, short items: more of them, so that nearly every one is there.
_MMLU_SHARE, _BLIMP_SHARE = 3, 7
T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """A question as it is put to a model, the words that may answer it, and the place of the right one."""

    question: str
    options: tuple[str, ...]
    answer: int


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
    tasks = [
        DamageTask(path.stem, tuple(_choice(question) for question in _spread(read_questions(path), n_per_task)))
        for path in sorted((root / "bbh").glob("*.json"))
    ]
    mmlu, blimp = root / "mmlu_slice.jsonl", root / "blimp_slice.jsonl"
    if mmlu.is_file():
        questions = _spread(read_questions(mmlu), _MMLU_SHARE * n_per_task)
        tasks.append(DamageTask("mmlu", tuple(_lettered(question) for question in questions)))
    if blimp.is_file():
        tasks.append(DamageTask("blimp", _spread(read_minimal_pairs(blimp), _BLIMP_SHARE * n_per_task)))
    if not tasks:
        raise DataNotFoundError(
            f"expected bbh/*.json, mmlu_slice.jsonl or blimp_slice.jsonl in {root}, found none: name the folder with "
            f"--damage or {EVALUATION_VARIABLE}"
        )
    return tasks


def _choice(question: Question) -> Choice:
    """Ask for a word, or for the letter alone where options are lettered "(A)"."""
    options = tuple(choice.strip("()") for choice in question.choices)
    return Choice(_asking(question.prompt, options), options, question.answer)


def _lettered(question: Question) -> Choice:
    letters = tuple(chr(ord("A") + place) for place in range(len(question.choices)))
    listed = "\n".join(f"({letter}) {text}" for letter, text in zip(letters, question.choices, strict=True))
    return Choice(_asking(f"{question.prompt}\nOptions:\n{listed}", letters), letters, question.answer)


def _asking(question: str, options: Sequence[str]) -> str:
    return f"{question}\n\nAnswer with {', '.join(options[:-1])} or {options[-1]} only."


def _spread(rows: Sequence[T], n_items: int) -> tuple[T, ...]:
    """Pick items at equal distances, so that every part of a file (a subject, a paradigm) is there."""
    places = np.linspace(0, len(rows) - 1, min(n_items, len(rows))).round().astype(int)
    return tuple(rows[place] for place in places.tolist())
