"""ZeRO's shares, what fits, and what is chosen."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from brainalign.planning.activation_bytes import PassSetting
from brainalign.planning.prompt_sizes import PromptSizes
from brainalign.planning.shape import ModelShape
from brainalign.planning.training_memory import (
    GIB,
    TrainingSetting,
    all_stages,
    n_trained,
    smallest_that_fits,
    stage_memory,
)
from brainalign.zoo.recorded import recorded

SHAPE = ModelShape.from_config(recorded("llama-3.3-70b-instruct").config)
STEP = PassSetting(tuple(range(20, 60)), 8, True, True, "bfloat16", True)
SETTING = TrainingSetting("narf_label", STEP, PromptSizes.assumed(14, 300, 150), 8, 80.0)
FULL = replace(SETTING, step=replace(STEP, rank=None))


def test_trained_numbers_are_those_of_the_facts() -> None:
    assert n_trained(SHAPE, STEP) == 16_384_000
    assert n_trained(SHAPE, FULL.step) == pytest.approx(6.04e9, rel=0.001)


def test_each_stage_shares_one_thing_more() -> None:
    zero = [stage_memory(SHAPE, FULL, stage, offloaded=False) for stage in range(4)]
    assert zero[1].optimiser * 8 == zero[0].optimiser == 12 * n_trained(SHAPE, FULL.step)
    assert zero[1].gradients == zero[0].gradients == 6 * n_trained(SHAPE, FULL.step)
    assert zero[2].gradients * 8 == 4 * n_trained(SHAPE, FULL.step)
    assert zero[3].parameters * 8 == zero[2].parameters == 2 * SHAPE.n_parameters
    assert zero[0].parameters / GIB == pytest.approx(131.42, abs=0.01)


def test_offload_moves_bytes_to_the_host_and_loses_none() -> None:
    for stage in (1, 2, 3):
        on, off = (stage_memory(SHAPE, FULL, stage, offloaded=offloaded) for offloaded in (False, True))
        assert off.total + off.host == on.total
        assert off.total < on.total
    assert stage_memory(SHAPE, FULL, 3, offloaded=True).parameters == 0


def test_seventy_billion_need_stage_three_on_eight_gpus_and_nothing_helps_on_small_ones() -> None:
    chosen = smallest_that_fits(tuple(all_stages(SHAPE, SETTING)))
    assert chosen is not None
    assert (chosen.stage, chosen.offloaded) == (3, False)
    assert smallest_that_fits(tuple(all_stages(SHAPE, replace(SETTING, n_gpus=1, gpu_gib=6.0)))) is None
    tight = smallest_that_fits(tuple(all_stages(SHAPE, replace(SETTING, n_gpus=2, gpu_gib=24.0))))
    assert tight is not None
    assert (tight.stage, tight.offloaded) == (3, True)


def test_a_small_model_needs_no_stage_and_float32_no_second_copy() -> None:
    shape = ModelShape.from_config(recorded("smollm2-135m").config)
    step = PassSetting(tuple(range(7, 22)), 8, True, True, "float32", False)
    setting = TrainingSetting("narf_label", step, SETTING.sizes, 1, 24.0)
    stages = tuple(all_stages(shape, setting))
    chosen = smallest_that_fits(stages)
    assert chosen is not None
    assert chosen.stage == 0
    assert stages[0].optimiser == 8 * n_trained(shape, step)
    assert stages[0].gradients == 4 * n_trained(shape, step)


def test_the_arithmetic_imports_no_torch() -> None:
    code = (
        "import json, sys; import brainalign.planning.training_memory, brainalign.planning.step_time, "
        "brainalign.planning.inference_memory; print(json.dumps('torch' in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) is False
