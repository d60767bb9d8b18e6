"""People's answers to problems, one row an answer, from public experiments."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from brainalign.errors import InputError
from brainalign.stimuli.problems import ReasoningType
from brainalign.stimuli.readers.public import child_problem, spatial_problem
from brainalign.stimuli.readers.records import Record, read_records

Factor = str | int | bool | None


@dataclass(frozen=True)
class HumanAnswer:
    """One answer.

    Attributes
    ----------
    person : str
    item : str
        Stimulus id of the problem, as `read_problems` gives it; the code of a syllogism where nine answers are offered.
    reasoning_type : str
    category : str
    label : bool or None
        The right answer, None where the task is not True or False.
    premise_order : int or None
        As the experiment numbers it, None where it was not varied.
    correct : bool
    response_s : float or None
        Time to the answer in seconds, None without an answer.
    """

    person: str
    item: str
    reasoning_type: ReasoningType
    category: str
    label: bool | None
    premise_order: int | None
    correct: bool
    response_s: float | None


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers.

    Attributes
    ----------
    accuracy : float
    n_answers, n_people : int
    """

    accuracy: float
    n_answers: int
    n_people: int


@dataclass(frozen=True)
class HumanAnswers:
    """Answers of one experiment.

    Attributes
    ----------
    answers : tuple of HumanAnswer
    n_dropped : int
        Answers left out since their item contradicts itself or leaves the answer open.
    """

    answers: tuple[HumanAnswer, ...]
    n_dropped: int = 0

    def __len__(self) -> int:
        return len(self.answers)

    def __iter__(self) -> Iterator[HumanAnswer]:
        return iter(self.answers)

    def accuracy_by(self, *factors: str) -> dict[tuple[Factor, ...], Accuracy]:
        """Accuracy in each cell of some factors, over all answers; no factor gives one cell, the empty tuple.

        Parameters
        ----------
        *factors : str
            Names of attributes of `HumanAnswer`, such as ``"premise_order"`` or ``"item", "label"``.

        Raises
        ------
        InputError
            An answer has no such attribute.
        """
        unknown = [name for name in factors if name not in HumanAnswer.__dataclass_fields__]
        if unknown:
            known = ", ".join(HumanAnswer.__dataclass_fields__)
            raise InputError(f"expected factors among {known}, found {', '.join(unknown)}: choose among them")
        cells: dict[tuple[Factor, ...], list[HumanAnswer]] = defaultdict(list)
        for answer in self.answers:
            cells[tuple(getattr(answer, name) for name in factors)].append(answer)
        return {
            cell: Accuracy(sum(a.correct for a in found) / len(found), len(found), len({a.person for a in found}))
            for cell, found in sorted(cells.items(), key=lambda entry: str(entry[0]))
        }


def read_people(path: Path | str) -> HumanAnswers:
    """Read people's answers: children in the scanner, spatial verification, or choices among nine conclusions.

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        The file is of another experiment, or a row lacks a field.
    """
    records = read_records(Path(path))
    for names, read_answer in _FORMATS:
        if records[0].has(*names):
            answers = [read_answer(record) for record in records]
            kept = tuple(answer for answer in answers if answer is not None)
            return HumanAnswers(kept, len(answers) - len(kept))
    raise InputError(
        f"expected people's answers with their correctness in {path}, found the fields {', '.join(records[0].fields)}: "
        "give trials of the children's study, or spatial or syllogism responses"
    )


def _child(record: Record) -> HumanAnswer | None:
    problem = child_problem(record)
    if problem is None:
        return None
    time = record.fields.get("response_time") or ""
    return HumanAnswer(
        person=record.text("participant"),
        item=problem.stimulus_id,
        reasoning_type=problem.reasoning_type,
        category=problem.category,
        label=problem.label,
        premise_order=None,
        correct=record.key("accuracy" if record.has("accuracy") else "correct"),
        response_s=_seconds(record, time) if time else None,
    )


def _spatial(record: Record) -> HumanAnswer | None:
    problem = spatial_problem(record)
    if problem is None:
        return None
    order = record.fields.get("premise order effect")
    return HumanAnswer(
        person=record.text("id"),
        item=problem.stimulus_id,
        reasoning_type=problem.reasoning_type,
        category=problem.category,
        label=problem.label,
        premise_order=int(order) if order else None,
        correct=record.key("lastcorrect" if record.has("lastcorrect") else "response_correct"),
        response_s=_seconds(record, record.text("questionTime")) / 1000,
    )


def _syllogism(record: Record) -> HumanAnswer:
    code = record.text("code")
    return HumanAnswer(
        person=f"{record.text('study')}/{record.text('participant')}",
        item=code,
        reasoning_type="syllogisms",
        category=code,
        label=None,
        premise_order=None,
        correct=record.key("correct"),
        response_s=None,
    )


def _seconds(record: Record, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"expected a response time in {record.place}, found {text!r}: correct it") from error


_FORMATS: tuple[tuple[tuple[str, ...], Callable[[Record], HumanAnswer | None]], ...] = (
    (("participant", "task", "premise1", "accuracy"), _child),
    (("id", "task", "choices", "lastcorrect"), _spatial),
    (("id", "task", "choices", "response_correct"), _spatial),
    (("study", "participant", "code", "correct"), _syllogism),
)
