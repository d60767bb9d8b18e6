"""Wordings: the release's from its prompts file or from a script that is never run, and our own."""

import dataclasses
import difflib
import json
import pickle
from pathlib import Path

import pytest

from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli import (
    ALL_REASONING_TYPES,
    GENERATED_TYPES,
    Problem,
    generate_problems,
    own_wording,
    read_problems,
    release_wording,
)

SYLLOGISM = Problem.of(
    "syllogisms",
    ["All blemps are odd.", "All odd things are sour.", "Elsa is a blemp."],
    "Elsa is sour.",
    label=True,
    category="3_true_affirm",
)
TRANSITIVE = Problem.of(
    "transitive",
    ["Elsa is ruder than Igor", "Igor is ruder than Ida", "Ida is ruder than Paula", "Paula is ruder than Basil"],
    "Elsa is ruder than Basil",
    label=True,
    category="4_true_affirm",
)

# A script of the release's shape with other texts; running it would fail.
SCRIPT = """
raise SystemExit("a script of somebody else was run")
GREETING = "You are an expert in greeting people."
first = "You are an expert. I show three premises about pseudowords. " + "Say 'True' or 'False'."
second = ("You are an expert. I show three premises with comparative words. "
          "Say 'True' or 'False'.")
for row in rows:
    messages = [
        {"role": "user", "content": first},
        {"role": "assistant", "content": "Understood. I say 'True' or 'False'."},
        {"role": "user", "content": "Premises:\\n1. %s.\\n2. %s.\\n3. %s.\\nConclusion:\\n%s." % tuple(row)},
    ]
print("Understood.")
"""

EXPECTED = [
    {"role": "user", "content": "You are an expert. I show three premises about pseudowords. Say 'True' or 'False'."},
    {"role": "assistant", "content": "Understood. I say 'True' or 'False'."},
    {
        "role": "user",
        "content": "Premises:\n1. All blemps are odd.\n2. All odd things are sour.\n3. Elsa is a blemp.\n"
        "Conclusion:\nElsa is sour.",
    },
]


def write_script(folder: Path, text: str = SCRIPT) -> Path:
    (folder / "get_activations.py").write_text(text)
    return folder


def test_literals_of_the_script_are_read_without_running_it(tmp_path: Path) -> None:
    wording = release_wording(write_script(tmp_path))
    assert wording.source == "release"
    assert wording.messages(SYLLOGISM) == EXPECTED


@pytest.mark.parametrize(
    "layout",
    [
        'f"Premises:\\n1. {a}.\\n2. {b}.\\n3. {c}.\\nConclusion:\\n{d}."',
        '"Premises:\\n1. {}.\\n2. {}.\\n3. {}.\\nConclusion:\\n{}.".format(*row)',
        '"Premises:\\n1. " + a + ".\\n2. " + b + ".\\n3. " + c + ".\\nConclusion:\\n" + d + "."',
    ],
)
def test_other_ways_to_write_the_layout_give_the_same(tmp_path: Path, layout: str) -> None:
    start = SCRIPT.index('"Premises')
    end = SCRIPT.index("},\n    ]")
    wording = release_wording(write_script(tmp_path, SCRIPT[:start] + layout + SCRIPT[end:]))
    assert wording.messages(SYLLOGISM) == EXPECTED


def test_number_of_premises_is_said_and_all_premises_are_shown(tmp_path: Path) -> None:
    task, _, problem = release_wording(write_script(tmp_path)).messages(TRANSITIVE)
    assert "four premises with comparative words" in task["content"]
    assert "4. Paula is ruder than Basil.\nConclusion:\n" in problem["content"]


def test_prompts_file_and_script_with_the_same_texts_give_one_hash(tmp_path: Path) -> None:
    by_script = release_wording(write_script(tmp_path))
    chat = {
        "instruction": {
            "syllogisms": EXPECTED[0]["content"],
            "transitive": by_script.messages(TRANSITIVE)[0]["content"],
        },
        "acknowledgement": EXPECTED[1]["content"],
        "problem": "Premises:\n1. %s.\n2. %s.\n3. %s.\nConclusion:\n%s.",
    }
    chat["instruction"]["transitive"] = chat["instruction"]["transitive"].replace("four", "three")  # type: ignore[index]
    (tmp_path / "prompts.json").write_text(json.dumps({"chat": chat}))
    (tmp_path / "get_activations.py").unlink()
    by_file = release_wording(tmp_path)
    assert by_file.content_hash == by_script.content_hash
    assert by_file.content_hash != own_wording().content_hash


def test_wording_of_the_real_release_word_for_word(release_folder: Path) -> None:
    if not (release_folder / "prompts.json").is_file():
        pytest.skip("a download of the release has no prompts.json")
    chat = json.loads((release_folder / "prompts.json").read_text())["chat"]
    messages = release_wording(release_folder).messages(SYLLOGISM)
    assert messages[0] == {"role": "user", "content": chat["instruction"]["syllogisms"]}
    assert messages[1] == {"role": "assistant", "content": chat["acknowledgement"]}
    assert messages[2] == {"role": "user", "content": chat["problem"] % (*SYLLOGISM.premises, SYLLOGISM.conclusion)}


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("pseudowords", "words", "one instruction about pseudowords .* found 0"),
        ("Understood. I say", "Fine. I say", "one acknowledgement"),
        ("three premises with", "some premises with", "'three premises' once"),
        ("\\n2. %s.", "\\n2) %s.", "numbered premises"),
        ("print(", "print(((", "Python source"),
        ('print("Understood.")', 'print("Understood. True.")', "found 2"),
    ],
)
def test_a_script_of_another_shape_is_refused(tmp_path: Path, found: str, instead: str, message: str) -> None:
    assert found in SCRIPT
    with pytest.raises(InputError, match=message):
        release_wording(write_script(tmp_path, SCRIPT.replace(found, instead)))


def test_no_texts_at_all_and_a_broken_prompts_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="found neither"):
        release_wording(tmp_path)
    (tmp_path / "prompts.json").write_text('{"chat": {}}')
    with pytest.raises(InputError, match="'instruction'"):
        release_wording(tmp_path)


def test_own_wording_says_all_that_matters_and_varies_with_the_type() -> None:
    wording = own_wording()
    for problem in (SYLLOGISM, TRANSITIVE):
        task, answer, body = wording.messages(problem)
        assert [m["role"] for m in (task, answer, body)] == ["user", "assistant", "user"]
        assert "True" in task["content"]
        assert "False" in task["content"]
        assert {3: "three", 4: "four"}[len(problem.premises)] in task["content"]
        assert all(f"{sentence}." in body["content"] for sentence in (*problem.premises, problem.conclusion))
        assert "{" not in task["content"] + body["content"]
    assert wording.instructions["syllogisms"] != wording.instructions["transitive"]
    assert pickle.loads(pickle.dumps(wording)) == wording  # goes to workers


def test_own_wording_shares_no_sentence_with_the_release(release_folder: Path) -> None:
    own, theirs = own_wording(), release_wording(release_folder)
    for name in ALL_REASONING_TYPES:
        ours, others = own.texts(name).instruction.split(), theirs.texts(name).instruction.split()
        longest = difflib.SequenceMatcher(None, ours, others, autojunk=False).find_longest_match()
        assert longest.size <= 4


def relational(premises: list[str]) -> Problem:
    return Problem.of("relational", premises, "Pictures C and D differ too", label=True, category="")


def test_own_wording_has_all_types_and_hashes_them_apart() -> None:
    wording = own_wording()
    for problem in generate_problems(2, seed=0, reasoning_types=GENERATED_TYPES):
        task, _, body = wording.messages(problem)
        assert "'True'" in task["content"]
        assert all(f"{sentence}." in body["content"] for sentence in (*problem.premises, problem.conclusion))
    assert len({wording.texts(name).instruction for name in ALL_REASONING_TYPES}) == len(ALL_REASONING_TYPES)
    assert len({wording.hash_of([name]) for name in ALL_REASONING_TYPES}) == len(ALL_REASONING_TYPES)
    assert wording.hash_of(["transitive", "other"]) == wording.hash_of(["other", "transitive", "other"])
    assert pickle.loads(pickle.dumps(wording)) == wording


def test_further_types_leave_the_hash_of_the_scanner_texts_alone() -> None:
    wording = own_wording()
    assert dataclasses.replace(wording, others={}).content_hash == wording.content_hash
    assert dataclasses.replace(wording, acknowledgement="Fine.").content_hash != wording.content_hash


def test_a_type_without_texts_is_refused(tmp_path: Path) -> None:
    wording = release_wording(write_script(tmp_path))
    problem = Problem.of("propositional", ["Elsa is odd or Igor is"], "Igor is odd", label=False, category="")
    with pytest.raises(InputError, match="'propositional' in the release wording"):
        wording.messages(problem)
    with pytest.raises(InputError, match="'propositional'"):
        wording.hash_of(["propositional"])


def test_further_types_of_a_prompts_file(tmp_path: Path) -> None:
    chat = {
        "instruction": {"syllogisms": "three premises.", "transitive": "three premises, too."},
        "acknowledgement": "Yes.",
        "problem": "Premises:\n1. %s.\n2. %s.\n3. %s.\nConclusion:\n%s.",
    }
    propositional = {
        "instruction": "I show two premises.",
        "acknowledgement": "Fine.",
        "problem": "Premises:\n1. %s.\n2. %s.\nConclusion:\n%s.",
    }
    pictures = {
        "instruction": "Their shape and texture. Different shapes, different textures.",
        "acknowledgement": "Good.",
        "question": ".\nDo they differ in shape or texture?",
    }
    prompts = {"chat": chat, "propositional": propositional, "hcp_relational": pictures}
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    wording = release_wording(tmp_path)
    arguments = Problem.of("propositional", ["P", "Q"], "R", label=True, category="")
    everyday = Problem.of("other", ["P", "Q", "S", "T"], "R", label=True, category="")
    assert wording.messages(arguments)[0]["content"] == "I show two premises."
    assert wording.messages(arguments)[2]["content"] == "Premises:\n1. P.\n2. Q.\nConclusion:\nR."
    assert wording.messages(everyday)[0]["content"] == "I show four premises."
    plain = relational([f"Image {name}: shape is disc; texture is dots" for name in "ABCD"])
    task, answer, body = (message["content"] for message in wording.messages(plain))
    assert task == pictures["instruction"]
    assert answer == "Good."
    assert body.endswith("4. Image D: shape is disc; texture is dots" + pictures["question"])
    other = relational([f"Image {name}: quality is low; colour is red" for name in "ABCD"])
    task, _, body = (message["content"] for message in wording.messages(other))
    assert task == "Their quality and colour. Different qualities, different colours."
    assert body.endswith("colour is red.\nDo they differ in quality or colour?")
    prompts["propositional"] = {"instruction": "I show two premises."}
    (tmp_path / "prompts.json").write_text(json.dumps(prompts))
    with pytest.raises(InputError, match="'problem'"):
        release_wording(tmp_path)


def test_further_types_of_the_real_release_word_for_word(release_folder: Path) -> None:
    if not (release_folder / "prompts.json").is_file():
        pytest.skip("a download of the release has no prompts.json")
    prompts = json.loads((release_folder / "prompts.json").read_text())
    wording = release_wording(release_folder)
    arguments = read_problems(release_folder / "data" / "deductive_reasoning_data_test_propositional.json")[0]
    messages = [message["content"] for message in wording.messages(arguments)]
    assert messages == [
        prompts["propositional"]["instruction"],
        prompts["propositional"]["acknowledgement"],
        prompts["propositional"]["problem"] % (*arguments.premises, arguments.conclusion),
    ]
    pictures = read_problems(release_folder / "stimuli_mapping_final.jsonl")[0]
    messages = [message["content"] for message in wording.messages(pictures)]
    lines = "\n".join(f"{number}. {said}." for number, said in enumerate(pictures.premises, start=1))
    assert messages == [
        prompts["hcp_relational"]["instruction"],
        prompts["hcp_relational"]["acknowledgement"],
        lines.removesuffix(".") + prompts["hcp_relational"]["question"],
    ]


@pytest.mark.parametrize(("n_premises", "said"), [(1, "one premise and"), (9, "nine premises"), (24, "24 premises")])
def test_number_of_premises_is_said_however_many_there_are(n_premises: int, said: str) -> None:
    premises = [f"Elsa is bolder than Igor{number}" for number in range(n_premises)]
    task, _, body = own_wording().messages(Problem.of("other", premises, "Elsa is odd", label=False, category=""))
    assert said in task["content"]
    assert f"{n_premises}. Elsa is bolder than Igor{n_premises - 1}.\nConclusion:" in body["content"]


def test_base_models_get_the_release_s_own_words_as_one_text(release_folder: Path) -> None:
    if not (release_folder / "prompts.json").is_file():
        pytest.skip("a download of the release has no prompts.json")
    texts = json.loads((release_folder / "prompts.json").read_text())["base"]
    wording = release_wording(release_folder).for_base()
    for problem in (SYLLOGISM, dataclasses.replace(TRANSITIVE, premises=TRANSITIVE.premises[:3])):
        body = texts["problem"] % (*problem.premises, problem.conclusion)
        (message,) = wording.messages(problem)
        assert message == {"role": "user", "content": texts["instruction"][problem.reasoning_type] + body}
    (longer,) = wording.messages(TRANSITIVE)
    assert "Four premises and one conclusion" in longer["content"]
    assert longer["content"].endswith("Answer:\n")
    argument = Problem.of("propositional", ("P", "Q"), "R", label=True, category="")
    (message,) = wording.messages(argument)
    chat = release_wording(release_folder).messages(argument)
    assert message["content"] == f"{chat[0]['content']}\n\n{chat[2]['content']}\nAnswer:\n"


def test_base_texts_are_put_together_from_those_of_the_chat_where_there_are_none() -> None:
    wording = own_wording()
    chat = wording.messages(SYLLOGISM)
    base = wording.for_base()
    assert base.messages(SYLLOGISM) == [
        {"role": "user", "content": f"{chat[0]['content']}\n\n{chat[2]['content']}\nAnswer:\n"}
    ]
    assert base.content_hash != wording.content_hash
    assert base.hash_of(["relational"]) != wording.hash_of(["relational"])


def test_a_broken_part_for_base_models_is_named(tmp_path: Path) -> None:
    chat = {
        "instruction": dict.fromkeys(("syllogisms", "transitive"), "I show three premises."),
        "acknowledgement": "Fine.",
        "problem": "Premises:\n1. %s.\n2. %s.\nConclusion:\n%s.",
    }
    (tmp_path / "prompts.json").write_text(json.dumps({"chat": chat, "base": {"problem": chat["problem"]}}))
    with pytest.raises(InputError, match=r"expected 'instruction' and 'problem' in 'base' .* restore the file"):
        release_wording(tmp_path)


HCP_SCRIPT = """
raise SystemExit("a script of somebody else was run")
task = ("You are an expert in comparing. I describe four images by shape and texture. "
        "Say if the shapes or the textures differ. ")
text = (f"1. Image A: {tell(1)}.\\n" f"2. Image B: {tell(2)}.\\n"
        f"3. Image C: {tell(3)}.\\n" f"4. Image D: {tell(4)}.\\n"
        "Do they differ in shape or texture?")
answer = "Understood. I say 'True' or 'False'."
"""


def test_the_script_of_the_second_data_set_adds_the_texts_of_pictures(tmp_path: Path) -> None:
    (write_script(tmp_path) / "hcp_get_activations.py").write_text(HCP_SCRIPT)
    by_script = release_wording(tmp_path)
    assert by_script.content_hash == release_wording(write_script(tmp_path)).content_hash
    chat = {
        "instruction": {"syllogisms": "three premises.", "transitive": "three premises, too."},
        "acknowledgement": "Yes.",
        "problem": "Premises:\n1. %s.\n2. %s.\n3. %s.\nConclusion:\n%s.",
    }
    pictures = {
        "instruction": "You are an expert in comparing. I describe four images by shape and texture. "
        "Say if the shapes or the textures differ. ",
        "acknowledgement": "Understood. I say 'True' or 'False'.",
        "question": ".\nDo they differ in shape or texture?",
    }
    (tmp_path / "prompts.json").write_text(json.dumps({"chat": chat, "hcp_relational": pictures}))
    assert release_wording(tmp_path).texts("relational") == by_script.texts("relational")
    body = by_script.messages(relational([f"Image {name}: color is red; style is oil" for name in "ABCD"]))[2]
    assert body["content"].endswith("4. Image D: color is red; style is oil.\nDo they differ in color or style?")


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("four images", "four things", "one instruction about images .* found 0"),
        ("3. Image C", "3. Picture C", "one layout of four images and a question"),
        ("Understood", "Fine", "one acknowledgement"),
    ],
)
def test_a_script_of_pictures_of_another_shape_is_refused(
    tmp_path: Path, found: str, instead: str, message: str
) -> None:
    (write_script(tmp_path) / "hcp_get_activations.py").write_text(HCP_SCRIPT.replace(found, instead))
    with pytest.raises(InputError, match=message):
        release_wording(tmp_path)
