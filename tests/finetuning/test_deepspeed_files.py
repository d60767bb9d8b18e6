"""DeepSpeed's files: all are in the package, all are filled in."""

import json
from importlib.resources import files

import pytest

from brainalign.errors import InputError
from brainalign.finetuning import deepspeed_files
from brainalign.finetuning.deepspeed_files import deepspeed_settings
from brainalign.finetuning.training_config import Execution, TrainingConfig

EVERY = [*({"zero_stage": stage} for stage in range(4)), {"zero_stage": 3, "offload": True}]


@pytest.mark.parametrize("execution", EVERY)
@pytest.mark.parametrize("has_bf16", [False, True])
def test_files_are_filled_in(execution: dict[str, int], has_bf16: bool) -> None:
    config = TrainingConfig(n_epochs=10, batch_size=14, learning_rate=3e-4, clip=0.5, final_rate=0.1)
    found = deepspeed_settings(config, Execution(**execution), n_examples=70, has_bf16=has_bf16, has_gpu=False)
    assert found["zero_optimization"]["stage"] == execution["zero_stage"]
    assert ("offload_param" in found["zero_optimization"]) == ("offload" in execution)
    assert found["optimizer"]["params"]["lr"] == 3e-4
    assert found["gradient_clipping"] == 0.5
    assert found["bf16"]["enabled"] is has_bf16
    assert found["scheduler"]["params"]["total_num_steps"] == 52
    assert found["scheduler"]["params"]["warmup_num_steps"] == 5
    assert "auto" not in json.dumps(found)


def test_a_constant_rate_has_no_schedule() -> None:
    config = TrainingConfig(schedule="constant")
    assert "scheduler" not in deepspeed_settings(config, Execution(), n_examples=70, has_bf16=False, has_gpu=False)


def test_every_file_is_read_by_some_execution() -> None:
    folder = files("brainalign.finetuning").joinpath("deepspeed")
    assert {path.name for path in folder.iterdir()} == {
        *(f"zero{stage}.json" for stage in range(4)), "zero3_offload.json"
    }  # fmt: skip


def test_what_a_training_does_not_say_must_stand_in_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepspeed_files, "AUTO", "linear")
    with pytest.raises(InputError, match=r"no 'auto' left in zero0\.json, found it at /scheduler/params/warmup_type"):
        deepspeed_settings(TrainingConfig(), Execution(), n_examples=70, has_bf16=False, has_gpu=False)
