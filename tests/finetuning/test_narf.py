"""The objective as a whole: one forward pass, any batching, every architecture."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from brainalign.errors import InputError
from brainalign.finetuning import (
    NarfConfig,
    NarfObjective,
    TrainingSet,
    build_objective,
    generate_training_problems,
    guidance_inputs,
    trainable,
)
from brainalign.finetuning.benchmark import leave_start
from brainalign.steering import Displacements, NariInputs
from brainalign.stimuli import own_wording

from .examples import LAYERS, TINY, activations, both, dataset, tiny, training_set


def inputs(config: NarfConfig, name: str = "tiny-random-llama") -> NariInputs:
    return guidance_inputs(activations(name), dataset(), config)


def objective(config: NarfConfig, name: str = "tiny-random-llama") -> NarfObjective:
    return build_objective(training_set(name), config, inputs(config, name), names=("key", 0))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("rank", [None, 2])
def test_a_batch_has_the_gradient_of_its_examples_one_by_one(name: str, rank: int | None) -> None:
    model, config = tiny(name), both(lora_rank=rank)
    found = objective(config, name)
    rows = [0, 9, 3, 14, 8]
    with trainable(model, config) as trained:
        leave_start(trained.named)
        together = found.losses(model, rows, len(rows))
        one_by_one = [found.losses(model, [row], len(rows)) for row in rows]
        for part, value in together.parts.items():
            expected = sum(losses.parts[part].item() for losses in one_by_one)
            assert value.item() == pytest.approx(expected, rel=1e-5)
        gradient = torch.autograd.grad(together.total, trained.parameters)
        summed = torch.autograd.grad(torch.stack([losses.total for losses in one_by_one]).sum(), trained.parameters)
    for batched, alone in zip(gradient, summed, strict=True):
        assert (batched - alone).abs().max() <= 1e-5 * alone.abs().max()


def test_the_total_is_the_weighted_sum_of_what_the_configuration_names() -> None:
    model, rows = tiny(), [1, 2, 10]
    with trainable(model, both()):
        every = objective(both(train_weight=0.1, label_loss_weight=3.0)).losses(model, rows, 6)
        brain = objective(both(label_loss_weight=0.0)).losses(model, rows, 6)
        label = objective(both(train_weight=0.0)).losses(model, rows, 6)
    assert list(every.parts) == ["brain", "label"]
    assert list(brain.parts) == ["brain"]
    assert list(label.parts) == ["label"]
    assert every.total.item() == pytest.approx(0.1 * brain.parts["brain"].item() + 3.0 * label.parts["label"].item())
    assert every.weights == {"brain": 0.1, "label": 3.0}


def test_the_label_loss_is_the_cross_entropy_of_plain_passes() -> None:
    model, rows = tiny(), [0, 7, 12]
    found = objective(both(train_weight=0.0)).losses(model, rows, 3).parts["label"]
    expected = []
    for row in rows:
        shares = model.forward(training_set().prompts[row]).double().softmax(dim=0).numpy()
        right = model.true_ids if training_set().labels[row] else model.false_ids
        expected.append(-np.log(shares[list(right)].sum()))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)


def test_problems_without_betas_have_the_label_alone() -> None:
    model, config = tiny(), both()
    generated = TrainingSet.encode(model, generate_training_problems(32, seed=1), own_wording())
    found = build_objective(training_set().join(generated), config, inputs(config), names=("key", 0))
    alone = objective(config)
    assert (found.n_examples, found.n_guided) == (16 + 32, alone.n_guided)
    with trainable(model, config) as trained:
        new = found.losses(model, [20, 40], 2)
        assert new.parts["brain"].item() == 0.0
        new.total.backward()
        assert all(parameter.grad is not None for parameter in trained.parameters)
        mixed, plain = found.losses(model, [3, 20], 2), alone.losses(model, [3], 2)
        assert mixed.parts["brain"].item() == pytest.approx(plain.parts["brain"].item(), rel=1e-5)
        # A brain loss alone over such problems still has a gradient, of zeros: a worker with only these keeps step.
        brain = replace(found, config=both(label_loss_weight=0.0)).losses(model, [20], 1)
        for gradient in torch.autograd.grad(brain.total, trained.parameters, allow_unused=True):
            assert gradient is None or not gradient.any()
    label = build_objective(generated, both(train_weight=0.0))
    assert (label.n_examples, label.n_guided) == (32, 0)


def test_states_that_a_search_reached() -> None:
    model, config = tiny(), both(targets="all", reg_weight=2.0)
    given = inputs(config)
    wrong = np.flatnonzero(given.answers.answer != given.labels)
    values = np.ones((len(wrong), len(LAYERS), 64), dtype=np.float32)
    searched = Displacements(LAYERS, np.zeros(len(wrong), dtype=np.int64), wrong, values)
    found = build_objective(training_set(), config, given, displacements=searched)
    with trainable(model, config):
        losses = found.losses(model, range(16), 16)
    # The model has not moved: it stands one unit off each reached state, in every layer, and on its own states.
    assert losses.parts["brain"].item() == pytest.approx(len(LAYERS) * len(wrong) / 16, rel=1e-4)
    assert losses.parts["regulariser"].item() == pytest.approx(0.0, abs=1e-8)
    assert losses.weights == {"brain": 1.0, "regulariser": 2.0, "label": 0.5}


def test_the_identity_tells_objectives_apart() -> None:
    config = both()
    given = inputs(config)
    fewer = replace(given, targets=given.targets[1:])
    others = [
        objective(both(label_loss_weight=0.25)),
        objective(both(loss="mse")),
        build_objective(training_set(), config, fewer),
        build_objective(training_set(), config, given, arm="label_as_betas"),
        build_objective(training_set(), config, given, arm="random_betas", names=("key", 0)),
        build_objective(training_set(), config, given, arm="random_betas", names=("key", 1)),
        objective(config),
    ]
    assert len({other.identity for other in others}) == len(others)
    assert objective(config).identity == others[-1].identity


def test_what_cannot_be_learned_from_is_refused() -> None:
    config, model = both(), tiny()
    with pytest.raises(InputError, match="expected inputs"):
        build_objective(training_set(), config)
    with pytest.raises(InputError, match="expected displacements"):
        build_objective(training_set(), both(targets="all"), inputs(config))
    generated = TrainingSet.encode(model, generate_training_problems(32, seed=1), own_wording())
    with pytest.raises(InputError, match="found none"):
        build_objective(generated, config, inputs(config))
    for rows in ([], [16], [-1]):
        with pytest.raises(InputError, match="from 0 to 15"):
            objective(config).losses(model, rows, 4)
