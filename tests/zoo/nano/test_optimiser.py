"""The optimiser against torch's Adam and against the singular value decomposition."""

import torch

from brainalign.zoo.nano.optimiser import Optimiser, orthogonalised


def test_all_but_matrices_move_as_by_torch_s_adam() -> None:
    rng = torch.Generator().manual_seed(0)
    start = torch.randn(5, 3, generator=rng)
    mine, theirs = (start.clone().requires_grad_() for _ in range(2))
    optimiser = Optimiser({"embedding": mine}, 0.1, 0.01)
    reference = torch.optim.Adam([theirs], lr=0.01, betas=(0.9, 0.95), eps=1e-10)
    for step in range(5):
        gradient = torch.randn(5, 3, generator=rng)
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimiser.step(1.0 if step < 3 else 0.5)
        reference.param_groups[0]["lr"] = 0.01 if step < 3 else 0.005
        reference.step()
    torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)
    assert mine.grad is None


def test_updates_of_matrices_are_nearly_orthogonal() -> None:
    matrices = torch.randn(2, 3, 24, 16, generator=torch.Generator().manual_seed(1))
    found = orthogonalised(matrices)
    assert found.shape == matrices.shape
    # Muon's five steps leave singular values between about 0.7 and 1.2.
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    likeness = torch.nn.functional.cosine_similarity(found.flatten(2), (u @ v).flatten(2), dim=-1)
    assert likeness.min() > 0.97


def test_a_matrix_steps_by_its_rate_against_the_gradient() -> None:
    weights = {"qkv": torch.zeros(1, 1, 8, 8, requires_grad=True)}
    gradient = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(2)))[0]
    weights["qkv"].grad = gradient[None, None].clone()
    Optimiser(weights, 0.1, 1.0).step(0.5)
    moved = weights["qkv"].detach()[0, 0]
    assert torch.nn.functional.cosine_similarity(moved.flatten(), -gradient.flatten(), dim=0) > 0.99
    assert 0.03 < torch.linalg.svdvals(moved).mean() < 0.065
