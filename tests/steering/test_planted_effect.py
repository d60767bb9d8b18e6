"""Betas that carry the right answer must be found to help, and betas that do not must not."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray

from brainalign.activations import PrefilledPrompts, extract, prefill
from brainalign.betas import ROIS, SimulatorConfig, simulate_dataset, simulated_problems
from brainalign.steering import NariConfig, assemble, compare, run_nari
from brainalign.stimuli import own_wording
from brainalign.zoo import load_model

LAYER = 2
CONFIG = NariConfig(layers=(LAYER,), roi="md", alpha=2.0, learning_rate=0.05, n_steps=100)


def true_direction(prompts: PrefilledPrompts, states: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean gradient of the margin by finite differences: where attention outputs go to make the model say True."""
    n_problems, width = states.shape
    step = float(states.std())
    moved = torch.eye(width).repeat(n_problems, 1)[:, None] * step
    rows = np.repeat(np.arange(n_problems), width)
    margins = prompts.answer(rows, (LAYER,), moved).margin.reshape(n_problems, width)
    unmoved = prompts.answer(np.arange(n_problems), (LAYER,), torch.zeros(n_problems, 1, width)).margin
    return np.asarray((margins - unmoved[:, None]).mean(axis=0) / step, dtype=np.float64)


def search(*, planted: bool, seed: int) -> dict[str, pa.Table]:
    config = SimulatorConfig(
        n_subjects=6,
        n_problems_per_type=40,
        n_voxels=dict.fromkeys(ROIS, 60),
        noise_ceiling=0.8,
        subject_spread=0.02,
        planted_effect=planted,
        planted_share=0.8,
        seed=seed,
    )
    model, problems = load_model("tiny-random-llama"), simulated_problems(config)
    activations = extract(model, problems, own_wording())
    prompts = prefill(model, problems, own_wording(), first_layer=0)
    states = activations.site("attention", LAYER)
    dataset = simulate_dataset(config, states, true_direction(prompts, states))
    inputs = assemble(activations, dataset, prompts, roi=CONFIG.roi)
    return {
        arm: run_nari(inputs, CONFIG, arm, ("planted", seed)) for arm in ("guided", "random_direction", "random_betas")
    }


@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_effect_is_found(seed: int) -> None:
    tables = search(planted=True, seed=seed)
    for control in ("random_direction", "random_betas"):
        assert compare(tables["guided"], tables[control]).interval.low > 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_without_one_guidance_is_no_better_than_chance(seed: int) -> None:
    tables = search(planted=False, seed=seed)
    for control in ("random_direction", "random_betas"):
        interval = compare(tables["guided"], tables[control]).interval
        assert interval.low < 0 < interval.high
