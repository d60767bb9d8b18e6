"""The engine on one process: plain torch's steps, states that fit every stage, a model that is left alone."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from brainalign.errors import InputError
from brainalign.finetuning import NarfConfig, hash_weights, trainable
from brainalign.finetuning.deepspeed_files import deepspeed_settings
from brainalign.finetuning.engine import Engine, TrainedState, double, has_bf16
from brainalign.finetuning.process_group import join_group
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo import LanguageModel, load_model
from tests.finetuning.plain import largest_difference, rate

CONFIG = TrainingConfig(n_epochs=4, batch_size=8, learning_rate=1e-3, clip=1.0, weight_decay=0.1)
FULL = NarfConfig(layers=(1, 2), train_weight=0.0, label_loss_weight=1.0, lora_rank=None)
IDS = torch.arange(4, 24)[None]


@pytest.fixture
def model() -> LanguageModel:
    return load_model("tiny-random-llama")


def loss(model: LanguageModel, number: int) -> torch.Tensor:
    found: torch.Tensor = model.module(input_ids=IDS + number, labels=IDS + number, use_cache=False).loss / 2
    return found


def start(model: LanguageModel, execution: Execution, state: TrainedState | None = None) -> Engine:
    settings = deepspeed_settings(CONFIG, execution, n_examples=8, has_bf16=has_bf16(model), has_gpu=False)
    return Engine(model, settings, join_group(torch.device("cpu")), state)


def steps(engine: Engine, numbers: range) -> Iterator[tuple[float, float]]:
    for number in numbers:
        for micro in range(2):
            engine.backward(loss(engine.model, number + micro), is_last=micro == 1)
        yield engine.step(number)


def plain_steps(
    model: LanguageModel, parameters: NarfConfig = FULL
) -> tuple[dict[str, torch.Tensor], list[tuple[float, float]]]:
    with trainable(model, parameters) as trained:
        optimizer = torch.optim.AdamW(trained.parameters, weight_decay=CONFIG.weight_decay)
        course = []
        for number in range(4):
            optimizer.zero_grad()
            sum(loss(model, number + micro) for micro in range(2)).backward()  # type: ignore[union-attr]
            norm = torch.nn.utils.clip_grad_norm_(trained.parameters, CONFIG.clip)
            optimizer.param_groups[0]["lr"] = rate(CONFIG, number, 4)
            optimizer.step()
            course.append((float(norm), rate(CONFIG, number, 4)))
        return {name: parameter.detach().clone() for name, parameter in trained.named.items()}, course


EXECUTIONS = [Execution(zero_stage=stage) for stage in range(4)]


@pytest.mark.parametrize("execution", [*EXECUTIONS, Execution(zero_stage=3, offload=True)], ids=str)
def test_steps_are_those_of_plain_torch(model: LanguageModel, execution: Execution) -> None:
    expected, course = plain_steps(model)
    before = hash_weights(model.module)
    with trainable(model, FULL):
        engine = start(model, execution)
        found = list(steps(engine, range(4)))
        state = engine.state(4)
        engine.close()
    for (norm, made), (expected_norm, expected_rate) in zip(found, course, strict=True):
        assert norm == pytest.approx(expected_norm, rel=1e-5)
        assert made == pytest.approx(expected_rate, rel=1e-9)
    assert largest_difference(dict(state.weights), expected) < 2e-6
    assert hash_weights(model.module) == before


@pytest.mark.parametrize(("first", "then"), [(0, 3), (3, 1), (1, 2), (2, 0)])
def test_a_state_goes_on_in_any_stage(model: LanguageModel, first: int, then: int) -> None:
    with trainable(model, FULL):
        engine = start(model, Execution(zero_stage=first))
        list(steps(engine, range(2)))
        half = engine.state(2)
        list(steps(engine, range(2, 4)))
        expected = engine.state(4)
        engine.close()
        engine = start(model, Execution(zero_stage=then), half)
        assert largest_difference(engine.weights(), dict(half.weights)) == 0
        list(steps(engine, range(2, 4)))
        found = engine.state(4)
        engine.close()
    assert largest_difference(dict(found.weights), dict(expected.weights)) < 1e-6
    for moment, values in expected.moments.items():
        assert largest_difference(dict(found.moments[moment]), dict(values)) < 1e-6
        assert max(float(value.abs().max()) for value in values.values()) > 0


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_bfloat16_keeps_weights_in_full_precision(stage: int) -> None:
    model = load_model("tiny-random-llama", dtype="bfloat16")
    with trainable(model, FULL):
        engine = start(model, Execution(zero_stage=stage))
        list(steps(engine, range(2)))
        half = engine.state(2)
        list(steps(engine, range(2, 4)))
        expected = engine.weights()
        engine.close()
        engine = start(model, Execution(zero_stage=stage), half)
        list(steps(engine, range(2, 4)))
        found = engine.weights()
        engine.close()
    name = next(iter(expected))
    assert not torch.equal(expected[name], expected[name].bfloat16().float())
    assert largest_difference(found, expected) == 0
    in_full, _ = plain_steps(load_model("tiny-random-llama"))
    assert largest_difference(found, in_full) < 0.02


@pytest.mark.parametrize("stage", [0, 2, 3])
def test_adapters_on_a_bfloat16_base_are_stepped_in_float32(stage: int) -> None:
    model = load_model("tiny-random-qwen3", dtype="bfloat16")
    before = hash_weights(model.module)
    adapters = replace(FULL, lora_rank=2)
    expected, course = plain_steps(model, adapters)
    with trainable(model, adapters):
        engine = start(model, Execution(zero_stage=stage))
        norms = [norm for norm, _ in steps(engine, range(4))]
        found = engine.weights()
        types = {parameter.dtype for parameter in engine.plain.module.parameters()}
        engine.close()
    assert types == {torch.bfloat16, torch.float32}
    assert norms == pytest.approx([norm for norm, _ in course], rel=2e-3)  # the passes round to bfloat16
    # AdamW makes a whole step of the sign of a gradient near zero, which that rounding turns.
    assert max(float((found[name] - expected[name]).abs().mean()) for name in expected) < 2e-5
    assert hash_weights(model.module) == before


def test_other_types_are_refused() -> None:
    half = load_model("tiny-random-llama", dtype="float16")
    with (
        trainable(half, FULL),
        pytest.raises(InputError, match=r"found torch\.float16: load it as one"),
    ):
        start(half, Execution())
    bf16 = load_model("tiny-random-llama", dtype="bfloat16")
    with (
        trainable(bf16, FULL),
        pytest.raises(InputError, match=r"expected a ZeRO stage of 1 to 3 to train weights in bfloat16, found 0"),
    ):
        start(bf16, Execution())


def test_nothing_to_train(model: LanguageModel) -> None:
    with pytest.raises(InputError, match=r"expected parameters of tiny-random-llama to train, found none"):
        start(model, Execution())


def test_a_double_shares_what_is_frozen(model: LanguageModel) -> None:
    model = replace(model, module=load_model("tiny-random-qwen2").module)  # its head is its embedding
    with trainable(model, FULL) as trained:
        copied = double(model.module)
        pairs = dict(copied.named_parameters(remove_duplicate=False))
        for name, parameter in model.module.named_parameters(remove_duplicate=False):
            assert (pairs[name].data_ptr() == parameter.data_ptr()) == (name not in trained.named), name
            assert pairs[name] is not parameter
            assert torch.equal(pairs[name], parameter)
        assert copied.lm_head.weight is copied.model.embed_tokens.weight  # type: ignore[union-attr]


@pytest.mark.parametrize("stage", [0, 2, 3])
def test_a_closed_engine_holds_no_weights(model: LanguageModel, stage: int) -> None:
    with trainable(model, FULL):
        engine = start(model, Execution(zero_stage=stage))
        list(steps(engine, range(1)))
        held = [weakref.ref(parameter) for parameter in engine.plain.module.parameters()]
        engine.close()
    del engine
    gc.collect()
    left = [parameter() for parameter in held]
    assert sum(p.numel() + getattr(p, "ds_tensor", p).numel() for p in left if p is not None) == 0


def test_torch_has_its_own_linear_function_back_after_stage_3(model: LanguageModel) -> None:
    own = torch.nn.functional.linear
    with trainable(model, FULL):
        engine = start(model, Execution(zero_stage=3))
        assert torch.nn.functional.linear is not own  # or there is nothing to give back
        engine.close()
    assert torch.nn.functional.linear is own
