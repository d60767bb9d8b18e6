"""Where a training runs: in the calling process, which has the model already, or on workers of Ray Train."""

import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from brainalign.errors import BrainalignError, ClusterError, ModelError
from brainalign.finetuning.checkpoints import Checkpoints
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.parameters import trainable
from brainalign.finetuning.record import TrainingRecord
from brainalign.finetuning.training import Training, restore_trained, train, training_identity
from brainalign.zoo import LanguageModel, load_model

if TYPE_CHECKING:
    from ray.train.torch import TorchTrainer

_RAY_FOLDER = ".ray-train-"


@contextmanager
def trained(model: LanguageModel, parameters: NarfConfig, training: Training) -> Iterator[TrainingRecord]:
    """Train a model; while the context is open it has the trained weights, afterwards its own.

    A training of one worker runs here and now on the model that is loaded. One of more workers runs under Ray Train,
    whose workers load the model by its name; this process then reads the weights from the checkpoint. Either way the
    result is the same up to rounding.

    Parameters
    ----------
    model : LanguageModel
    parameters : NarfConfig
        Which of its parameters are trained, see :func:`brainalign.finetuning.trainable`.
    training : Training
        With more than one worker it is pickled, and its folder must be seen by all workers.

    Yields
    ------
    record : TrainingRecord

    Raises
    ------
    ClusterError
        Workers were lost more often than the execution allows, or Ray Train refuses.
    BrainalignError
        As :func:`brainalign.finetuning.training.train`.
    """
    with trainable(model, parameters, training.names):
        if training.execution.n_workers == 1:
            record = train(model, training)
        else:
            record = _train_on_workers(model, parameters, training)
            restore_trained(model, Checkpoints(training.folder, training_identity(model, training)))
        yield record


@dataclass(frozen=True)
class _Job:
    """What a worker needs to take part."""

    model: str
    dtype: str
    weights_hash: str
    parameters: NarfConfig
    training: Training


def _train_on_workers(model: LanguageModel, parameters: NarfConfig, training: Training) -> TrainingRecord:
    import ray
    from ray.train.v2.api.exceptions import RayTrainError

    checkpoints = Checkpoints(training.folder, training_identity(model, training))
    finished = checkpoints.load_last()
    if finished is not None and finished.record.is_finished:
        return finished.record
    dtype = str(model.module.get_input_embeddings().weight.dtype).removeprefix("torch.")
    job = ray.put(_Job(model.facts.name, dtype, model.weights_hash, parameters, training))
    folder = Path(training.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(f"{_RAY_FOLDER}*"):
        shutil.rmtree(stale, ignore_errors=True)
    own = Path(tempfile.mkdtemp(prefix=_RAY_FOLDER, dir=folder))
    logging.getLogger("ray.train").setLevel(logging.ERROR)
    try:
        answer = _trainer({"job": [job]}, training, own).fit().return_value
    except RayTrainError as error:
        reason = str(error).strip().splitlines()[-1][:300]
        raise ClusterError(
            f"expected a training on {training.execution.n_workers} workers, found {reason}: look at the workers' logs "
            f"and start again; it goes on from the last checkpoint in {folder}"
        ) from error
    finally:
        shutil.rmtree(own, ignore_errors=True)
    if isinstance(answer, BrainalignError):
        raise answer
    return TrainingRecord.from_json(answer)


def _trainer(settings: dict[str, Any], training: Training, folder: Path) -> "TorchTrainer":
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    has_gpu = torch.cuda.is_available()
    return TorchTrainer(
        _work,
        train_loop_config=settings,
        torch_config=TorchConfig(backend="nccl" if has_gpu else "gloo"),
        scaling_config=ScalingConfig(
            num_workers=training.execution.n_workers,
            use_gpu=has_gpu,
            resources_per_worker={"GPU": 1} if has_gpu else {"CPU": 1},
        ),
        run_config=RunConfig(
            name="training",
            storage_path=str(folder),
            failure_config=FailureConfig(max_failures=training.execution.max_failures),
        ),
    )


def _work(settings: Mapping[str, Any]) -> dict[str, Any] | BrainalignError:
    """Take part in a training; an error that would come again is an answer, so that nothing is tried again for it."""
    import ray

    job: _Job = ray.get(settings["job"][0])
    try:
        return _take_part(job).to_json()
    except BrainalignError as error:
        return error


def _take_part(job: _Job) -> TrainingRecord:
    from ray.train.torch import get_device

    # What stage 3 partitions goes to the GPU piece by piece.
    device = "cpu" if job.training.execution.zero_stage == 3 else str(get_device())
    model = load_model(job.model, dtype=job.dtype, device=device)
    if model.weights_hash != job.weights_hash:
        raise ModelError(
            f"expected weights {job.weights_hash} of {job.model} on a worker, found {model.weights_hash}: "
            "give every node the same model cache"
        )
    with trainable(model, job.parameters, job.training.names):
        return train(model, job.training)
