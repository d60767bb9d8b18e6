"""Targets against ridge maps of scikit-learn and sums written out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from brainalign.encoding.guidance import GuidanceConfig
from brainalign.encoding.guidance_fit import fit_guidance
from brainalign.errors import InputError
from brainalign.finetuning.config import NarfConfig
from brainalign.finetuning.guidance import betas_targets, guidance_inputs, states_targets
from brainalign.steering import Displacements, NariInputs
from brainalign.steering.arms import RandomBetas
from brainalign.steering.pairs import form_groups

from .examples import LAYERS, activations, both, dataset

NAMES = ("key", 0)


def inputs(config: NarfConfig) -> NariInputs:
    return guidance_inputs(activations(), dataset(), config)


def numbers(inputs: NariInputs) -> dict[str, int]:
    """Examples in another order than the inputs'."""
    return {name: number for number, name in enumerate(reversed(inputs.stimulus_ids))}


def moved_states(inputs: NariInputs) -> torch.Tensor:
    """States (L, N, d) of a model that has moved a little, examples in order."""
    own = torch.from_numpy(inputs.states[list(LAYERS)])[:, torch.arange(own_length(inputs) - 1, -1, -1)]
    return own + 0.1 * own.std() * torch.randn(own.shape, generator=torch.Generator().manual_seed(4))


def own_length(inputs: NariInputs) -> int:
    return len(inputs.stimulus_ids)


def map_of(inputs: NariInputs, layer: int, betas: np.ndarray, problem: int, alpha: float) -> np.ndarray:
    """W (v, d) of scikit-learn on the type's problems, the problem itself left out."""
    pool = [row for row in inputs.pool if inputs.types[row] == inputs.types[problem] and row != problem]
    ridge = Ridge(alpha=alpha, solver="svd").fit(inputs.states[layer][pool].astype(np.float64), betas[pool])
    return np.atleast_2d(ridge.coef_)


def compared(predicted: np.ndarray, measured: np.ndarray, loss: str) -> float:
    if loss == "mse":
        return float(np.mean((predicted - measured) ** 2))
    if loss == "pearson":
        predicted, measured = predicted - predicted.mean(), measured - measured.mean()
    return 1 - float(predicted @ measured / np.linalg.norm(predicted) / np.linalg.norm(measured))


@pytest.mark.parametrize("loss", ["cosine", "pearson", "mse"])
@pytest.mark.parametrize("site", ["attention", "layer"])
def test_the_brain_loss_is_that_of_ridge_maps_without_the_example(loss: str, site: str) -> None:
    config = both(loss=loss, site=site, ridge_alphas=(10.0,))
    given = inputs(config)
    states, order = moved_states(given), list(reversed(range(own_length(given))))
    rows = [3, 11, 4]
    expected = 0.0
    for row in rows:
        problem = order[row]
        solvers = np.flatnonzero(given.correct[:, problem])
        for subject in solvers:
            betas = given.betas[given.subjects[subject]].astype(np.float64)
            for place, layer in enumerate(LAYERS):
                weights = map_of(given, layer, betas, problem, 10.0)
                predicted = weights @ states[place, row].double().numpy()
                expected += compared(predicted, betas[problem], loss) / len(solvers)
    targets = betas_targets(given, numbers(given), config, "guided", NAMES)
    assert [term.name for term in targets] == ["brain", "brain"]
    found = sum(float(term.loss(states[:, rows], rows)) for term in targets)
    assert found == pytest.approx(expected, rel=1e-4)


def test_arms_put_other_betas_in_the_subjects_place() -> None:
    config = both()
    given = inputs(config)
    states, rows = moved_states(given), [0, 5]
    values = {}
    for arm in ("guided", "random_betas", "label_as_betas"):
        terms = betas_targets(given, numbers(given), config, arm, NAMES)
        values[arm] = sum(float(term.loss(states[:, rows], rows)) for term in terms)
        again = betas_targets(given, numbers(given), config, arm, ("key", 1))
        same = all(one.content_hash == other.content_hash for one, other in zip(terms, again, strict=True))
        assert same == (arm != "random_betas")
    assert len(set(values.values())) == 3
    group = form_groups(given, LAYERS)[0]
    drawn = RandomBetas(group, config.maps, NAMES).betas()
    maps = fit_guidance(
        given.states[list(LAYERS)],
        drawn,
        pool=group.pool,
        targets=np.unique(group.pairs.problems),
        config=GuidanceConfig(config.ridge_alphas),
    )
    term = betas_targets(given, numbers(given), config, "random_betas", NAMES)[0]
    np.testing.assert_array_equal(term.basis.numpy(), maps.basis)
    assert np.isin(term.forms.y_norm.numpy(), maps.y_norm).all()
    with pytest.raises(InputError, match="found 'bias'"):
        betas_targets(given, numbers(given), config, "bias", NAMES)


def found_by_search(given: NariInputs) -> tuple[Displacements, int]:
    """Three displacements of one problem that the model had wrong, one of a problem that it had right."""
    wrong = np.flatnonzero(given.answers.answer != given.labels)
    right = np.flatnonzero(given.answers.answer == given.labels)
    rng = np.random.default_rng(0)
    values = rng.standard_normal((4, len(LAYERS), given.states.shape[2])).astype(np.float32)
    values[:3] *= np.array([2.0, 0.5, 1.0], dtype=np.float32)[:, None, None]
    problems = np.array([wrong[0], wrong[0], wrong[0], right[0]])
    return Displacements(LAYERS, np.array([0, 1, 2, 0]), problems, values), int(wrong[0])


@pytest.mark.parametrize("mode", ["nearest", "all"])
def test_reached_states_draw_wrong_problems_and_their_own_hold_right_ones(mode: str) -> None:
    config = both(targets=mode)
    given = inputs(config)
    found, wrong = found_by_search(given)
    states, n = moved_states(given), own_length(given)
    brain, regulariser = states_targets(given, found, numbers(given), config)
    assert (brain.name, regulariser.name) == ("brain", "regulariser")
    assert brain.examples.tolist() == [n - 1 - wrong]
    is_right = given.answers.answer == given.labels
    assert regulariser.examples.tolist() == sorted(n - 1 - np.flatnonzero(is_right))
    own = given.states[list(LAYERS)].astype(np.float64)
    used = [1] if mode == "nearest" else [0, 1, 2]

    def error(row: int, target: np.ndarray) -> float:
        return float(((states[:, row].numpy() - target) ** 2).mean(axis=-1).sum())

    rows = list(range(n))
    expected = np.mean([error(n - 1 - wrong, own[:, wrong] + found.values[k]) for k in used])
    assert float(brain.loss(states, rows)) == pytest.approx(expected, rel=1e-4)
    held = sum(error(n - 1 - p, own[:, p]) for p in np.flatnonzero(is_right))
    assert float(regulariser.loss(states, rows)) == pytest.approx(held, rel=1e-4)
    other = [row for row in rows if row != n - 1 - wrong]
    assert float(brain.loss(states[:, other], other)) == 0.0


def test_displacements_of_other_layers_are_refused() -> None:
    config = both(targets="all", layers=(0, 1))
    given = inputs(config)
    with pytest.raises(InputError, match=r"layers \[0, 1\], found \[1, 2\]"):
        states_targets(given, found_by_search(given)[0], numbers(given), config)


def test_only_targets_among_the_examples_guide() -> None:
    config = both()
    given = inputs(config)
    half = replace(given, targets=given.targets[::2])
    terms = betas_targets(half, numbers(given), config, "guided", NAMES)
    guided = {int(row) for term in terms for row in term.examples}
    assert guided == {own_length(given) - 1 - int(row) for row in half.targets if given.correct[:, row].any()}
    with pytest.raises(InputError, match="fine-tuning"):
        given.prompts.answer(np.array([0]), LAYERS, torch.zeros(1, 2, 64))
