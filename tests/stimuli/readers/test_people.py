"""People's answers: files made here, the real ones against their published accuracies."""

from pathlib import Path

import pytest

from brainalign.errors import InputError
from brainalign.stimuli import read_people, read_problems

SPATIAL = "id,task,choices,logicallycorrect,premise order effect,response_correct,questionTime\n"


def test_answers_of_people_and_their_accuracy(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text(
        SPATIAL
        + "p1,Left;A;B/Left;B;C,Left;A;C,1,1,True,1500\n"
        + "p1,Right;A;B/Right;B;C,Left;A;C,0,2,False,2500\n"
        + "p2,Left;A;B/Left;B;C,Left;A;C,1,1,False,500\n"
        + "p2,Left;A;B/Left;A;C,Left;B;C,1,3,True,500\n"
    )
    people = read_people(path)
    assert (len(people), people.n_dropped) == (3, 1)  # the last leaves the answer open
    assert [answer.response_s for answer in people] == [1.5, 2.5, 0.5]
    by_order = people.accuracy_by("premise_order")
    assert {cell: (a.accuracy, a.n_answers, a.n_people) for cell, a in by_order.items()} == {
        (1,): (0.5, 2, 2),
        (2,): (0.0, 1, 1),
    }
    assert people.accuracy_by()[()].accuracy == pytest.approx(1 / 3)
    assert {answer.item for answer in people} == set(read_problems(path).ids)
    with pytest.raises(InputError, match="factors among person"):
        people.accuracy_by("belief")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("p1,Left;A;B,Left;A;B,0,1,True,1500", "the answer True in .*line 2, found False"),
        ("p1,Above;A;B,Left;A;B,1,1,True,1500", "line 2, found 'Above;A;B'"),
        ("p1,Left;A;B,Left;A;B,1,1,yes,1500", "'response_correct' of .*line 2, found 'yes'"),
        ("p1,Left;A;B,Left;A;B,1,1,True,fast", "response time in .*line 2"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "some.csv"
    path.write_text(SPATIAL + row + "\n")
    with pytest.raises(InputError, match=message):
        read_people(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("id,task\n1,2\n")
    with pytest.raises(InputError, match="found the fields id, task"):
        read_people(path)


def test_published_effect_of_premise_order(evaluation_folder: Path) -> None:
    people = read_people(evaluation_folder / "human_reasoning_ccobra" / "spatial_4premises.csv")
    assert people.n_dropped == 94  # tasks that do not determine the answer
    accuracy = {cell[0]: round(found.accuracy, 3) for cell, found in people.accuracy_by("premise_order").items()}
    assert accuracy == {1: 0.759, 2: 0.695, 3: 0.725}
    easier = read_people(evaluation_folder / "human_reasoning_ccobra" / "spatial_3premises.csv")
    assert round(easier.accuracy_by()[()].accuracy, 3) == 0.827


def test_published_accuracies_of_children(evaluation_folder: Path) -> None:
    people = read_people(evaluation_folder / "child_reasoning_ds002886" / "trials.csv")
    found = {cell: round(a.accuracy, 3) for cell, a in people.accuracy_by("reasoning_type", "label").items()}
    assert found["syllogisms", True] == 0.908
    assert found["syllogisms", False] == 0.497
    assert found["transitive", False] == 0.528
    assert people.accuracy_by()[()].n_people == 56
    assert len(people) + people.n_dropped == 3528
    assert sum(answer.response_s is None for answer in people) <= 211


def test_published_accuracies_of_syllogisms(evaluation_folder: Path) -> None:
    people = read_people(evaluation_folder / "human_reasoning_ccobra" / "syllogism_responses.csv")
    studies: dict[str, list[bool]] = {}
    for answer in people:
        studies.setdefault(answer.person.partition("/")[0], []).append(answer.correct)
    assert {name: round(sum(right) / len(right), 3) for name, right in studies.items()} == {
        "Ragni2016": 0.414,
        "Veser2018": 0.373,
    }
    assert len(people.accuracy_by("item")) == 64
