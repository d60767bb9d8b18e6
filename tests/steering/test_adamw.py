"""The batched update against ``torch.optim.AdamW``, and the projection by hand."""

import pytest
import torch

from brainalign.steering.adamw import AdamW, project_onto_ball

SHAPE = (3, 4, 7)


def test_equals_torch_with_a_rate_a_layer() -> None:
    generator = torch.Generator().manual_seed(0)
    rates = torch.tensor([0.1, 0.02, 0.5])
    ours = AdamW(SHAPE, rates)
    theirs = [torch.zeros(SHAPE[1:], requires_grad=True) for _ in rates]
    optimisers = [torch.optim.AdamW([layer], lr=float(rate)) for layer, rate in zip(theirs, rates, strict=True)]
    for _ in range(50):
        gradient = torch.randn(SHAPE, generator=generator) * torch.logspace(-6, 0, 7)
        ours.step(gradient)
        for layer, part, optimiser in zip(theirs, gradient, optimisers, strict=True):
            layer.grad = part.clone()
            optimiser.step()
    torch.testing.assert_close(ours.parameters, torch.stack([layer.detach() for layer in theirs]), rtol=1e-5, atol=1e-6)


def test_kept_rows_go_on_as_if_alone() -> None:
    generator = torch.Generator().manual_seed(1)
    gradients = torch.randn(20, *SHAPE, generator=generator)
    whole, part = AdamW(SHAPE, torch.ones(3)), AdamW(SHAPE, torch.ones(3))
    kept = torch.tensor([0, 3])
    for step, gradient in enumerate(gradients):
        whole.step(gradient)
        if step == 10:
            part.keep(kept)
        part.step(gradient if step < 10 else gradient[:, kept])
    assert torch.equal(part.parameters, whole.parameters[:, kept])


def test_projection_shortens_the_long_and_leaves_the_short() -> None:
    inside, outside = torch.tensor([0.3, 0.4]), torch.tensor([3.0, 4.0])
    displacements = torch.stack([inside, outside]).repeat(2, 1, 1)
    project_onto_ball(displacements, torch.tensor([1.0, 2.5]))
    assert torch.equal(displacements[:, 0], inside.expand(2, 2))
    torch.testing.assert_close(displacements[0, 1], torch.tensor([0.6, 0.8]))
    torch.testing.assert_close(displacements[1, 1], torch.tensor([1.5, 2.0]))


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_radius_of_zero_gives_exact_zeros(value: float) -> None:
    displacements = torch.full((1, 2, 3), value)
    project_onto_ball(displacements, torch.zeros(1))
    assert torch.equal(displacements, torch.zeros(1, 2, 3))
