"""Training: what the first dozens of steps give, and that a run that was stopped goes on as if it had not been."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from brainalign.errors import ModelError
from brainalign.zoo.nano.sizes import SIZES
from brainalign.zoo.nano.training import Losses, Plan, Run, advance, begin, train

SMALLEST = SIZES[0]
SHORT = Plan(n_steps=6, n_tokens=400)
# Nats, at the first step and over the last five; matrix products in bfloat16 and float32 give the same to 0.001.
FIRST, LAST, ROLES = 6.042, 2.506, 1.073


class StoppedError(Exception):
    pass


def never(run: Run, losses: list[Losses]) -> None:
    pass


def test_the_loss_of_a_few_dozen_steps() -> None:
    plan, run = Plan(), begin(SMALLEST, Plan(), 0)
    losses = [advance(run, plan, SMALLEST, 0) for _ in range(24)]
    answers = np.array([[found.answer for found in step] for step in losses]).mean(axis=1)
    roles = np.array([[found.role for found in step] for step in losses]).mean(axis=1)
    assert answers[0] == pytest.approx(FIRST, abs=0.02)
    assert answers[-5:].mean() == pytest.approx(LAST, abs=0.02)
    assert roles[-5:].mean() == pytest.approx(ROLES, abs=0.01)


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    def stop(run: Run, losses: list[Losses]) -> None:
        if run.step == 5:
            raise StoppedError

    whole = train(SMALLEST, SHORT, 3, tmp_path / "whole", never)
    with pytest.raises(StoppedError):
        train(SMALLEST, SHORT, 3, tmp_path / "stopped", stop, save_every=2)
    seen: list[int] = []
    resumed = train(SMALLEST, SHORT, 3, tmp_path / "stopped", lambda run, losses: seen.append(run.step))
    assert seen == [5, 6]
    assert resumed.n_chats == whole.n_chats > 0
    for name, value in whole.weights.items():
        assert torch.equal(value, resumed.weights[name]), name
    again = train(SMALLEST, SHORT, 3, tmp_path / "whole", pytest.fail)
    assert again.step == 6


def test_checkpoints_of_others_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    short = replace(SHORT, n_steps=1)
    train(SMALLEST, short, 3, tmp_path, never)
    with pytest.raises(ModelError, match="expected a checkpoint of this size, plan and seed"):
        train(SMALLEST, short, 4, tmp_path, never)
    (checkpoint,) = tmp_path.glob("*.checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelError, match="expected a whole checkpoint"):
        train(SMALLEST, short, 3, tmp_path, never)


def test_the_curriculum_ends_with_all_orders_lengths_and_polarities() -> None:
    plan = Plan()
    early = [plan.batch(step, "transitive", 0) for step in range(20)]
    late = [plan.batch(step, "transitive", 0) for step in range(plan.n_steps - 30, plan.n_steps)]
    assert {batch.n_each for batch in early} == {9}
    sizes = [{batch.n_shared for batch in batches if batch.n_shared < 50} for batches in (early, late)]
    assert sizes == [{27}, {27, 33, 39, 45}]
    rates = [plan.rate(step) for step in range(plan.n_steps)]
    assert max(rates) == 1
    assert rates[0] < 0.1
    assert 0 < rates[-1] < 0.02
