"""The training loop: epochs of steps on an engine, validation, checkpoints."""

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from brainalign.artifacts import hash_json
from brainalign.errors import BrainalignError, InputError, TrainingError
from brainalign.finetuning.batches import epoch_batches, micro_batches
from brainalign.finetuning.checkpoints import Checkpoint, Checkpoints
from brainalign.finetuning.deepspeed_files import deepspeed_settings
from brainalign.finetuning.diagnostics import Gradients, gradients
from brainalign.finetuning.engine import Engine, has_bf16
from brainalign.finetuning.forward import checkpointed
from brainalign.finetuning.objective import Losses, Objective
from brainalign.finetuning.process_group import ProcessGroup, join_group
from brainalign.finetuning.record import Step, TrainingRecord, Validation
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo.language_model import LanguageModel

Validator = Callable[[LanguageModel], float]
"""Scores a model that is being trained, higher is better; every worker calls it, the first one's score counts."""


@dataclass(frozen=True)
class Training:
    """One training: what is trained, how, and where its checkpoints are.

    Attributes
    ----------
    objective : Objective
    config : TrainingConfig
    names : tuple of str or int
        Start of the names of its random streams: the result key and the replicate seed.
    folder : Path
        Of its checkpoints; a training that was cut off goes on from there, one that is over is read.
    validator : callable, optional
        None keeps no best weights.
    execution : Execution
    halts : callable, optional
        Told the record after every epoch: True ends the training there, unfinished, to be gone on with. Like the
        execution no part of what the training is; with several workers it is pickled.
    """

    objective: Objective
    config: TrainingConfig
    names: tuple[str | int, ...]
    folder: Path
    validator: Validator | None = None
    execution: Execution = field(default_factory=Execution)
    halts: Callable[[TrainingRecord], bool] | None = None

    def goes_on(self, record: TrainingRecord) -> bool:
        """Whether another epoch is to be run."""
        return not record.is_finished and not (self.halts is not None and self.halts(record))


def train(model: LanguageModel, training: Training) -> TrainingRecord:
    """Train the parameters of a model that require gradient, in this process of the group.

    Afterwards they hold the weights that validated best, or the last ones where nothing validated. Nothing else of the
    model changes, and the result is a function of the model's weights, the objective, the configuration and the names:
    not of the number of workers or the ZeRO stage (up to rounding), nor of interruptions. One that is halted returns an
    unfinished record and has been saved like one that was cut off.

    Parameters
    ----------
    model : LanguageModel
    training : Training

    Raises
    ------
    InputError
        No parameter to train, or weights of a type that is not trained.
    TrainingError
        A loss or gradient that is not finite, or a checkpoint of another training; what is saved still stands.
    StudyError
        A checkpoint cannot be written; the one before still stands.
    """
    group = join_group(model.device)
    checkpoints = Checkpoints(training.folder, training_identity(model, training))
    checkpoint = checkpoints.load_last()
    record = checkpoint.record if checkpoint else TrainingRecord()
    if training.goes_on(record):
        record = _run(model, training, group, checkpoints, checkpoint)
    restore_trained(model, checkpoints)
    return record


def training_identity(model: LanguageModel, training: Training) -> dict[str, Any]:
    """Spell what a training is; a checkpoint with another identity is refused."""
    shapes = {name: list(parameter.shape) for name, parameter in trained_parameters(model).items()}
    return {
        "model": model.facts.name,
        "base weights": model.weights_hash,
        "objective": training.objective.identity,
        "trained parameters": hash_json(shapes),
        "configuration": asdict(training.config),
        "names": list(training.names),
    }


def trained_parameters(model: LanguageModel) -> dict[str, torch.nn.Parameter]:
    """Parameters that require gradient, by their name in the module."""
    return {name: parameter for name, parameter in model.module.named_parameters() if parameter.requires_grad}


@torch.no_grad()
def restore_trained(model: LanguageModel, checkpoints: Checkpoints) -> None:
    """Give a model's trained parameters the best weights, or the last ones where nothing validated.

    Raises
    ------
    TrainingError
        There is no checkpoint, or it is of another training.
    """
    checkpoint = checkpoints.load_best() or checkpoints.load_last()
    if checkpoint is None:
        raise TrainingError(f"expected a checkpoint in {checkpoints.folder}, found none: train first")
    for name, parameter in trained_parameters(model).items():
        parameter.copy_(checkpoint.state.weights[name])


def _run(
    model: LanguageModel,
    training: Training,
    group: ProcessGroup,
    checkpoints: Checkpoints,
    checkpoint: Checkpoint | None,
) -> TrainingRecord:
    execution = training.execution
    settings = deepspeed_settings(
        training.config,
        execution,
        n_examples=training.objective.n_examples,
        has_bf16=has_bf16(model),
        has_gpu=group.device.type != "cpu",
    )
    with checkpointed(model) if execution.recompute else nullcontext():
        engine = Engine(model, settings, group, checkpoint.state if checkpoint else None)
    try:
        return _Loop(training, engine, group, checkpoints).run(checkpoint.record if checkpoint else TrainingRecord())
    finally:
        engine.close()


@dataclass(frozen=True)
class _Loop:
    """The loop of one process of the group."""

    training: Training
    engine: Engine
    group: ProcessGroup
    checkpoints: Checkpoints

    def run(self, record: TrainingRecord) -> TrainingRecord:
        """Run the epochs that are left."""
        while self.training.goes_on(record):
            record = self._finish(self._validate(self._epoch(record)))
        return record

    def _epoch(self, record: TrainingRecord) -> TrainingRecord:
        config, objective = self.training.config, self.training.objective
        epoch, steps = record.n_epochs + 1, list(record.steps)
        for batch in epoch_batches(objective.n_examples, config.batch_size, self.training.names, epoch):
            steps.append(self._step(len(steps), epoch, batch))
        return replace(record, n_epochs=epoch, steps=tuple(steps))

    def _step(self, number: int, epoch: int, batch: list[int]) -> Step:
        execution = self.training.execution
        every = execution.diagnose_every
        is_diagnosed = bool(every) and number % every == 0
        # The engine's wrapping takes every backward pass for its own, and those of single terms are not.
        model = self.engine.plain if is_diagnosed else self.engine.model
        passes = micro_batches(batch, self.group.rank, self.group.size, execution.micro_batch)
        sums: dict[str, float] = {}
        found: Gradients | None = None
        for place, part in enumerate(passes):
            losses = self.training.objective.losses(model, part.rows, len(batch))
            weight = 1.0 if part.counts else 0.0
            for name, value in {"": losses.total, **losses.parts}.items():
                sums[name] = sums.get(name, 0.0) + weight * float(value.detach())
            is_last = place == len(passes) - 1
            if is_diagnosed:
                found = self._take_apart(losses, found, weight, is_last=is_last)
            else:
                self.engine.backward(losses.total * weight, is_last=is_last)
        totals = self._totals(sums)
        self._check_finite(totals, number, epoch)
        norm, rate = self.engine.step(number)
        self._check_finite({"gradient norm": norm}, number, epoch)
        diagnosis = self._diagnosis(found) if found is not None else {}
        return Step(number, epoch, totals.pop(""), totals, norm, rate, **diagnosis)

    def _take_apart(self, losses: Losses, found: Gradients | None, weight: float, *, is_last: bool) -> Gradients:
        """Take each term's gradient, then send their sum through the engine as that of a sum of products."""
        parameters = self.engine.parameters
        own = gradients(losses, parameters)
        pieces = own.total.split([parameter.numel() for parameter in parameters])
        products = [(p.float().flatten() * piece).sum() for p, piece in zip(parameters, pieces, strict=True)]
        self.engine.backward(torch.stack(products).sum() * weight, is_last=is_last)
        own = Gradients(own.losses, {name: part * weight for name, part in own.parts.items()}, own.weights)
        return own if found is None else found + own

    def _diagnosis(self, found: Gradients) -> dict[str, Any]:
        whole = Gradients(
            found.losses, {name: self.group.total(part) for name, part in found.parts.items()}, found.weights
        )
        return {"part_norms": whole.norms, "cosine": whole.cosine}

    def _totals(self, sums: Mapping[str, float]) -> dict[str, float]:
        summed = self.group.total(torch.tensor(list(sums.values()), dtype=torch.float64))
        return dict(zip(sums, summed.tolist(), strict=True))

    def _check_finite(self, values: Mapping[str, float], number: int, epoch: int) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"expected a finite {name or 'loss'}, found {value} at step {number} of epoch {epoch}: lower the "
                    f"learning rate or the loss weights; the last checkpoint in {self.checkpoints.folder} stands"
                )

    def _validate(self, record: TrainingRecord) -> TrainingRecord:
        """Score the weights where it is time to, and end the training where nothing is left to do."""
        config, epoch = self.training.config, record.n_epochs
        is_over = epoch >= config.n_epochs
        if self.training.validator is not None and (is_over or epoch % config.validate_every == 0):
            score = self.group.share_first(float(self.training.validator(self.engine.plain)))
            if math.isnan(score):
                raise InputError(f"expected a score from the validator, found {score} in epoch {epoch}: mend it")
            record = replace(record, validations=(*record.validations, Validation(epoch, score)))
            is_over = is_over or (config.patience is not None and record.n_since_best >= config.patience)
        return replace(record, is_finished=is_over)

    def _finish(self, record: TrainingRecord) -> TrainingRecord:
        """Save what is to be saved after an epoch: the best weights first, so that the last never name absent ones."""
        is_best = record.best is not None and record.best.epoch == record.n_epochs
        is_due = record.is_finished or record.n_epochs % self.training.execution.save_every == 0
        if is_best or is_due:
            state = self.engine.state(len(record.steps))
            self._write(lambda: self._save(state, record, is_best=is_best, is_due=is_due))
        return record

    def _save(self, state: Any, record: TrainingRecord, *, is_best: bool, is_due: bool) -> None:
        if is_best:
            self.checkpoints.save_best(state, record)
        if is_due:
            self.checkpoints.save_last(state, record)

    def _write(self, write: Callable[[], None]) -> None:
        """Let the first process write; where it cannot, all end with its error."""
        error: BrainalignError | None = None
        if self.group.is_first:
            try:
                write()
            except BrainalignError as raised:
                error = raised
        error = self.group.share_first(error)
        if error is not None:
            raise error
