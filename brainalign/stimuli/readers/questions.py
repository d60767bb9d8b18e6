"""Questions that are no True/False problems, for what steering breaks elsewhere: BIG-Bench Hard, MMLU, BLiMP.

References
----------
BIG-Bench Hard: Suzgun et al. 2022, arXiv:2210.09261. MMLU: Hendrycks et al. 2021, arXiv:2009.03300. BLiMP: Warstadt et
al. 2020, arXiv:1912.00582.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from brainalign.errors import InputError
from brainalign.stimuli.readers.records import Record, read_records

_LETTERED = re.compile(r"^(\([A-Z]\)) ", re.M)
_DASHED = re.compile(r"^- (.+?)\s*$", re.M)
_OPTIONS = "\nOptions:\n"


@dataclass(frozen=True)
class Question:
    """A question with a closed set of answers.

    Attributes
    ----------
    task : str
        BIG-Bench task, or MMLU subject.
    prompt : str
        The question, with its options where it lists them.
    choices : tuple of str
        What may be answered.
    answer : int
        Place of the right choice.
    """

    task: str
    prompt: str
    choices: tuple[str, ...]
    answer: int


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences, one of which is good; a model passes if it finds that one likelier.

    Attributes
    ----------
    task : str
        BLiMP paradigm.
    good, bad : str
    """

    task: str
    good: str
    bad: str


def read_questions(path: Path | str) -> tuple[Question, ...]:
    """Read a task of BIG-Bench Hard (``.json``) or questions of MMLU (``.jsonl``).

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        A field is missing, or the answer is none of the choices; file and item are named.
    """
    file = Path(path)
    records = read_records(file)
    if not records[0].has("input"):
        return tuple(_lettered(record) for record in records)
    targets = tuple(sorted({record.text("target").strip() for record in records}))
    return tuple(_open(record, file.stem, targets) for record in records)


def read_minimal_pairs(path: Path | str) -> tuple[MinimalPair, ...]:
    """Read minimal pairs of BLiMP.

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        A field is missing; file and line are named.
    """
    return tuple(
        MinimalPair(record.text("UID"), record.text("sentence_good"), record.text("sentence_bad"))
        for record in read_records(Path(path))
    )


def _lettered(record: Record) -> Question:
    choices = record.texts("choices")
    letters = [chr(ord("A") + place) for place in range(len(choices))]
    return _question(record, record.text("subject"), record.text("question"), choices, letters)


def _open(record: Record, task: str, targets: tuple[str, ...]) -> Question:
    prompt = record.text("input")
    _, _, options = prompt.partition(_OPTIONS)
    choices = _LETTERED.findall(options) or _DASHED.findall(options) or list(targets)
    return _question(record, task, prompt, choices, choices)


def _question(record: Record, task: str, prompt: str, choices: list[str], keys: list[str]) -> Question:
    name = "target" if record.has("target") else "answer"
    answer = record.text(name).strip()
    if answer not in keys:
        raise InputError(
            f"expected one of {', '.join(keys)} in the field {name!r} of {record.place}, found {answer!r}: "
            "correct the answer key or leave the item out"
        )
    return Question(task, prompt, tuple(choices), keys.index(answer))
