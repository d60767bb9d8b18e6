"""Closed-form gradients against autograd on explicit maps, and values against their definitions."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor

from brainalign.encoding.guidance import GuidanceConfig
from brainalign.encoding.guidance_fit import fit_guidance
from brainalign.steering.ascent import Ascent
from brainalign.steering.config import LOSSES
from brainalign.steering.objectives import Forms, similarity_gradient

N_LAYERS, N_STIMULI, WIDTH, N_VOXELS = 2, 12, 20, 30
SUBJECTS = ("one", "two")


@dataclass(frozen=True)
class World:
    states: np.ndarray
    betas: dict[str, np.ndarray]


@pytest.fixture(scope="module")
def world() -> World:
    rng = np.random.default_rng(3)
    states = (rng.standard_normal((N_LAYERS, N_STIMULI, WIDTH)) + 2.0).astype(np.float32)
    betas = {name: rng.standard_normal((N_STIMULI, N_VOXELS)).astype(np.float32) + 0.3 for name in SUBJECTS}
    return World(states, betas)


def explicit(prediction: Tensor, measured: Tensor, loss: str) -> Tensor:
    """The similarity by its definition, on voxels."""
    if loss == "mse":
        error: Tensor = torch.nn.functional.mse_loss(prediction, measured)
        return -error
    if loss == "pearson":
        prediction, measured = prediction - prediction.mean(), measured - measured.mean()
    cosine: Tensor = torch.dot(prediction, measured) / (prediction.norm() * measured.norm())
    return cosine


@pytest.mark.parametrize("leave_out", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_equals_autograd_on_an_explicit_map(world: World, loss: str, intercept: bool, leave_out: bool) -> None:
    alpha, layer, subject, target = 2.0, 1, 1, 4
    config = GuidanceConfig((alpha,), leave_out, intercept)
    maps = fit_guidance(
        world.states, world.betas, pool=np.arange(N_STIMULI), targets=np.arange(N_STIMULI), config=config
    )
    maps = maps.centred() if loss == "pearson" else maps

    fitted = [row for row in range(N_STIMULI) if not (leave_out and row == target)]
    betas = world.betas[SUBJECTS[subject]]
    ridge = Ridge(alpha=alpha).fit(world.states[layer, fitted].astype(float), betas[fitted].astype(float))
    moved = torch.from_numpy(world.states[layer, target] + 0.5).double().requires_grad_()
    prediction = torch.from_numpy(ridge.coef_) @ moved + (torch.from_numpy(ridge.intercept_) if intercept else 0.0)
    value = explicit(prediction, torch.from_numpy(betas[target]).double(), loss)
    torch.autograd.backward(value)
    assert moved.grad is not None

    pairs = np.array([subject]), np.array([target])
    ascent = Ascent(maps, world.states, pairs, (torch.ones(N_LAYERS), torch.ones(N_LAYERS)), loss)
    ascent.displacements.add_(0.5)
    assert float(ascent.similarity()[layer, 0]) == pytest.approx(value.item(), abs=1e-5, rel=1e-4)
    gradient = ascent.gradient()[layer, 0].double()
    # Only the part in the span of the pool's states can differ from zero, for W as for its gradient.
    torch.testing.assert_close(gradient, moved.grad, rtol=2e-3, atol=2e-5 * float(moved.grad.abs().max()) + 1e-7)


def test_a_prediction_of_zero_has_no_direction() -> None:
    forms = Forms(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3), torch.ones(1), torch.ones(1))
    value, gradient = similarity_gradient(forms, torch.zeros(1, 1, 2), "cosine")
    assert float(value) == 0.0
    assert torch.equal(gradient, torch.zeros(1, 1, 2))


@pytest.mark.parametrize("loss", LOSSES)
def test_similarity_rises(world: World, loss: str) -> None:
    rows = np.arange(N_STIMULI)
    maps = fit_guidance(world.states, world.betas, pool=rows, targets=rows)
    maps = maps.centred() if loss == "pearson" else maps
    subjects, targets = np.divmod(np.arange(2 * N_STIMULI), N_STIMULI)
    scales = torch.full((N_LAYERS,), 0.05), torch.full((N_LAYERS,), 5.0)
    ascent = Ascent(maps, world.states, (subjects, targets), scales, loss)
    before = ascent.similarity()
    ascent.advance(30)
    assert bool((ascent.similarity() > before).all())


def test_dropping_pairs_leaves_the_others_where_they_were(world: World) -> None:
    rows = np.arange(N_STIMULI)
    maps = fit_guidance(world.states, world.betas, pool=rows, targets=rows)
    scales = torch.full((N_LAYERS,), 0.05), torch.full((N_LAYERS,), 5.0)
    whole = Ascent(maps, world.states, (np.zeros_like(rows), rows), scales, "cosine")
    dropped = Ascent(maps, world.states, (np.zeros_like(rows), rows), scales, "cosine")
    kept = torch.tensor([1, 5, 6])
    for ascent in (whole, dropped):
        ascent.advance(4)
    dropped.keep(kept)
    for ascent in (whole, dropped):
        ascent.advance(4)
    torch.testing.assert_close(dropped.displacements, whole.displacements[:, kept], rtol=1e-4, atol=1e-6)
