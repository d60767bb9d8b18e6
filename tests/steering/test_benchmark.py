"""The search's checks are what full forward passes answer."""

import json

import pytest

from brainalign.betas import ROIS, SimulatorConfig, simulate_dataset
from brainalign.steering import NariConfig
from brainalign.steering.benchmark import benchmark_steering
from brainalign.zoo import load_model


@pytest.mark.parametrize("name", ["tiny-random-qwen2", "tiny-random-gemma2"])
def test_same_decisions_as_full_forward_passes(name: str) -> None:
    model = load_model(name)
    dataset = simulate_dataset(SimulatorConfig(n_subjects=2, n_problems_per_type=6, n_voxels=dict.fromkeys(ROIS, 20)))
    config = NariConfig(layers=(1, 3), alpha=3.0, n_steps=20)
    found = benchmark_steering(model, dataset, config, n_timed=12)
    assert found.n_timed == 12
    assert found.n_same == 12
    assert found.largest_difference < 1e-4
    assert found.n_checks >= found.n_pairs > 0
    assert found.full_s == pytest.approx(found.n_checks * found.forward_s)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_a_search_without_pairs_repeats_nothing() -> None:
    model = load_model("tiny-random-llama")
    config = SimulatorConfig(n_subjects=1, n_problems_per_type=4, n_voxels=dict.fromkeys(ROIS, 5), accuracy=0.0)
    found = benchmark_steering(model, simulate_dataset(config), NariConfig(layers=(1,)))
    assert (found.n_pairs, found.n_checks, found.n_timed, found.ratio) == (0, 0, 0, 0.0)
