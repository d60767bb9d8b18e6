"""`brainalign zoo train-nano`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainalign.cli.zoo import app
from brainalign.errors import ModelError
from brainalign.zoo.facts import LoadOptions
from brainalign.zoo.nano.model import read_model
from brainalign.zoo.nano.sizes import SIZES


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
