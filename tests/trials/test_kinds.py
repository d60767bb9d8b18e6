"""Kinds of trial: what they say of themselves, and what a key depends on."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brainalign.artifacts import Part, Store, content_key
from brainalign.betas import SimulatorConfig, load_betas
from brainalign.errors import InputError
from brainalign.spaces import Choice, LayerRuns, Range, flatten
from brainalign.steering import ARMS
from brainalign.stimuli import split_problems
from brainalign.trials import KINDS, Ask, Context, trial_kind
from brainalign.zoo import model_facts

SMALL = SimulatorConfig(n_subjects=2, n_problems_per_type=20, seed=3)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    dataset = load_betas(simulate=SMALL)
    folder: Path = tmp_path_factory.mktemp("store")
    return Context(Store(folder), dataset, split_problems(dataset.problems), "tiny-random-llama")


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest):
    return trial_kind(request.param)


def small_setting(kind, **changes: object) -> dict[str, object]:
    """A kind's own setting, of as little work as can be, with those changes that it reads."""
    small = {"n_steps": 20, "epochs": 2, "validation_problems": 4, "test_problems": 4} | changes
    default = kind.default_setting()
    return {**default, **{name: value for name, value in small.items() if name in default}}


class TestEveryKind:
    """The contract that each kind keeps."""

    def test_its_default_setting_is_spelled_by_its_default_space(self, kind) -> None:
        assert set(kind.default_setting()) == set(kind.default_space())
        assert flatten(kind.default_space())

    def test_its_default_arms_are_some_of_its_arms_the_method_first(self, kind) -> None:
        assert set(kind.default_arms) <= set(kind.arms)
        assert kind.default_arms[0] == kind.arms[0]

    def test_its_default_space_runs_on_every_model(self, kind) -> None:
        for model in ("tiny-random-gemma2", "smollm2-135m"):
            kind.check(kind.default_space(), model_facts(model), 2)
            needs = kind.resources(model_facts(model))
            assert needs.cpus > 0
            assert needs.memory_gib >= model_facts(model).memory_gib

    def test_it_gives_the_metrics_that_it_promises_and_the_same_twice(self, kind, context: Context) -> None:
        ask = Ask(small_setting(kind), kind.arms[0], "selection", 0)
        key = content_key("t", 1, kind.identity(ask, context))
        first, again = kind.run(ask, context, key), kind.run(ask, context, key)
        assert {*kind.objectives, *kind.minimised} <= set(first.metrics)
        assert first.metrics == again.metrics
        assert str(first.outcomes.to_pylist()) == str(again.outcomes.to_pylist())  # NaN is not equal to itself
        assert (first.key, first.kind, first.arm) == (key, kind.name, kind.arms[0])

    def test_its_identity_is_json_and_tells_arms_and_settings_apart(self, kind, context: Context) -> None:
        ask = Ask(kind.default_setting(), kind.arms[0], "selection", 0)
        asks = [ask, *(replace(ask, arm=arm) for arm in kind.arms[1:])]
        other = {"roi": "md"} if "roi" in ask.setting else {"learning_rate": 0.5}
        asks.append(replace(ask, setting={**ask.setting, **other}))
        keys = {content_key("t", 1, kind.identity(one, context)) for one in asks}
        assert len(keys) == len(asks)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'predictivity'"):
        trial_kind("predictvity")


def test_the_arms_of_nari_are_those_that_steering_has() -> None:
    assert set(trial_kind("nari").arms) == set(ARMS)


def test_a_study_that_names_no_arms_gets_the_affordable_ones() -> None:
    from brainalign.study import parse_study

    study = parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": {"nari": {}, "nari_transfer": {}}}, "s")
    assert study.arms("nari") == trial_kind("nari").default_arms
    assert not {"prompt", "best_subject"} & set(study.arms("nari"))
    assert study.arms("nari_transfer")[0] == "guided"


@pytest.mark.parametrize("arm", ["prompt", "other_roi", "label", "best_subject", "random_betas_mean"])
def test_further_arms_run_as_trials(context: Context, arm: str) -> None:
    nari = trial_kind("nari")
    ask = Ask({**nari.default_setting(), "n_steps": 20}, arm, "selection", 0)
    found = nari.run(ask, context, "key")
    guided = nari.run(replace(ask, arm="guided"), context, "key")
    columns = ["subject", "stimulus_id", "targeted"]
    assert found.outcomes.select(columns).equals(guided.outcomes.select(columns))
    assert found.detail.get("other_roi") == ("language" if arm == "other_roi" else None)


def test_equal_layers_meet_under_one_key_however_they_are_spelled(context: Context) -> None:
    nari = trial_kind("nari")
    base = Ask(nari.default_setting(), "guided", "selection", 0)
    same = replace(base, setting={**base.setting, "layers": {"run": "1-2"}})
    assert nari.identity(base, context) == nari.identity(same, context)


def test_the_search_fits_its_maps_on_the_selection_part_alone(context: Context) -> None:
    nari = trial_kind("nari")
    ask = Ask(nari.default_setting(), "guided", "selection", 0)
    searched, reported = nari.identity(ask, context), nari.identity(replace(ask, part="report"), context)
    assert set(searched["pool"]) == set(context.split.selection)
    assert set(reported["pool"]) == set(context.dataset.problems.ids)
    assert not set(searched["targets"]) & set(reported["targets"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"roi": Choice(options=("language", "dr"))}, "found 'dr'"),
        ({"loss": Choice(options=("cosin",))}, "found 'cosin'"),
        ({"alpha": Range(low=-1, high=2)}, "at least 0"),
        ({"check_every": Choice(options=(500,))}, "check_every <= n_steps"),
        ({"n_steps": Range(low=10, high=20)}, "integer: true"),
        ({"learning_rate": Choice(options=(0.0,))}, "at least"),
        ({"layers": LayerRuns(runs=((2, 4),))}, "4 layers"),
        ({"layers": Choice(options=(3,))}, "relative depth"),
    ],
)
def test_a_space_that_cannot_run_is_refused_before_the_start(change: dict, message: str) -> None:
    nari = trial_kind("nari")
    with pytest.raises(InputError, match=message):
        nari.check({**nari.default_space(), **change}, model_facts("tiny-random-llama"), 2)


def test_shuffled_betas_are_not_predicted_and_planted_structure_is(context: Context) -> None:
    from brainalign.activations import extract
    from brainalign.betas import simulate_dataset, simulated_problems

    config = replace(SMALL, n_problems_per_type=35, noise_ceiling=0.8)
    problems = simulated_problems(config)
    states = extract(context.model, problems, context.dataset.wording)
    dataset = simulate_dataset(config, features=states.site("attention", 2))
    planted = Context(context.store, dataset, split_problems(dataset.problems), "tiny-random-llama")
    kind = trial_kind("predictivity")
    scores = {}
    for arm in kind.arms:
        ask = Ask(kind.default_setting(), arm, "selection", 0)
        scores[arm] = kind.run(ask, planted, "key").metrics["score"]
    assert scores["measured"] > 0.4
    assert abs(scores["shuffled"]) < 0.25


def test_fewer_features_are_another_result_and_all_of_them_the_one_of_before(context: Context) -> None:
    kind = trial_kind("predictivity")
    whole = kind.default_setting()
    before = {name: value for name, value in whole.items() if name != "features"}
    keys = [
        content_key("t", 1, kind.identity(Ask(setting, "measured", "selection", replicate), context))
        for setting, replicate in (
            (before, 0),
            (whole, 1),
            ({**whole, "features": 8}, 0),
            ({**whole, "features": 8}, 1),
        )
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    few = kind.run(Ask({**whole, "features": 8}, "measured", "selection", 0), context, "key")
    all_ = kind.run(Ask(whole, "measured", "selection", 0), context, "key")
    assert few.metrics["score"] != all_.metrics["score"]


def test_more_features_than_a_model_has_are_refused_before_the_first_trial(context: Context) -> None:
    kind, facts = trial_kind("predictivity"), context.model.facts
    space = kind.default_space() | {"features": Choice(options=(0, facts.hidden_size + 1))}
    with pytest.raises(InputError, match=f"from 0 .all. to {facts.hidden_size}"):
        kind.check(space, facts, 2)


def test_how_a_model_is_held_is_part_of_every_key(context: Context) -> None:
    held = Context(context.store, context.dataset, context.split, context.model_name, dtype="bfloat16")
    ask = Ask(trial_kind("nari").default_setting(), "guided", "selection", 0)
    assert trial_kind("nari").identity(ask, held) != trial_kind("nari").identity(ask, context)
    assert held.model.module.dtype == torch.bfloat16


class TestSubjectsWhoSawOtherProblems:
    """Every kind on data of the HCP shape."""

    @pytest.fixture(scope="class")
    def ragged(self, tmp_path_factory: pytest.TempPathFactory) -> Context:
        dataset = load_betas(
            dataset="hcp", simulate=SimulatorConfig(dataset="hcp", n_subjects=2, n_problems_per_type=36, seed=3)
        )
        folder: Path = tmp_path_factory.mktemp("store")
        return Context(Store(folder), dataset, split_problems(dataset.problems), "tiny-random-llama")

    @pytest.mark.parametrize("part", ["selection", "report"])
    def test_the_method_and_its_controls_run(self, kind, ragged: Context, part: Part) -> None:
        setting = small_setting(kind, roi="md")
        for arm in kind.default_arms:
            ask = Ask(setting, arm, part, 0)
            result = kind.run(ask, ragged, content_key("t", 1, kind.identity(ask, ragged)))
            assert set(kind.objectives) <= set(result.metrics)

    def test_shuffling_keeps_to_the_trials_that_a_subject_had(self, ragged: Context) -> None:
        kind = trial_kind("predictivity")
        ask = Ask({**kind.default_setting(), "roi": "md"}, "shuffled", "selection", 0)
        detail = kind.run(ask, ragged, "key").detail
        assert detail["subject_trials"] == {"sim-01": 24, "sim-02": 24}
