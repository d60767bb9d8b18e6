"""Settings of a training: what is refused, and how many steps there are."""

import pytest

from brainalign.errors import InputError
from brainalign.finetuning.training_config import Execution, TrainingConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_epochs": 0}, r"expected a n_epochs of at least 1, found 0"),
        ({"batch_size": 1.5}, r"expected a batch_size of at least 1, found 1\.5"),
        ({"patience": 0}, r"expected a patience of at least 1"),
        ({"schedule": "step"}, r"expected a schedule of cosine, constant, found 'step'"),
        ({"learning_rate": float("nan")}, r"expected a learning rate above 0, found nan"),
        ({"clip": -1.0}, r"expected a clip of at least 0, found -1\.0"),
        ({"warmup": 2.0}, r"expected a warmup from 0 to 1, found 2\.0"),
    ],
)
def test_settings_that_no_training_can_run_with(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TrainingConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"zero_stage": 4}, r"expected a ZeRO stage from 0 to 3, found 4"),
        ({"zero_stage": 2, "offload": True}, r"expected ZeRO stage 3 with off-load, found 2"),
        ({"zero_stage": 3, "diagnose_every": 1}, r"expected a ZeRO stage below 3 for gradients by loss"),
        ({"n_workers": 0}, r"expected a n_workers of at least 1"),
    ],
)
def test_executions_that_no_engine_carries_out(settings: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Execution(**settings)


def test_the_last_batch_of_an_epoch_is_a_step_too() -> None:
    config = TrainingConfig(n_epochs=3, batch_size=10, warmup=0.5)
    assert config.n_steps(21) == 9
    assert config.n_warmup_steps(21) == 4
    assert TrainingConfig(n_epochs=1, warmup=0.0).n_warmup_steps(14) == 2
