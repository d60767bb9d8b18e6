"""Readers of problem sets: files of each shape made here, the real ones against their published counts."""

import collections
import json
from pathlib import Path
from typing import Any

import pytest

from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli import generate_problems, own_wording, read_problems, write_problems

PLAIN = {"premises": ["All blemps are odd.", " Elsa is a blemp . "], "conclusion": "Elsa is odd..", "label": "True"}


def write_lines(path: Path, *items: Any) -> Path:
    path.write_text("".join(f"{json.dumps(item) if not isinstance(item, str) else item}\n" for item in items))
    return path


def test_any_json_lines_are_read_and_have_no_double_stop(tmp_path: Path) -> None:
    items = [PLAIN, {**PLAIN, "conclusion": "Elsa is sour", "label": False, "reasoning_type": "syllogisms"}]
    problems = read_problems(write_lines(tmp_path / "some.jsonl", *items))
    assert [p.reasoning_type for p in problems] == ["other", "syllogisms"]
    assert problems[0].premises == ("All blemps are odd", "Elsa is a blemp")
    assert problems[0].conclusion == "Elsa is odd"
    assert list(problems.labels) == [True, False]
    assert problems.source == "file"
    assert all(".." not in m["content"] for p in problems for m in own_wording().messages(p))


@pytest.mark.parametrize(("key", "label"), [(True, True), (0, False), ("true", True), (" FALSE ", False), ("1", True)])
def test_answer_keys_may_be_spelled_several_ways(tmp_path: Path, key: object, label: bool) -> None:
    assert read_problems(write_lines(tmp_path / "some.jsonl", {**PLAIN, "label": key}))[0].label is label


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"premises": ["It rains"], "label": True}, r"'conclusion' in .*some.jsonl, line 3"),
        ({"premises": ["It rains"], "conclusion": "It is wet"}, r"'label' in .*some.jsonl, line 3"),
        ({"conclusion": "It is wet", "label": True}, r"'premises' in .*some.jsonl, line 3"),
        ({**PLAIN, "premises": "It rains"}, r"list of sentences in the field 'premises' of .*line 3"),
        ({**PLAIN, "premises": ["It rains", " ."]}, r"list of sentences .*line 3"),
        ({**PLAIN, "conclusion": "."}, r"'conclusion' of .*line 3"),
        ({**PLAIN, "label": "Uncertain"}, r"True or False in the field 'label' of .*line 3, found 'Uncertain'"),
        ({**PLAIN, "label": 2}, r"True or False .*line 3, found 2"),
        ({**PLAIN, "label": 0.5}, r"True or False .*line 3, found 0.5"),
        ({**PLAIN, "label": "False"}, r"one label a problem, found True in .*line 1 and False in .*line 3"),
        ({**PLAIN, "reasoning_type": "modal"}, r"reasoning_type .*line 3, found 'modal'"),
        ("{", r"JSON in .*line 3"),
        ("[1]", r"JSON object in .*line 3"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: object, message: str) -> None:
    path = write_lines(tmp_path / "some.jsonl", PLAIN, "", line)
    with pytest.raises(InputError, match=message):
        read_problems(path)


def test_a_first_line_without_premises_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'premises' in .*line 1, found conclusion, label"):
        read_problems(write_lines(tmp_path / "some.jsonl", {"conclusion": "It is wet", "label": True}))


def test_files_that_are_missing_empty_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="check the path"):
        read_problems(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="found none"):
        read_problems(write_lines(tmp_path / "empty.jsonl", ""))
    with pytest.raises(InputError, match=r"\.jsonl, \.json"):
        read_problems(write_lines(tmp_path / "some.txt", PLAIN))
    (tmp_path / "latin.jsonl").write_bytes(b'{"premises": ["caf\xe9"]}')
    with pytest.raises(InputError, match="UTF-8"):
        read_problems(tmp_path / "latin.jsonl")
    with pytest.raises(InputError, match="use read_minimal_pairs"):
        read_problems(write_lines(tmp_path / "pairs.jsonl", {"sentence_good": "a", "sentence_bad": "b"}))


def test_a_problem_that_comes_twice_is_held_once(tmp_path: Path) -> None:
    assert len(read_problems(write_lines(tmp_path / "some.jsonl", PLAIN, {**PLAIN, "conclusion": "Elsa is odd"}))) == 1


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    types = ("syllogisms", "transitive", "propositional", "relational")
    problems = generate_problems(12, seed=0, reasoning_types=types, vocabulary="test")
    write_problems(tmp_path / "own.jsonl", problems)
    assert read_problems(tmp_path / "own.jsonl").problems == problems.problems


def test_release_lists_hold_all_premises(tmp_path: Path) -> None:
    item = {f"premise{n}": f"Elsa{n} is ruder than Elsa{n + 1}." for n in range(1, 7)}
    item |= {"conclusion": "Elsa1 is ruder than Elsa7.", "trial_type": "6_true_affirm"}
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"transitive": [item]}))
    (problem,) = read_problems(path)
    assert len(problem.premises) == 6
    assert (problem.label, problem.category, problem.reasoning_type) == (True, "6_true_affirm", "transitive")
    path.write_text(json.dumps({"transitive": [item, {**item, "trial_type": "6_affirm"}]}))
    with pytest.raises(InputError, match="item 2 of 'transitive', found '6_affirm'"):
        read_problems(path)
    path.write_text(json.dumps({"transitive": [item, {k: v for k, v in item.items() if k != "premise2"}]}))
    with pytest.raises(InputError, match=r"'premise2' in .*item 2 of 'transitive'"):
        read_problems(path)
    path.write_text(json.dumps({"modal": [item]}))
    with pytest.raises(InputError, match="lists named"):
        read_problems(path)


def test_pictures_are_described_by_their_attributes(tmp_path: Path) -> None:
    corners = ("TopLeft", "TopRight", "BottomLeft", "BottomRight")
    values = [("low", "red"), ("high", "red"), ("low", "blue"), ("high", "pink")]
    item = {
        "positions": {c: {"quality": q, "colour": k} for c, (q, k) in zip(corners, values, strict=True)},
        "label": 1,
        "active_attributes": ["quality", "colour"],
    }
    (problem,) = read_problems(write_lines(tmp_path / "some.jsonl", item))
    assert problem.premises[3] == "Image D: quality is high; colour is pink"
    assert problem.label
    del item["positions"]["TopRight"]["colour"]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"two attributes of TopRight in .*line 1"):
        read_problems(write_lines(tmp_path / "some.jsonl", item))


@pytest.mark.parametrize(
    ("name", "n_problems", "n_true", "types"),
    [
        ("data/deductive_reasoning_data_test.json", 1600, 800, {"syllogisms": 800, "transitive": 800}),
        ("data/deductive_reasoning_data_test_6premises.json", 80, 40, {"syllogisms": 40, "transitive": 40}),
        ("data/deductive_reasoning_data_test_propositional.json", 600, 300, {"propositional": 600}),
        ("data/deductive_reasoning_data_val_new.json", 160, 80, {"syllogisms": 80, "transitive": 80}),
        ("data/deductive_reasoning_data_train_32.json", 32, 16, {"syllogisms": 16, "transitive": 16}),
        ("data/relational_test_set.jsonl", 400, 200, {"relational": 400}),
        ("stimuli_mapping_final.jsonl", 96, 48, {"relational": 96}),
    ],
)
def test_real_release(release_folder: Path, name: str, n_problems: int, n_true: int, types: dict[str, int]) -> None:
    problems = read_problems(release_folder / name)
    assert (len(problems), problems.labels.sum(), problems.source) == (n_problems, n_true, "release")
    assert collections.Counter(problems.types.tolist()) == types
    assert not any(sentence.endswith(".") for p in problems for sentence in (*p.premises, p.conclusion))


@pytest.mark.parametrize(
    ("name", "n_problems", "n_true"),
    [
        ("folio/folio-validation.jsonl", 135, 72),
        ("prontoqa/prontoqa_dev.json", 500, 258),
        ("prontoqa/prontoqa_order.jsonl", 860, 428),
        ("neubaroco/NeuBAROCO_NLI.tsv", 780, 250),  # 790 with doubles, 254 of them entailed
        ("child_reasoning_ds002886/items.csv", 70, 46),
        ("child_reasoning_ds002886/trials.csv", 70, 46),
        ("human_reasoning_ccobra/spatial_3premises.csv", 16, 8),
        ("human_reasoning_ccobra/spatial_4premises.csv", 45, 22),
    ],
)
def test_real_evaluation_sets(evaluation_folder: Path, name: str, n_problems: int, n_true: int) -> None:
    problems = read_problems(evaluation_folder / name)
    assert (len(problems), problems.labels.sum()) == (n_problems, n_true)


def test_both_files_of_ontologies_hold_the_same_problems(evaluation_folder: Path) -> None:
    dev = read_problems(evaluation_folder / "prontoqa" / "prontoqa_dev.json")
    ordered = read_problems(evaluation_folder / "prontoqa" / "prontoqa_order.jsonl")
    assert ordered.problems[: len(dev)] == dev.problems


def test_children_heard_the_scanner_problems(evaluation_folder: Path, release_folder: Path) -> None:
    from brainalign.betas import load_betas

    items = read_problems(evaluation_folder / "child_reasoning_ds002886" / "items.csv")
    assert set(items.ids) == set(load_betas(release_folder).problems.ids)
