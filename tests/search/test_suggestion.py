"""Each sampler does what Optuna's own does on the same view, and meets conditions, constraints and failures."""

from dataclasses import replace
from typing import Any

import optuna
import pytest
from optuna.samplers import NSGAIISampler, TPESampler

from brainalign.artifacts import TrialRow, stream_seed
from brainalign.search.ledger import Ledger
from brainalign.search.parameters import Parameters
from brainalign.search.suggestion import Suggester
from brainalign.study import Branch, Place, Study, parse_study
from tests.search.test_ledger import finish, make_study

BRANCH = Branch("tiny-random-llama", "nari", "guided")
RANGES = {"alpha": {"low": 0.3, "high": 10, "log": True}, "learning_rate": {"low": 0.01, "high": 0.3}}


def place(number: int) -> Place:
    return Place(BRANCH, number, "selection")


def score(setting: dict[str, Any]) -> float:
    return -abs(setting["alpha"] - 2) - 10 * abs(setting["learning_rate"] - 0.05)


def run(study: Study, n_trials: int, failing: tuple[int, ...] = ()) -> tuple[Ledger, list[dict]]:
    """Suggest and finish trials one after another."""
    ledger = Ledger(study, [])
    suggester, settings = Suggester(ledger), []
    for number in range(n_trials):
        setting = suggester.suggest(place(number))
        settings.append(setting)
        ledger.finish(finish(place(number), setting, None if number in failing else score(setting)))
    return ledger, settings


def test_a_suggestion_of_tpe_is_that_of_optunas_own_sampler_on_the_same_trials() -> None:
    study = make_study(trials=30, window=4, startup_trials=3)
    ledger, settings = run(study, 30)
    parameters = Parameters.of(study, "nari")
    number = 20
    seed = stream_seed("search", 0, "tiny-random-llama", "nari", "guided", number)
    theirs = optuna.create_study(direction="maximize", sampler=TPESampler(seed=seed, n_startup_trials=3))
    for other in range(number):
        params, distributions = parameters.known(settings[other])
        seen = other <= number - 4
        row = ledger.trial_row(BRANCH, other)
        assert row is not None
        state = optuna.trial.TrialState.COMPLETE if seen else optuna.trial.TrialState.RUNNING
        theirs.add_trial(
            optuna.create_trial(
                state=state, value=row.objective if seen else None, params=params, distributions=distributions
            )
        )
    assert parameters.complete(theirs.ask(parameters.free).params) == settings[number]


def test_a_conditional_dimension_is_searched_where_its_condition_is_met_and_the_sources_elsewhere() -> None:
    space = {
        "alpha": RANGES["alpha"],
        "loss": ["cosine", "mse"],
        "learning_rate": {**RANGES["learning_rate"], "when": {"loss": "mse"}},
    }
    for sampler in ("tpe", "random", "nsgaii", "qmc", "grid"):
        study = make_study(sampler=sampler, space=space, trials=16, population=4)
        _, settings = run(study, 16)
        rates = {loss: {s["learning_rate"] for s in settings if s["loss"] == loss} for loss in ("cosine", "mse")}
        assert rates["cosine"] == {0.1}
        assert len(rates["mse"]) > 2
        assert all(0.01 <= rate <= 0.3 for rate in rates["mse"])
        params, _ = Parameters.of(study, "nari").known({**settings[0], "loss": "cosine", "learning_rate": 0.1})
        assert set(params) == {"alpha", "loss"}


def test_qmc_walks_one_sequence_better_spread_than_chance() -> None:
    study = make_study(sampler="qmc", space=RANGES, trials=32)
    _, settings = run(study, 32)
    rates = sorted(setting["learning_rate"] for setting in settings)
    cells = {int((rate - 0.01) / 0.29 * 32) for rate in rates}
    assert len(cells) == 32  # a scrambled Sobol sequence has one point in each of 2^k slices
    suggester = Suggester(Ledger(study, []))
    assert suggester.suggest(place(9)) == settings[9]


@pytest.mark.parametrize("sampler", ["cmaes", "nsgaii"])
def test_generations_come_nearer_to_the_best_and_stand_failures(sampler: str) -> None:
    study = make_study(sampler=sampler, space=RANGES, trials=60, population=6)
    ledger, settings = run(study, 60, failing=(3, 7, *range(12, 17)))
    scores = [score(setting) for setting in settings]
    assert sum(scores[-12:]) / 12 > sum(scores[:12]) / 12 + 0.3
    again = Suggester(Ledger(study, ledger.rows.values()))
    assert again.suggest(place(59)) == settings[59]
    assert again.suggest(place(20)) == settings[20]


@pytest.mark.parametrize("sampler", ["cmaes", "nsgaii"])
def test_generations_without_any_success_go_on(sampler: str) -> None:
    study = make_study(sampler=sampler, space=RANGES, trials=18, population=6)
    _, settings = run(study, 18, failing=(*range(11), *range(12, 18)))
    assert len({setting["alpha"] for setting in settings}) > 15


def test_nsgaii_survivors_are_those_that_optuna_keeps() -> None:
    study = make_study(sampler="nsgaii", space=RANGES, trials=12, population=4, objective=["corrected", "broken"])
    ledger, _ = run(study, 12)
    suggester = Suggester(ledger)
    suggester.suggest(place(11))
    ours = suggester._views[BRANCH]._parents
    theirs = NSGAIISampler(population_size=4)
    view = optuna.create_study(directions=["maximize", "minimize"])
    key = theirs._get_generation_key()
    for row in ledger.trials(BRANCH)[:8]:
        values = [row.objective, row.metrics["broken"]]
        view.add_trial(optuna.create_trial(values=values, system_attrs={key: row.number // 4}))
    for generation in (1, 2):
        kept = {trial.number for trial in theirs.get_parent_population(view, generation)}
        assert {trial.number for trial in ours[generation]} == kept


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii"])
def test_constraints_reach_the_sampler(sampler: str) -> None:
    # `invalid` is 0.05 alpha: the best objective lies at alpha 2, where invalid is 0.1.
    bounds = {"invalid": {"at_most": 0.05}}
    common = {"sampler": sampler, "space": RANGES, "trials": 80, "window": 1, "startup_trials": 8, "population": 8}
    free, bound = make_study(**common), make_study(**common, constraints=bounds)
    met = [sum(setting["alpha"] <= 1 for setting in run(study, 80)[1][-24:]) for study in (free, bound)]
    assert met[1] > met[0] + 8
    suggester = Suggester(run(bound, 40)[0])
    suggester.suggest(place(39))
    seen = suggester._views[BRANCH]._view.trials[5].constraints
    assert list(seen) == ["invalid at most 0.05"]


def test_the_gaussian_process_learns() -> None:
    study = make_study(sampler="gp", space={"alpha": RANGES["alpha"]}, trials=12, window=1, startup_trials=5)
    rows: list[TrialRow] = []
    default = study.enqueued("nari") or [{"learning_rate": 0.05}]
    for number, alpha in enumerate((0.4, 1.0, 1.8, 4.0, 9.0, 2.6)):
        setting = {**default[0], "alpha": alpha}
        rows.append(finish(place(number), setting, -abs(alpha - 2)))
    found = Suggester(Ledger(study, rows)).suggest(place(6))["alpha"]
    assert 1.2 < found < 3.4


@pytest.mark.parametrize("objective", ["net_balanced_accuracy", ["net_balanced_accuracy", "broken"]])
def test_pruned_trials_are_no_obstacle(objective: Any) -> None:
    for sampler in ("tpe", "nsgaii", "cmaes") if objective == "net_balanced_accuracy" else ("tpe", "nsgaii"):
        study = make_study(sampler=sampler, space=RANGES, trials=16, population=4, window=2, objective=objective)
        ledger = Ledger(study, [])
        suggester = Suggester(ledger)
        for number in range(16):
            setting = suggester.suggest(place(number))
            row = finish(place(number), setting, None if number % 3 else score(setting))
            ledger.finish(row if number % 3 == 0 else replace(row, state="PRUNED"))
        assert len({(row.setting["alpha"], row.setting["learning_rate"]) for row in ledger.trials(BRANCH)}) > 8


def test_a_setting_outside_of_the_space_disturbs_no_sampler() -> None:
    for sampler in ("tpe", "cmaes", "nsgaii", "gp"):
        enqueue = [{"alpha": 99.0}, {"alpha": 0.5}]
        study = make_study(sampler=sampler, space=RANGES, trials=8, population=4, enqueue=enqueue, startup_trials=20)
        _, settings = run(study, 8)
        assert settings[0]["alpha"] == 99.0
        assert all(0.3 <= setting["alpha"] <= 10 for setting in settings[1:])


def test_a_space_of_one_point_is_suggested_again_and_again() -> None:
    for sampler in ("tpe", "random", "qmc", "nsgaii", "grid"):
        study = parse_study(
            {
                "name": "s",
                "models": ["tiny-random-llama"],
                "kinds": {"nari": {"sampler": sampler, "trials": 9, "population": 3, "space": {"alpha": 3.0}}},
            },
            "study.yaml",
        )
        _, settings = run(study, 9)
        assert {setting["alpha"] for setting in settings} == {3.0}
