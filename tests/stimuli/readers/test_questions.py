"""Readers of general questions and minimal pairs."""

import collections
import json
from pathlib import Path

import pytest

from brainalign.errors import InputError
from brainalign.stimuli import read_minimal_pairs, read_questions


def test_options_are_found_in_the_question_or_else_among_the_answers(tmp_path: Path) -> None:
    path = tmp_path / "some_task.json"
    listed = "Which?\nOptions:\n(A) one\n(B) two"
    path.write_text(json.dumps({"canary": "x", "examples": [{"input": listed, "target": "(B)"}]}))
    (question,) = read_questions(path)
    assert (question.task, question.prompt, question.choices, question.answer) == (
        "some_task",
        listed,
        ("(A)", "(B)"),
        1,
    )
    dashed = "Is it?\nOptions:\n- valid \n- invalid"
    path.write_text(json.dumps({"examples": [{"input": dashed, "target": "invalid"}]}))
    assert read_questions(path)[0].choices == ("valid", "invalid")
    path.write_text(json.dumps({"examples": [{"input": "A?", "target": "yes"}, {"input": "B?", "target": "no"}]}))
    assert [(q.choices, q.answer) for q in read_questions(path)] == [(("no", "yes"), 1), (("no", "yes"), 0)]
    path.write_text(json.dumps({"examples": [{"input": listed, "target": "(C)"}]}))
    with pytest.raises(InputError, match=r"item 1 of 'examples', found '\(C\)'"):
        read_questions(path)


def test_lettered_answers(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    item = {"subject": "sums", "question": "1 + 1?", "choices": ["1", "2", "3", "4"], "answer": "B"}
    path.write_text(json.dumps(item))
    (question,) = read_questions(path)
    assert question.choices[question.answer] == "2"
    path.write_text(json.dumps({**item, "answer": "E"}))
    with pytest.raises(InputError, match=r"'answer' of .*line 1, found 'E'"):
        read_questions(path)


def test_pairs(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_text(json.dumps({"UID": "agreement", "sentence_good": "They are.", "sentence_bad": "They is."}))
    assert [(p.task, p.good, p.bad) for p in read_minimal_pairs(path)] == [("agreement", "They are.", "They is.")]
    path.write_text(json.dumps({"UID": "agreement", "sentence_good": "They are."}))
    with pytest.raises(InputError, match=r"'sentence_bad' in .*line 1"):
        read_minimal_pairs(path)


def test_published_counts(evaluation_folder: Path) -> None:
    folder = evaluation_folder / "capability_damage"
    letters = collections.Counter("ABCD"[q.answer] for q in read_questions(folder / "mmlu_slice.jsonl"))
    assert letters == {"A": 135, "B": 133, "C": 145, "D": 157}
    expected = {
        "boolean_expressions": {"True": 135, "False": 115},
        "causal_judgement": {"Yes": 97, "No": 90},
        "formal_fallacies": {"valid": 133, "invalid": 117},
        "logical_deduction_three_objects": {"(B)": 86, "(C)": 84, "(A)": 80},
        "navigate": {"No": 145, "Yes": 105},
        "sports_understanding": {"no": 135, "yes": 115},
    }
    for task, targets in expected.items():
        questions = read_questions(folder / "bbh" / f"{task}.json")
        assert collections.Counter(q.choices[q.answer] for q in questions) == targets
    paradigms = collections.Counter(p.task for p in read_minimal_pairs(folder / "blimp_slice.jsonl"))
    assert len(paradigms) == 67
    assert set(paradigms.values()) == {20}
