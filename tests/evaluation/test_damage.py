"""General tasks before and after a change: right answers are counted as a plain forward pass counts them."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from brainalign.activations import edited
from brainalign.errors import DataNotFoundError, InputError
from brainalign.evaluation.damage import begin_of_text, measure_damage, score_task
from brainalign.evaluation.damage_tasks import Choice, DamageTask, read_damage_tasks
from brainalign.stimuli import MinimalPair
from brainalign.zoo import LanguageModel
from tests.activations.plain import plain_logits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A damage set in made-up words, in the files' own formats."""
    root = tmp_path / "capability_damage"
    (root / "bbh").mkdir(parents=True)
    lettered = "Which is a zorb?\nOptions:\n(A) a mup\n(B) a zorb\n(C) a lig"
    dashed = "Is a mup red?\nOptions:\n- Yes \n- No"
    for name, examples in {
        "plain": [{"input": f"Is {n} odd?", "target": "yes" if n % 2 else "no"} for n in range(9)],
        "formal_fallacies": [{"input": lettered, "target": "(B)"}, {"input": dashed, "target": "No"}],
    }.items():
        (root / "bbh" / f"{name}.json").write_text(json.dumps({"canary": "", "examples": examples}))
    mmlu = {"subject": "zorbs", "question": "Who?", "choices": ["Ned", "Max", "Ben", "Tim"], "answer": "C"}
    (root / "mmlu_slice.jsonl").write_text(json.dumps(mmlu) + "\n")
    pairs = [
        {"UID": "number", "sentence_good": f"The {word}s are red.", "sentence_bad": f"The {word}s is red."}
        for word in "abcdef"
    ]
    (root / "blimp_slice.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    return tmp_path


def test_files_are_read_as_their_authors_wrote_them(folder: Path) -> None:
    tasks = {task.name: task for task in read_damage_tasks(folder)}
    assert list(tasks) == ["formal_fallacies", "plain", "mmlu", "blimp"]
    lettered, dashed = tasks["formal_fallacies"].items
    assert isinstance(lettered, Choice)
    assert isinstance(dashed, Choice)
    assert (lettered.options, lettered.answer) == (("A", "B", "C"), 1)
    assert (dashed.options, dashed.answer) == (("Yes", "No"), 1)
    assert tasks["formal_fallacies"].is_deduction
    assert tasks["formal_fallacies"].chance == pytest.approx((1 / 3 + 1 / 2) / 2)
    (question,) = tasks["mmlu"].items
    assert isinstance(question, Choice)
    assert "(C) Ben" in question.question
    assert question.answer == 2
    assert tasks["blimp"].chance == 0.5
    few = {task.name: task for task in read_damage_tasks(folder / "capability_damage", 3)}
    assert few["plain"].items == tuple(tasks["plain"].items[place] for place in (0, 4, 8))


def test_right_answers_are_those_of_plain_passes(model: LanguageModel, folder: Path) -> None:
    tasks = {task.name: task for task in read_damage_tasks(folder)}
    right = score_task(model, tasks["plain"])
    for item, found in zip(tasks["plain"].items, right, strict=True):
        assert isinstance(item, Choice)
        logits = plain_logits(model, model.encode_chat([{"role": "user", "content": item.question}]))
        spelled = [
            {
                model.tokenizer(before + word, add_special_tokens=False)["input_ids"][
                    len(model.tokenizer(before.rstrip(" "), add_special_tokens=False)["input_ids"])
                ]
                for before in ("\n", "x ")
            }
            for word in item.options
        ]
        shared = spelled[0] & spelled[1]
        scores = [max(float(logits[token]) for token in tokens - shared) for tokens in spelled]
        assert found == (int(np.argmax(scores)) == item.answer)


def test_minimal_pairs_are_ranked_by_plain_log_likelihood(model: LanguageModel, folder: Path) -> None:
    (task,) = [task for task in read_damage_tasks(folder) if task.name == "blimp"]

    def plain(text: str) -> float:
        ids = [*begin_of_text(model), *model.tokenizer(text, add_special_tokens=False)["input_ids"]]
        with torch.inference_mode():
            loss = model.module(input_ids=torch.tensor([ids]), labels=torch.tensor([ids]), use_cache=False).loss
        return -float(loss) * (len(ids) - 1)

    expected = [plain(item.good) > plain(item.bad) for item in task.items if isinstance(item, MinimalPair)]
    assert score_task(model, task).tolist() == expected


def test_no_change_damages_nothing_and_a_large_one_does(llama: LanguageModel, folder: Path) -> None:
    tasks = read_damage_tasks(folder)
    still = measure_damage(llama, tasks, lambda: edited(llama, "layer", [1], lambda _, states: states))
    assert [row.task for row in still] == ["formal_fallacies", "plain", "mmlu", "blimp", "mean"]
    assert all(row.before == row.after and row.difference.estimate == 0 for row in still)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, llama.hidden_size)).astype(np.float32))
    moved = {
        row.task: row
        for row in measure_damage(
            llama, tasks, lambda: edited(llama, "layer", [3], lambda _, states: states + 50 * noise)
        )
    }
    changed = [row for row in moved.values() if row.difference.estimate != 0]
    assert changed
    for row in moved.values():
        assert row.difference.estimate == pytest.approx(row.after - row.before)
        assert json.dumps(row.to_json())
    general = [moved[name] for name in ("plain", "mmlu", "blimp")]
    assert moved["mean"].after == pytest.approx(np.mean([row.after for row in general]))
    assert moved["mean"].n == 16


def test_items_beyond_the_context_are_left_out(llama: LanguageModel) -> None:
    long = Choice("very " * 5000, ("yes", "no"), 0)
    task = DamageTask("plain", (Choice("Is 1 odd?", ("yes", "no"), 0), long))
    row = measure_damage(llama, [task], nullcontext)[0]
    assert (row.n, row.n_left_out) == (1, 1)


def test_broken_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="BRAINALIGN_EVALUATION"):
        read_damage_tasks(tmp_path / "nowhere")
    path = folder / "capability_damage" / "mmlu_slice.jsonl"
    path.write_text('{"question": "Who?", "choices": ["a", "b"], "answer": "E"}')
    with pytest.raises(InputError, match="mmlu_slice"):
        read_damage_tasks(folder)
    path.write_text("{")
    with pytest.raises(InputError, match="mmlu_slice"):
        read_damage_tasks(folder)
