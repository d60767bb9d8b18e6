"""Where a training runs: here, or on workers of Ray Train, one of which is killed."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brainalign.errors import TrainingError
from brainalign.finetuning import hash_weights
from brainalign.finetuning.distributed import trained
from brainalign.finetuning.training import Training
from brainalign.finetuning.training_config import Execution
from tests.finetuning.examples import tiny
from tests.finetuning.plain import NAMES, largest_difference, train_plainly
from tests.finetuning.test_training import Spoilt
from tests.finetuning.trainings import CONFIG, PARAMETERS, Killing, guided

ROOT = Path(__file__).resolve().parents[2]


def trained_weights() -> dict[str, torch.Tensor]:
    named = tiny().module.named_parameters()
    return {name: parameter.detach().clone() for name, parameter in named if parameter.requires_grad}


def test_one_worker_trains_here_and_leaves_the_model(tmp_path: Path) -> None:
    before = hash_weights(tiny().module)
    expected, _ = train_plainly(tiny(), PARAMETERS, guided(), replace(CONFIG, n_epochs=1))
    training = Training(guided(), replace(CONFIG, n_epochs=1), NAMES, tmp_path)
    with trained(tiny(), PARAMETERS, training) as record:
        assert largest_difference(trained_weights(), expected) < 2e-6
        assert record.n_epochs == 1
    assert trained_weights() == {}
    assert hash_weights(tiny().module) == before


@pytest.fixture(scope="module")
def ray_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import ray

    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level="ERROR",
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    yield
    ray.shutdown()


@pytest.mark.cluster
def test_workers_of_ray_train_go_on_after_a_kill(tmp_path: Path, ray_of_two: None) -> None:
    expected, course = train_plainly(tiny(), PARAMETERS, guided(), CONFIG)
    marker = tmp_path / "killed"
    execution = Execution(n_workers=2, zero_stage=3, micro_batch=4)
    training = Training(guided(), CONFIG, NAMES, tmp_path / "run", Killing(3, marker, rank=1), execution)
    with trained(tiny(), PARAMETERS, training) as record:
        weights = trained_weights()
    assert marker.exists()
    assert [step.loss for step in record.steps] == pytest.approx([loss for loss, _, _ in course], rel=1e-5)
    assert record.best is not None
    if record.best.epoch == CONFIG.n_epochs:
        assert largest_difference(weights, expected) < 2e-6
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["best.safetensors", "last.safetensors"]


@pytest.mark.cluster
def test_an_error_of_the_training_itself_is_not_tried_again(tmp_path: Path, ray_of_two: None) -> None:
    training = Training(Spoilt(guided(), 2), CONFIG, NAMES, tmp_path, execution=Execution(n_workers=2))
    with (
        pytest.raises(TrainingError, match=r"expected a finite loss, found nan at step 2 of epoch 2"),
        trained(tiny(), PARAMETERS, training),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]
