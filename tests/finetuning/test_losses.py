"""Losses against autograd's numerical gradients and closed forms."""

import numpy as np
import pytest
import torch

from brainalign.finetuning.losses import answer_loss, betas_loss, states_loss
from brainalign.steering.objectives import Forms


def random_maps(n_layers: int = 2, n_pairs: int = 3, rank: int = 4, n_voxels: int = 7) -> tuple[Forms, torch.Tensor]:
    """Forms in float64 of random maps E (L, P, rank + 1, v), and the maps with the betas below them."""
    generator = torch.Generator().manual_seed(2)
    maps = torch.randn(n_layers, n_pairs, rank + 1, n_voxels, generator=generator, dtype=torch.float64)
    betas = torch.randn(n_pairs, n_voxels, generator=generator, dtype=torch.float64)
    forms = Forms(
        quadratic=maps @ maps.transpose(2, 3),
        linear=(maps @ betas[None, :, :, None])[..., 0],
        y_norm=betas.norm(dim=1),
        n_voxels=torch.full((n_pairs,), float(n_voxels), dtype=torch.float64),
    )
    return forms, torch.cat([maps, betas[None, :, None].expand(n_layers, -1, -1, -1)], dim=2)


@pytest.mark.parametrize("loss", ["cosine", "mse"])
def test_the_loss_of_betas_is_that_of_the_voxels_and_so_is_its_gradient(loss: str) -> None:
    forms, parts = random_maps()
    maps, betas = parts[:, :, :-1], parts[:, :, -1]
    z = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    predicted = (torch.cat([z, torch.ones_like(z[..., :1])], dim=-1)[:, :, None] @ maps)[:, :, 0]
    if loss == "cosine":
        expected = (1 - torch.nn.functional.cosine_similarity(predicted, betas, dim=-1)).sum(dim=0)
    else:
        expected = (predicted - betas).square().mean(dim=-1).sum(dim=0)
    found = betas_loss(z, forms, loss)
    torch.testing.assert_close(found, expected)
    weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    (gradient,) = torch.autograd.grad((found * weights).sum(), z)
    (truth,) = torch.autograd.grad((expected * weights).sum(), z)
    torch.testing.assert_close(gradient, truth)
    assert torch.autograd.gradcheck(lambda x: betas_loss(x, forms, loss), (z,))


def test_the_loss_of_states_is_torchs_mean_squared_error() -> None:
    states, targets = torch.randn(2, 2, 5, 6).unbind(0)
    expected = torch.stack(
        [
            sum((torch.nn.functional.mse_loss(states[la, n], targets[la, n]) for la in range(2)), torch.zeros(()))
            for n in range(5)
        ]
    )
    torch.testing.assert_close(states_loss(states, targets), expected)


def test_the_answers_loss_is_torchs_cross_entropy_where_there_is_one_spelling() -> None:
    logits = torch.randn(6, 11, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([True, False, True, True, False, False])
    expected = torch.nn.functional.cross_entropy(logits, torch.where(labels, 4, 9), reduction="none")
    torch.testing.assert_close(answer_loss(logits, labels, ([4], [9])), expected)


def test_the_answers_loss_takes_spellings_together() -> None:
    logits = torch.randn(2, 11, generator=torch.Generator().manual_seed(1))
    shares = logits.double().softmax(dim=1).numpy()
    found = answer_loss(logits, torch.tensor([True, False]), ([4, 5], [9, 0]))
    expected = -np.log([shares[0, [4, 5]].sum(), shares[1, [9, 0]].sum()])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
