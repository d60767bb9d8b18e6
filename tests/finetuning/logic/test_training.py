"""The adapter's training, small: its losses, its restarts, and a model that is as before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brainalign.errors import TrainingError
from brainalign.finetuning import hash_weights
from brainalign.finetuning.logic.plan import Plan
from brainalign.finetuning.logic.training import Adapter, train_adapter
from brainalign.zoo import LanguageModel, load_model

PLAN = Plan((3,), n_blocks=12, n_epochs=2, n_each=1, learning_rate=3e-3, start=0.25, width=0.5, rank=8)
LOSSES = [3.389, 1.513, 0.960, 0.940]  # means of six steps each


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


def run(model: LanguageModel, folder: Path, plan: Plan = PLAN) -> tuple[Adapter, list[int]]:
    steps: list[int] = []
    found = train_adapter(model, plan, 0, folder, lambda step, loss, seconds: steps.append(step))
    return found, steps


def test_losses_of_two_dozen_steps(model: LanguageModel, tmp_path: Path) -> None:
    before = hash_weights(model.module)
    found, steps = run(model, tmp_path)
    losses = np.array([step.loss for step in found.record.steps])
    assert steps == list(range(1, PLAN.n_steps + 1))
    assert losses.reshape(4, 6).mean(axis=1) == pytest.approx(LOSSES, abs=0.02)
    assert found.seconds > 0
    assert {name.split(".")[2] for name in found.weights} == {"1", "2"}
    assert hash_weights(model.module) == before


def test_a_training_that_was_stopped_goes_on_where_it_was(model: LanguageModel, tmp_path: Path) -> None:
    plan = replace(PLAN, n_blocks=3)
    whole, _ = run(model, tmp_path / "whole", plan)

    def stop(step: int, loss: float, seconds: float) -> None:
        if step == plan.n_blocks + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_adapter(model, plan, 0, tmp_path / "stopped", stop)
    found, steps = run(model, tmp_path / "stopped", plan)
    assert steps == list(range(plan.n_blocks + 1, plan.n_steps + 1))
    assert found.record.steps == whole.record.steps
    assert all((found.weights[name] == value).all() for name, value in whole.weights.items())


def test_a_checkpoint_of_another_plan_is_refused(model: LanguageModel, tmp_path: Path) -> None:
    short = replace(PLAN, n_blocks=2, n_epochs=1)
    run(model, tmp_path, short)
    with pytest.raises(TrainingError, match="found"):
        run(model, tmp_path, replace(short, learning_rate=1e-4))
