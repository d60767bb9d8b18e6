"""The verb's document and its errors; figures are tested where they are reckoned."""

import json

import pytest
from typer.testing import CliRunner

from brainalign.cli.zoo import app
from brainalign.errors import BrainalignError

RUNNER = CliRunner()
LARGE = ["plan", "--model", "llama-3.3-70b", "--gpus", "8x80", "--tokens", "300", "--shared", "150"]


def document(*arguments: str) -> dict[str, object]:
    found = RUNNER.invoke(app, [*arguments, "--json"])
    assert found.exit_code == 0, found.output
    parsed: dict[str, object] = json.loads(found.stdout)
    return parsed


def test_a_large_model_has_a_row_for_each_stage_and_says_what_it_assumes() -> None:
    found = document(*LARGE, "--kind", "narf_label", "--lora", "8")
    stages = found["stages"]
    assert isinstance(stages, list)
    assert [(row["stage"], row["offloaded"]) for row in stages] == [
        (0, False), (1, False), (1, True), (2, False), (2, True), (3, False), (3, True),
    ]  # fmt: skip
    for row in stages:
        parts = ("parameters", "gradients", "optimiser", "activations", "buffers")
        assert row["total_gib"] == pytest.approx(sum(row[f"{part}_gib"] for part in parts))
        assert row["step_s"] > 0
    assert found["smallest"] == {"stage": 3, "offloaded": False}
    assert found["model"] == "llama-3.3-70b-instruct"
    text = " ".join(found["assumptions"])  # type: ignore[arg-type]
    assert "35 % utilisation" in text
    assert "GB/s between GPUs" in text
    assert "300 tokens" in text


def test_steering_is_planned_without_gradients() -> None:
    found = document(*LARGE, "--kind", "nari")
    assert found["smallest"] == {"n_gpus": 2}
    assert "stages" not in found


def test_a_tiny_model_is_measured_beside_its_plan() -> None:
    found = document(
        "plan", "--model", "tiny-random-llama", "--lora", "4", "--gpus", "1x1", "--micro-batch", "2", "--measure"
    )
    measured = found["measured"]
    assert isinstance(measured, dict)
    for name, planned in measured["planned_bytes"].items():
        assert planned == pytest.approx(measured["measured_bytes"][name], rel=0.15), name
    assert measured["resident_bytes"] > measured["measured_bytes"]["activations"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpus", "many"], "expected --gpus as count x GiB"),
        (["--gpus", "1x80", "--kind", "nrf"], "expected --kind among"),
        (["--gpus", "1x80", "--dtype", "int8"], "expected --dtype among"),
        (["--gpus", "1x80", "--tokens", "10", "--shared", "10"], "expected fewer shared tokens"),
        (["--gpus", "1x80", "--tokens", "300", "--measure"], "expected a fine-tuning of a model whose prompts"),
    ],
)
def test_what_cannot_be_planned_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(BrainalignError, match=message):
        RUNNER.invoke(app, ["plan", "--model", "qwen2-7b-instruct", *arguments], catch_exceptions=False)
