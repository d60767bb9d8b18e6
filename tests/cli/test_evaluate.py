"""`brainalign evaluate` and its benchmark as a user types them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from brainalign.evaluation import answer_metrics
from brainalign.steering.vectors import SteeringVectors, read_vectors
from brainalign.stimuli import (
    OrderPlan,
    ProblemSet,
    generate_problems,
    own_wording,
    premise_orders,
    write_problems,
)
from brainalign.zoo import load_model
from tests.activations.plain import plain_answer, plain_logits
from tests.evaluation.conftest import longer

MODEL = "tiny-random-qwen2"
PROMISED = {
    "accuracy",
    "balanced_accuracy",
    "by_type",
    "n_prompts",
    "n_distinct",
    "worst_order",
    "all_orders",
    "flip_rate",
    "invalid",
    "shortcut",
    "intervals",
    "errors",
}


def brainalign(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "brainalign.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(autouse=True)
def _no_named_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINALIGN_EVALUATION", raising=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file of twelve problems, one of which no context holds."""
    problems = generate_problems(6, seed=8)
    bad = longer(problems[0], (*problems[0].premises, f"Ned is {' '.join(['very'] * 5000)} red"))
    path = tmp_path / "problems.jsonl"
    write_problems(path, ProblemSet((*problems, bad), "generated"))
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Steering vectors of the tiny model."""
    model = load_model(MODEL)
    values = np.random.default_rng(0).standard_normal((1, model.hidden_size)).astype(np.float32)
    made = SteeringVectors(model.facts.name, model.weights_hash, model.n_layers, (2,), values)
    return made.save(tmp_path / "vectors.safetensors")


def test_evaluate_prints_what_it_promises(data: Path) -> None:
    found = brainalign("evaluate", "--model", MODEL, "--data", str(data), "--orders", "all", "--json")
    facts = json.loads(found.stdout)
    assert set(facts) >= PROMISED
    assert (facts["n_prompts"], facts["n_problems"], len(facts["errors"])) == (72, 12, 1)
    assert "4096 tokens" in facts["errors"][0]["error"]
    assert set(facts["by_type"]) == set(facts["shortcut"]) == {"syllogisms", "transitive"}
    assert facts["intervals"]["accuracy"]["estimate"] == facts["accuracy"]


def test_steered_answers_are_those_of_plain_passes(data: Path, vectors: Path) -> None:
    asked = ("evaluate", "--model", MODEL, "--data", str(data), "--orders", "forward", "--json")
    facts = json.loads(brainalign(*asked, "--steer", str(vectors), "--strength", "3").stdout)
    model, wording = load_model(MODEL), own_wording()
    added = 3 * read_vectors(vectors).to_dict()[2]
    problems = generate_problems(6, seed=8)
    logits = [
        plain_logits(model, model.encode_chat(wording.messages(order.apply(problem))), (2,), added[None])
        for problem in problems
        for order in premise_orders(problem, OrderPlan("forward"))
    ]
    plain = answer_metrics([plain_answer(model, row) for row in logits], problems.labels)
    assert (facts["accuracy"], facts["share_true"]) == (plain.accuracy, plain.share_true)
    assert "damage" not in facts
    unsteered = json.loads(brainalign(*asked).stdout)
    assert (
        json.loads(brainalign(*asked, "--steer", str(vectors), "--strength", "0").stdout)["by_type"]
        == (unsteered["by_type"])
    )


def test_damage_and_people_stand_beside(data: Path, vectors: Path, tmp_path: Path) -> None:
    pairs = [
        {"UID": "number", "sentence_good": f"The {w}s are red.", "sentence_bad": f"The {w}s is red."} for w in "ab"
    ]
    (tmp_path / "blimp_slice.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    asked = ("evaluate", "--model", MODEL, "--data", str(data), "--orders", "sample:3", "--steer", str(vectors))
    found = brainalign(*asked, "--damage", str(tmp_path), "--people", "--simulate", "--json")
    facts = json.loads(found.stdout)
    assert [(row["task"], row["n"]) for row in facts["damage"]] == [("blimp", 2), ("mean", 2)]
    assert {"by_category", "people", "model", "consistency"} <= set(facts["people"])
    assert facts["sampling_error"]["accuracy"] >= 0
    shown = brainalign(*asked, "--damage", str(tmp_path), "--people", "--simulate")
    for words in ("surface", "General tasks", "Beside people (simulated)", "kappa", "By Kendall's tau"):
        assert words in shown.stdout
    assert "left out:" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--orders", "backwards"), "sample:N"),
        (("--data", "/nowhere.jsonl"), "/nowhere.jsonl"),
        (("--steer", "/nowhere.safetensors"), "/nowhere.safetensors"),
        (("--model", "tiny-random-llama", "--steer", "VECTORS"), "tiny-random-qwen2"),
        (("--steer", "VECTORS", "--strength", "nan"), "finite strength"),
    ],
)
def test_a_mistake_is_one_line(data: Path, vectors: Path, arguments: tuple[str, ...], message: str) -> None:
    named = [str(vectors) if word == "VECTORS" else word for word in arguments]
    found = brainalign("evaluate", "--model", MODEL, "--data", str(data), *named)
    assert found.returncode == 2, found.stderr
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_bench_orders_prints_a_ratio() -> None:
    facts = json.loads(brainalign("bench", "orders", "--model", MODEL, "--smoke", "--json").stdout)
    assert facts["ratio"] == pytest.approx(facts["plain_s"] / facts["tree_s"])
    assert (facts["n_premises"], facts["n_prompts"], facts["n_same"]) == (4, 48, 32)
    assert facts["n_tokens"] > 3 * facts["n_tokens_computed"]
