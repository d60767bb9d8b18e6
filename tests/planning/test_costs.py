"""Costs: measured where there are trials, modelled elsewhere, and always with the origin said."""

import math
from dataclasses import replace

import numpy as np
import pytest

from brainalign.planning import CostModel, reference_s, uniform_cluster
from brainalign.planning.costs import robust_ratio
from brainalign.planning.draws import draw, drawn_settings
from brainalign.spaces import parse_dimension
from brainalign.study import Branch, parse_study
from brainalign.trials import KINDS, Ask, DataSize, trial_kind
from brainalign.zoo import model_facts
from tests.artifacts.test_store import trial_row

DATA = DataSize(10, 500, {"selection": 35, "report": 35}, {"selection": 300, "report": 305})
CPU, GPU = uniform_cluster(1, 0, 0.0, 4), uniform_cluster(1, 8, 80.0, 64)
BRANCH = Branch("tiny-random-llama", "nari", "guided")
SETTING = KINDS["nari"].default_setting()


def rows(factor: float, n: int = 12, **changes: object) -> list:
    """Trials that took so many times as long as modelled, with a tenth of noise."""
    model, chance = CostModel(CPU, DATA), np.random.default_rng(1)
    made = []
    for number in range(n):
        setting = {**SETTING, "n_steps": int(chance.integers(20, 400))}
        seconds = factor * model.modelled_s(BRANCH, setting, "selection") * chance.lognormal(0, 0.1)
        made.append(trial_row(number, model=BRANCH.model, setting=setting, seconds=float(seconds), **changes))
    return made


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_counts_more_work_for_more_of_it(kind: str) -> None:
    found, facts = trial_kind(kind), model_facts("smollm2-135m")
    ask = Ask(found.default_setting(), found.arms[0], "selection", 0)
    twice = {name: {part: 2 * n for part, n in getattr(DATA, name).items()} for name in ("n_problems", "n_pairs")}
    few, many = (found.work(ask, facts, replace(DATA, **more)) for more in ({}, {"n_voxels": 5000, **twice}))
    wide = replace(facts, hidden_size=10 * facts.hidden_size, n_parameters=100 * facts.n_parameters)
    larger = found.work(ask, wide, DATA)
    assert 0 < few.flops < many.flops
    assert few.flops < larger.flops
    assert few.kept_bytes > 0


def test_without_trials_it_is_modelled_and_says_so() -> None:
    found = CostModel(CPU, DATA).seconds(BRANCH, SETTING)
    assert found.origin.startswith("modelled")
    assert found.high / found.value == pytest.approx(3.0)
    assert found.low < found.value < found.high


def test_measured_trials_of_other_settings_correct_the_model() -> None:
    model = CostModel(CPU, DATA, rows(4.0))
    found = model.seconds(BRANCH, SETTING)
    expected = 4.0 * model.modelled_s(BRANCH, SETTING, "selection")
    assert found.low < expected < found.high
    assert found.value == pytest.approx(expected, rel=0.1)
    assert found.high / found.low < 1.3
    assert found.origin == "measured on 12 trials"


def test_other_arms_and_other_models_help_with_wider_intervals() -> None:
    model = CostModel(CPU, DATA, rows(4.0))
    own, arm = model.seconds(BRANCH, SETTING), model.seconds(Branch(BRANCH.model, "nari", "label"), SETTING)
    other = model.seconds(Branch("tiny-random-qwen2", "nari", "guided"), SETTING)
    widths = [one.high / one.low for one in (own, arm, other)]
    assert widths == sorted(widths)
    assert "other arms" in arm.origin
    assert "other models" in other.origin


@pytest.mark.parametrize("change", [{"reused": True}, {"state": "FAILED"}, {"device": "NVIDIA H100"}])
def test_trials_that_say_nothing_are_left_out(change: dict) -> None:
    assert CostModel(CPU, DATA, rows(4.0, **change)).seconds(BRANCH, SETTING).origin.startswith("modelled")


def test_trials_of_a_cpu_say_nothing_of_gpus() -> None:
    assert CostModel(GPU, DATA, rows(4.0)).seconds(BRANCH, SETTING).origin.startswith("modelled")


def test_one_wild_trial_moves_little() -> None:
    wild = [*[1.0] * 20, 1000.0]
    assert robust_ratio(wild, 1.0, "").ratio == pytest.approx(1.0)


def test_the_interval_of_the_mean_holds_it_about_as_often_as_it_says() -> None:
    chance, hits = np.random.default_rng(2), 0
    for _ in range(400):
        found = robust_ratio(chance.lognormal(math.log(2), 0.3, size=8), 1.0, "")
        hits += found.low <= 2.0 <= found.high
    assert 0.91 < hits / 400 < 0.99


def test_drawn_settings_are_the_enqueued_ones_first_and_inside_the_space() -> None:
    section = {"trials": 30, "enqueue": [{"alpha": 7.0}], "space": {"alpha": {"low": 0.5, "high": 8, "log": True}}}
    study = parse_study({"name": "s", "models": [BRANCH.model], "kinds": {"nari": section}}, "s")
    settings = list(drawn_settings(study, BRANCH))
    assert len(settings) == 30
    assert settings[0]["alpha"] == 7.0
    assert all(0.5 <= setting["alpha"] <= 8 for setting in settings)
    assert settings == list(drawn_settings(study, BRANCH))
    space = {"x": parse_dimension("x", {"low": 1, "high": 3, "integer": True}), "y": parse_dimension("y", ["a", "b"])}
    point = draw(space, np.random.default_rng(0))
    assert point["x"] in (1, 2, 3)
    assert point["y"] in ("a", "b")


def test_a_cost_to_search_for_depends_on_the_setting_and_on_no_cluster_and_no_clock() -> None:
    kind, facts = "nari", model_facts("smollm2-135m")
    long, short = (Ask({**SETTING, "n_steps": n}, "guided", "selection", 0) for n in (400, 100))
    assert reference_s(kind, long, facts, DATA) == pytest.approx(4 * reference_s(kind, short, facts, DATA), rel=0.01)
    deep = Ask({**SETTING, "layers": {"start": 0.0, "width": 0.9}}, "guided", "selection", 0)
    assert reference_s(kind, deep, facts, DATA) > reference_s(kind, replace(deep, setting=SETTING), facts, DATA)
