"""Items of public sets: FOLIO, PrOntoQA, NeuBAROCO, children's fMRI items, spatial verification.

Each reader gives None for an item that is no True/False problem.

References
----------
FOLIO: Han et al. 2022, arXiv:2209.00840. PrOntoQA: Saparov and He 2023, arXiv:2210.01240. NeuBAROCO: Ozeki et al. 2024,
arXiv:2408.04403. Children: Lytle, Prado and Booth 2020, doi:10.18112/openneuro.ds002886.v1.1.0.
"""

import re
from itertools import permutations

from brainalign.errors import InputError
from brainalign.stimuli.logic import contradicts
from brainalign.stimuli.problems import Problem, ReasoningType
from brainalign.stimuli.readers.records import Record

_SENTENCE_END = re.compile(r"(?<=\.)\s+")
_QUESTION = "Is the following statement true or false?"
_OPTIONS = {"A": True, "B": False}
_TASKS: dict[str, ReasoningType] = {"Syllogisms": "syllogisms", "Transitive": "transitive"}
_SIDES = {"Left": "left", "Right": "right"}
_JUDGEMENTS = {"entailment": True, "neutral": False, "contradiction": False}


def folio_problem(record: Record) -> Problem | None:
    """Read an item of FOLIO; those that are uncertain are no True/False problems."""
    if record.text("label") in ("Uncertain", "Unknown"):
        return None
    return Problem.of(
        "other", record.texts("premises"), record.text("conclusion"), label=record.key("label"), category="folio"
    )


def ontology_problem(record: Record) -> Problem:
    """Read an item of PrOntoQA, with its context as one text or split into sentences."""
    if record.has("sentences"):
        category = f"{record.value('hops')}_hops"
        return Problem.of(
            "other", record.texts("sentences"), record.text("statement"), label=record.key("answer"), category=category
        )
    answer = record.text("answer")
    if answer not in _OPTIONS:
        raise InputError(f"expected answer A or B in {record.place}, found {answer!r}: correct the answer key")
    statement = record.text("question").removeprefix(_QUESTION)
    premises = _SENTENCE_END.split(record.text("context").strip())
    return Problem.of("other", premises, statement, label=_OPTIONS[answer], category="5_hops")


def judged_problem(record: Record) -> Problem:
    """Read an item of NeuBAROCO: the label is whether the conclusion is entailed; its category is what it is about."""
    gold = record.text("gold")
    if gold not in _JUDGEMENTS:
        raise InputError(f"expected gold of {', '.join(_JUDGEMENTS)} in {record.place}, found {gold!r}: correct it")
    return Problem.of(
        "propositional" if record.text("inference-type") == "propositional" else "other",
        _SENTENCE_END.split(record.text("premises_en").strip()),
        record.text("hypothesis_en"),
        label=_JUDGEMENTS[gold],
        category=record.text("content-type"),
    )


def child_problem(record: Record) -> Problem | None:
    """Read an item that children heard in the scanner; None if its premises contradict themselves."""
    task = record.text("task")
    if task not in _TASKS:
        raise InputError(f"expected a task of {', '.join(_TASKS)} in {record.place}, found {task!r}: correct it")
    premises = [record.text(f"premise{number}") for number in (1, 2, 3)]
    problem = Problem.of(
        _TASKS[task],
        premises,
        record.text("conclusion"),
        label=record.key("label"),
        category=record.text("trial_type"),
    )
    return None if contradicts(problem.premises) else problem


def spatial_problem(record: Record) -> Problem | None:
    """Read an item of spatial verification; None if its premises leave the answer open.

    Raises
    ------
    InputError
        The answer key is not what the premises say.
    """
    premises = [_relation(record, said) for said in record.text("task").split("/")]
    asked = _relation(record, record.text("choices"))
    label = record.key("korrekt" if record.has("korrekt") else "logicallycorrect")
    found = _on_a_line(premises, asked)
    if found is None:
        return None
    if found != label:
        raise InputError(f"expected the answer {found} in {record.place}, found {label}: correct the answer key")
    sentences = [f"{one} is {side} of {other}" for side, one, other in (*premises, asked)]
    order = record.fields.get("premise order effect")
    return Problem.of("other", sentences[:-1], sentences[-1], label=label, category=f"order_{order}" if order else "")


def _relation(record: Record, said: str) -> tuple[str, str, str]:
    parts = said.split(";")
    if len(parts) != 3 or parts[0] not in _SIDES:
        raise InputError(f"expected 'Left;A;B' or 'Right;A;B' in {record.place}, found {said!r}: correct it")
    return _SIDES[parts[0]], parts[1], parts[2]


def _on_a_line(premises: list[tuple[str, str, str]], asked: tuple[str, str, str]) -> bool | None:
    """Try all arrangements on a line: True or False if the question is so in all that fit, else None."""
    things = sorted({thing for _, one, other in (*premises, asked) for thing in (one, other)})
    answers = set()
    for line in permutations(things):
        held = [(line.index(one) < line.index(other)) == (side == "left") for side, one, other in (*premises, asked)]
        if all(held[:-1]):
            answers.add(held[-1])
    return answers.pop() if len(answers) == 1 else None
