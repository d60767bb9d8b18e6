"""Operations against torch's own counter, and how communication grows with ZeRO's stages."""

from dataclasses import replace

import pytest
from torch.utils.flop_counter import FlopCounterMode

from brainalign.finetuning import trainable
from brainalign.finetuning.forward import run_forward
from brainalign.planning.shape import ModelShape
from brainalign.planning.step_time import Machine, communicated_bytes, step_flops, step_time
from brainalign.planning.training_memory import TrainingSetting, n_trained, stage_memory
from brainalign.zoo import load_model
from tests.planning.measured import TINY, prompts, settings, sizes
from tests.planning.test_training_memory import FULL, SETTING, SHAPE


def test_operations_are_those_that_torch_counts() -> None:
    model = load_model(TINY)
    shape = ModelShape.from_config(model.module.config.to_dict())
    config, step = settings(model.n_layers, "narf_label", None, "float32", False)
    with trainable(model, config), FlopCounterMode(display=False) as counter:
        outputs = run_forward(model, prompts(), config.layers, site="attention", answers=True)
        (outputs.logits.square().mean() + outputs.states.square().mean()).backward()
    planned = step_flops(shape, TrainingSetting("narf_label", step, sizes(), 1, 80.0))
    assert planned == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_one_gpu_sends_nothing_and_stage_three_sends_the_weights() -> None:
    assert communicated_bytes(SHAPE, SETTING.step, 3, 1, 4) == 0
    low, high = (communicated_bytes(SHAPE, SETTING.step, stage, 8, 1) for stage in (1, 3))
    assert low == pytest.approx(2 * 2 * n_trained(SHAPE, SETTING.step) * 7 / 8)
    assert high > 2 * 2 * SHAPE.n_parameters * 7 / 8
    assert communicated_bytes(SHAPE, SETTING.step, 3, 8, 4) == 4 * high


def test_time_falls_with_utilisation_and_rises_with_offload() -> None:
    memory = stage_memory(SHAPE, FULL, 3, offloaded=False)
    slow, fast = (step_time(SHAPE, FULL, memory, Machine(utilisation=share), 1) for share in (0.2, 0.4))
    assert slow.compute_s == pytest.approx(2 * fast.compute_s)
    assert slow.communication_s == fast.communication_s
    assert slow.offload_s == 0
    moved = step_time(SHAPE, FULL, stage_memory(SHAPE, FULL, 3, offloaded=True), Machine(), 1)
    assert moved.offload_s > 0
    assert moved.total_s == moved.compute_s + moved.communication_s + moved.offload_s


def test_checkpointing_costs_a_forward_pass_of_the_layers_that_train() -> None:
    plain = replace(SETTING, step=replace(SETTING.step, checkpointing=False))
    ratio = step_flops(SHAPE, SETTING) / step_flops(SHAPE, plain)
    assert ratio == pytest.approx((80 + 60 + 60) / (80 + 60), rel=0.02)
