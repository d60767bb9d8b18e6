"""Read any file of problems: the format shows in the fields."""

from collections.abc import Callable, Iterable
from pathlib import Path

from brainalign.errors import InputError
from brainalign.stimuli.problems import Problem, ProblemSet, ProblemSource
from brainalign.stimuli.readers.jsonl import plain_problem
from brainalign.stimuli.readers.public import (
    child_problem,
    folio_problem,
    judged_problem,
    ontology_problem,
    spatial_problem,
)
from brainalign.stimuli.readers.records import Record, read_records
from brainalign.stimuli.readers.release import deductive_problem, picture_problem, scanner_picture_problem

_ReadItem = Callable[[Record], Problem | None]
# The first format whose fields are all there.
_FORMATS: tuple[tuple[tuple[str, ...], ProblemSource, _ReadItem], ...] = (
    (("premises", "premises-FOL"), "file", folio_problem),
    (("premises", "conclusion"), "file", plain_problem),
    (("sentences", "statement"), "file", ontology_problem),
    (("context", "question", "answer"), "file", ontology_problem),
    (("stimulus_file", "positions"), "release", scanner_picture_problem),
    (("positions", "active_attributes"), "release", picture_problem),
    (("task", "premise1", "label"), "file", child_problem),
    (("premise1", "trial_type"), "release", deductive_problem),
    (("premises_en", "hypothesis_en"), "file", judged_problem),
    (("task", "choices", "korrekt"), "file", spatial_problem),
    (("task", "choices", "logicallycorrect"), "file", spatial_problem),
)
_NO_PROBLEMS = {
    "sentence_good": "these are pairs of sentences: use read_minimal_pairs",
    "input": "these are questions: use read_questions",
    "response": "these are people's answers: use read_people",
    "choices": "these are questions: use read_questions",
}


def read_problems(path: Path | str) -> ProblemSet:
    """Read a set of True/False problems.

    Knows the public release's files (problems of 3 to 6 premises, propositional, relational, the second data set's
    stimuli), FOLIO, PrOntoQA, NeuBAROCO, the children's items and spatial verification, and JSON lines (or a JSON list)
    with ``premises``, ``conclusion`` and ``label``. Items that are not True/False problems, or that the premises leave
    open, are left out; an item that comes twice is held once. Trailing full stops and spaces go.

    Parameters
    ----------
    path : Path or str
        A ``.jsonl``, ``.json``, ``.csv`` or ``.tsv`` file.

    Returns
    -------
    ProblemSet
        In the order of the file.

    Raises
    ------
    DataNotFoundError
        There is no such file.
    InputError
        A field is missing, an answer key is neither True nor False, or one problem has two labels; file and line are
        named.
    """
    file = Path(path)
    records = read_records(file)
    source, read_item = _format(records)
    problems = _each_once((record, read_item(record)) for record in records)
    if not problems:
        raise InputError(f"expected True/False problems in {file}, found none among {len(records)} items: use another")
    return ProblemSet(problems, source)


def _format(records: list[Record]) -> tuple[ProblemSource, _ReadItem]:
    first = records[0]
    for names, source, read_item in _FORMATS:
        if first.has(*names):
            return source, read_item
    for name, advice in _NO_PROBLEMS.items():
        if first.has(name):
            raise InputError(f"expected premises and a conclusion in {first.place}, found {name!r}: {advice}")
    # A record of nothing known is most likely a plain one with a field left out: it says which.
    return "file", plain_problem


def _each_once(found: Iterable[tuple[Record, Problem | None]]) -> tuple[Problem, ...]:
    problems: dict[str, Problem] = {}
    places: dict[str, str] = {}
    for record, problem in found:
        if problem is None:
            continue
        known = problems.setdefault(problem.stimulus_id, problem)
        place = places.setdefault(problem.stimulus_id, record.place)
        if known.label != problem.label:
            raise InputError(
                f"expected one label a problem, found {known.label} in {place} and {problem.label} in {record.place} "
                f"for {problem.conclusion!r}: correct one of them"
            )
    return tuple(problems.values())
