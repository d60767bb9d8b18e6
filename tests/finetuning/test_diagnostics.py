"""Gradients of each loss against one backward pass through the weighted sum."""

import numpy as np
import pytest
import torch

from brainalign.finetuning import Losses, build_objective, checkpointed, gradients, guidance_inputs, trainable
from brainalign.finetuning.benchmark import leave_start

from .examples import activations, both, dataset, tiny, training_set

ROWS = [0, 9, 3, 14]


@pytest.mark.parametrize("rank", [None, 2])
def test_parts_add_up_to_the_total_gradient(rank: int | None) -> None:
    model, config = tiny(), both(lora_rank=rank, train_weight=2.0)
    objective = build_objective(training_set(), config, guidance_inputs(activations(), dataset(), config))
    with trainable(model, config) as trained:
        leave_start(trained.named)
        losses = objective.losses(model, ROWS, 4)
        losses.total.backward()
        expected = [parameter.grad.clone() for parameter in trained.parameters]
        found = gradients(objective.losses(model, ROWS[:3], 4), trained.parameters)
        with checkpointed(model):
            found = found + gradients(objective.losses(model, ROWS[3:], 4), trained.parameters)
        found.assign(trained.parameters)
        for parameter, gradient in zip(trained.parameters, expected, strict=True):
            assert (parameter.grad - gradient).abs().max() <= 1e-5 * gradient.abs().max()
        alone = {}
        for name in ("brain", "label"):
            part = objective.losses(model, ROWS, 4).parts[name]
            taken = torch.autograd.grad(part, trained.parameters, allow_unused=True)
            alone[name] = np.concatenate([g.flatten().numpy() for g in taken])
    assert found.losses.keys() == losses.parts.keys()
    for name, value in losses.parts.items():
        assert found.losses[name].item() == pytest.approx(value.item(), rel=1e-5)
        assert found.norms[name] == pytest.approx(np.linalg.norm(alone[name]), rel=1e-4)
    size = np.linalg.norm(alone["brain"]) * np.linalg.norm(alone["label"])
    assert found.cosine == pytest.approx(alone["brain"] @ alone["label"] / size, abs=1e-4)


def test_a_parameter_that_a_loss_does_not_reach_has_no_part_in_it() -> None:
    reached, apart = (torch.nn.Parameter(torch.ones(2)) for _ in range(2))
    losses = Losses(reached.sum(), {"brain": 3 * reached.sum(), "label": apart.sum()}, {"brain": 1.0, "label": 2.0})
    found = gradients(losses, (reached, apart))
    assert found.total.tolist() == [3.0, 3.0, 2.0, 2.0]
    assert found.cosine == 0.0
    nothing = Losses(reached.sum(), {"label": (0 * reached).sum()}, {"label": 1.0})
    assert gradients(nothing, (reached,)).cosine is None
    brain = Losses(reached.sum(), {"brain": 0 * reached.sum(), "label": reached.sum()}, {"brain": 1.0, "label": 1.0})
    assert gradients(brain, (reached,)).cosine is None
