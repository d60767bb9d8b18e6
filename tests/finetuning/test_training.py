"""The training loop against plain torch, and what ends it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brainalign.errors import InputError, TrainingError
from brainalign.finetuning import NarfConfig, NarfObjective, build_objective, guidance_inputs, hash_weights, trainable
from brainalign.finetuning.objective import Losses
from brainalign.finetuning.record import TrainingRecord
from brainalign.finetuning.training import Training, train
from brainalign.finetuning.training_config import Execution, TrainingConfig
from brainalign.zoo import LanguageModel
from tests.finetuning.examples import activations, both, dataset, tiny, training_set
from tests.finetuning.plain import NAMES, largest_difference, train_plainly

CONFIG = TrainingConfig(n_epochs=3, batch_size=10, learning_rate=1e-3)
Weights = dict[str, torch.Tensor]


def objective(parameters: NarfConfig) -> NarfObjective:
    return build_objective(training_set(), parameters, guidance_inputs(activations(), dataset(), parameters))


def run(training: Training, parameters: NarfConfig) -> tuple[TrainingRecord, Weights]:
    with trainable(tiny(), parameters, training.names) as trained:
        record = train(tiny(), training)
        return record, {name: parameter.detach().clone() for name, parameter in trained.named.items()}


@pytest.mark.parametrize("stage", [0, 3])
def test_the_label_alone_is_trained_too(tmp_path: Path, stage: int) -> None:
    parameters = both(train_weight=0.0)
    label, config = (
        build_objective(training_set(), parameters),
        replace(CONFIG, n_epochs=1, schedule="constant", clip=0),
    )
    expected, course = train_plainly(tiny(), parameters, label, config)
    record, found = run(Training(label, config, NAMES, tmp_path, execution=Execution(zero_stage=stage)), parameters)
    assert largest_difference(found, expected) < 2e-6
    assert [step.gradient_norm for step in record.steps] == pytest.approx([norm for _, norm, _ in course], rel=1e-4)


@pytest.mark.parametrize(
    "execution",
    [
        Execution(micro_batch=4),
        Execution(micro_batch=3, zero_stage=2, diagnose_every=2),
        Execution(micro_batch=7, zero_stage=3, recompute=True),
    ],
    ids=str,
)
def test_a_training_is_that_of_plain_torch(tmp_path: Path, execution: Execution) -> None:
    parameters = both()
    trained = objective(parameters)
    expected, course = train_plainly(tiny(), parameters, trained, CONFIG)
    before = hash_weights(tiny().module)
    record, found = run(Training(trained, CONFIG, NAMES, tmp_path, execution=execution), parameters)
    assert largest_difference(found, expected) < 2e-6
    assert hash_weights(tiny().module) == before
    assert record.is_finished
    assert record.n_epochs == 3
    assert [(step.number, step.epoch) for step in record.steps] == [(n, 1 + n // 2) for n in range(6)]
    for step, (loss, norm, rate) in zip(record.steps, course, strict=True):
        assert step.loss == pytest.approx(loss, rel=1e-5)
        assert step.gradient_norm == pytest.approx(norm, rel=1e-4)
        assert step.learning_rate == pytest.approx(rate, rel=1e-9)
        assert step.loss == pytest.approx(step.parts["brain"] + 0.5 * step.parts["label"], rel=1e-5)
        if execution.diagnose_every and step.number % 2 == 0:
            assert step.part_norms is not None
            assert step.cosine is not None
            brain, label = step.part_norms["brain"], 0.5 * step.part_norms["label"]
            together = (brain**2 + label**2 + 2 * step.cosine * brain * label) ** 0.5
            assert together == pytest.approx(norm, rel=1e-4)
        else:
            assert step.part_norms is None


def test_a_training_that_is_over_is_read(tmp_path: Path) -> None:
    parameters = both()
    training = Training(objective(parameters), replace(CONFIG, n_epochs=1), NAMES, tmp_path)
    first = run(training, parameters)
    before = (tmp_path / "last.safetensors").stat().st_mtime_ns
    record, weights = run(training, parameters)
    assert record == first[0]
    assert largest_difference(weights, first[1]) == 0
    assert (tmp_path / "last.safetensors").stat().st_mtime_ns == before


class Scores:
    """A validator that gives prepared scores and keeps the weights it was shown."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)
        self.shown: list[Weights] = []

    def __call__(self, model: LanguageModel) -> float:
        answers = model.score(model.forward(training_set().prompts[0])[None])
        assert len(answers) == 1
        named = model.module.named_parameters()
        self.shown.append({name: value.detach().clone() for name, value in named if value.requires_grad})
        return self.scores.pop(0)


@pytest.mark.parametrize("stage", [0, 3])
def test_the_best_weights_come_back_and_patience_ends(tmp_path: Path, stage: int) -> None:
    parameters = both()
    validator = Scores(0.2, 0.5, 0.5, 0.1, 0.9)
    config = replace(CONFIG, n_epochs=20, patience=2)
    training = Training(objective(parameters), config, NAMES, tmp_path, validator, Execution(zero_stage=stage))
    record, weights = run(training, parameters)
    assert [validation.score for validation in record.validations] == [0.2, 0.5, 0.5, 0.1]
    assert record.best is not None
    assert record.best.epoch == 2
    assert record.n_epochs == 4
    assert record.is_finished
    if stage == 0:
        assert largest_difference(weights, validator.shown[1]) == 0
        assert largest_difference(weights, validator.shown[3]) > 1e-5


def test_validation_comes_every_so_many_epochs_and_at_the_end(tmp_path: Path) -> None:
    parameters = both()
    config = replace(CONFIG, n_epochs=5, validate_every=2)
    training = Training(objective(parameters), config, NAMES, tmp_path, Scores(1, 2, 3))
    record, _ = run(training, parameters)
    assert [validation.epoch for validation in record.validations] == [2, 4, 5]


def test_a_score_that_is_none(tmp_path: Path) -> None:
    parameters = both()
    training = Training(objective(parameters), CONFIG, NAMES, tmp_path, Scores(float("nan")))
    with pytest.raises(InputError, match=r"expected a score from the validator, found nan in epoch 1"):
        run(training, parameters)


class Spoilt:
    """An objective whose loss is NaN from some call on."""

    def __init__(self, sound: NarfObjective, n_calls: int) -> None:
        self.sound, self.n_calls = sound, n_calls
        self.n_examples, self.identity = sound.n_examples, sound.identity

    def losses(self, model: LanguageModel, rows: list[int], batch_size: int) -> Losses:
        found = self.sound.losses(model, rows, batch_size)
        self.n_calls -= 1
        return found if self.n_calls >= 0 else replace(found, total=found.total * float("nan"))


def test_a_loss_that_is_not_a_number_ends_the_training_with_its_step(tmp_path: Path) -> None:
    parameters = both()
    sound = objective(parameters)
    training = Training(sound, CONFIG, NAMES, tmp_path)
    with pytest.raises(TrainingError, match=r"expected a finite loss, found nan at step 3 of epoch 2: lower the"):
        run(replace(training, objective=Spoilt(sound, 3)), parameters)
    _, weights = run(training, parameters)  # the checkpoint of epoch 1 is good
    expected, _ = train_plainly(tiny(), parameters, sound, CONFIG)
    assert largest_difference(weights, expected) < 2e-6
