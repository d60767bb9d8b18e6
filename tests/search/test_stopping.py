"""Who is stopped depends on names and results alone: thresholds against Optuna's own, any number of workers, resume."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.pruners._successive_halving import _is_trial_promotable_to_next_rung
from optuna.study import StudyDirection
from optuna.trial import TrialState

from brainalign.artifacts import TrialRow
from brainalign.errors import InputError
from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.stopping import asha_least, median_least, promoted, rungs_of
from brainalign.search.suggestion import Suggester
from brainalign.search.view import BranchView
from brainalign.study import Branch, Place, Study, n_awaited, parse_study, smoke
from brainalign.trials import rung_metrics, values_at_rungs
from tests.artifacts.test_store import trial_row

SPACE = {"learning_rate": {"low": 1e-5, "high": 1e-2, "log": True}, "lora_rank": [4, 8], "epochs": 27}
RULES = {
    "asha": {"rule": "asha", "rungs": [1, 3, 9]},
    "median": {"rule": "median", "rungs": [2, 9], "least": 3},
    "halving": {"rule": "halving", "rungs": [1, 3, 9], "bracket": 9},
}


def make_study(rule: str, **section: object) -> Study:
    body = {"trials": 18, "window": 4, "startup_trials": 3, "space": SPACE, "stopping": RULES[rule], **section}
    return parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": {"label": body}}, "study.yaml")


BRANCH = Branch("tiny-random-llama", "label", "label")


def curve(place: Place, setting: dict, at: int) -> float:
    """A made-up validation score: better with epochs, best near a learning rate of 1e-3, with noise by name."""
    noise = random.Random(f"{place}/{at}").gauss(0, 0.05)
    return 1 - 0.2 * abs(np.log10(setting["learning_rate"]) + 3) - 0.3 / at + noise


def row_of(place: Place, setting: dict, values: dict[int, float], state: str) -> TrialRow:
    complete = state == "COMPLETE"
    objective = curve(place, setting, 27) if complete else None
    metrics = {"net_balanced_accuracy": objective} if objective is not None else {}
    row = trial_row(place.number, model=place.branch.model, kind="label", arm="label", part=place.part)
    return replace(row, setting=setting, state=state, objective=objective, metrics=metrics | rung_metrics(values))


def play(study: Study, n_workers: int, seed: int, rows: tuple[TrialRow, ...] = ()) -> tuple[dict[Place, TrialRow], int]:
    """Run a study by workers that finish in a random order; its rows, and the epochs that were run."""
    chance, ledger, n_epochs = random.Random(seed), Ledger(study, rows), 0
    suggester, running, trained = Suggester(ledger), [], {}
    while True:
        while len(running) < n_workers and (place := ledger.next_place()):
            setting = suggester.suggest(place)
            rungs = rungs_of(ledger, place)
            ledger.start(place, setting)
            running.append((place, setting, rungs))
        if not running:
            assert ledger.complete
            assert not ledger.paused
            return ledger.rows, n_epochs
        place, setting, rungs = running.pop(chance.randrange(len(running)))
        verdict, values = rungs.verdict({at: curve(place, setting, at) for at in rungs.at})
        reached = max(values) if verdict != "go" else 27
        n_epochs += max(0, reached - trained.get(place, 0))
        trained[place] = reached
        if verdict == "pause":
            ledger.pause(place, values)
        elif place.part == "selection" and place.number == 5:
            ledger.finish(row_of(place, setting, dict(rungs.known), "FAILED"))
        else:
            ledger.finish(row_of(place, setting, values, "PRUNED" if verdict == "stop" else "COMPLETE"))


def table(rows: dict[Place, TrialRow]) -> list[tuple]:
    return sorted((str(place), str(row.setting), row.state, str(row.metrics)) for place, row in rows.items())


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("rule", RULES)
def test_one_two_and_eight_workers_in_any_order_stop_the_same_trials(rule: str, sampler: str) -> None:
    study = make_study(rule, sampler=sampler)
    rows, n_epochs = play(study, 1, 0)
    states = [row.state for row in rows.values()]
    assert states.count("PRUNED") >= 4
    assert states.count("FAILED") == 1
    assert n_epochs < 0.8 * 27 * 18
    for n_workers, seed in ((2, 1), (8, 2), (8, 3)):
        assert table(play(study, n_workers, seed)[0]) == table(rows)


@pytest.mark.parametrize("rule", RULES)
def test_a_study_resumed_from_what_was_on_disk_stops_the_same_trials(rule: str) -> None:
    study = make_study(rule)
    whole, _ = play(study, 2, 0)
    chance = random.Random(3)
    for _ in range(4):
        kept = [row for place, row in whole.items() if place.part == "selection" and chance.random() < 0.5]
        if rule != "halving":  # what learns from a prefix cannot be on disk before it
            n_first = chance.randrange(2, 15)
            kept = [row for place, row in whole.items() if place.part == "selection" and place.number < n_first]
        else:  # of a bracket any trial may have ended before the driver died, once all were at the first rung
            kept = [row for row in kept if row.number < 9]
        assert table(play(study, 3, 1, tuple(kept))[0]) == table(whole)


@pytest.mark.parametrize("n_others", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("reduction", [2, 3, 4])
def test_asha_keeps_whom_optunas_own_pruner_promotes(n_others: int, reduction: int) -> None:
    rng = np.random.default_rng(n_others * 10 + reduction)
    others = rng.integers(0, 8, n_others) / 8  # with ties
    least = asha_least(others.tolist(), reduction)
    assert least is not None
    for value in (*np.unique(others), 0.03, 0.55, 2.0):
        theirs = _is_trial_promotable_to_next_rung(value, [*others.tolist(), value], reduction, StudyDirection.MAXIMIZE)
        assert (value >= least) == theirs


def test_the_median_is_that_of_optunas_pruner() -> None:
    for own in (0.2, 0.45, 0.5, 0.9):
        study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(0, 0))
        for value in (0.3, 0.5, 0.4, 0.6, 0.7):
            trial = study.ask()
            trial.report(value, 1)
            study.tell(trial, value)
        trial = study.ask()
        trial.report(own, 1)
        least = median_least([0.3, 0.5, 0.4, 0.6, 0.7])
        assert (own < least) == trial.should_prune()


def test_a_bracket_promotes_the_best_third_and_of_equals_the_earlier() -> None:
    assert promoted({0: 0.5, 1: 0.7, 2: 0.5, 3: 0.1, 4: 0.2, 5: 0.5}, 3) == {1, 0}
    assert promoted({7: 0.1, 8: 0.1}, 3) == {7}


def test_of_a_bracket_one_ninth_is_trained_to_the_end_and_no_more() -> None:
    rows, _ = play(make_study("halving"), 2, 0)
    for start in (0, 9):
        searched = [row for place, row in rows.items() if place.part == "selection" and place.number // 9 == start // 9]
        assert sum(row.state == "COMPLETE" for row in searched) == 1
        at = {rung: sum(rung in values_at_rungs(row.metrics) for row in searched) for rung in (1, 3, 9)}
        assert at == {1: 9, 3: 3, 9: 1}


def test_what_a_trial_took_before_it_waited_counts_when_it_goes_on() -> None:
    ledger = Ledger(make_study("halving"), [])
    for number in range(9):
        place = Place(BRANCH, number, "selection")
        ledger.start(place, {})
        ledger.pause(place, {1: number / 10}, 5.0)
    best, worst = (Place(BRANCH, number, "selection") for number in (8, 0))
    assert ledger.next_place() == worst
    assert rungs_of(ledger, worst).verdict({1: 0.0})[0] == "stop"
    going = rungs_of(ledger, best)
    assert (going.verdict({1: 0.8})[0], going.pause, going.spent_s, going.known) == ("go", 3, 5.0, {1: 0.8})
    ledger.start(best, {})
    ledger.pause(best, {1: 0.8, 3: 0.9}, 7.0)
    assert rungs_of(ledger, best).spent_s == 12.0


def test_a_trial_waits_for_those_that_it_is_compared_with_whatever_its_sampler_learns_from() -> None:
    assert [n_awaited(make_study("asha", sampler="random"), "label", number) for number in (2, 3, 4, 10)] == [
        0,
        0,
        1,
        7,
    ]
    assert n_awaited(make_study("halving", sampler="random"), "label", 10) == 0
    assert [n_awaited(make_study("halving"), "label", number) for number in (5, 8, 9, 10, 17)] == [0, 0, 6, 7, 9]


def test_a_stopped_trial_is_pruned_in_optuna_with_its_values_and_its_sampler_learns_from_them(tmp_path: Path) -> None:
    study = make_study("asha")
    rows, _ = play(study, 2, 0)
    mirror = OptunaMirror(tmp_path / "journal", study)
    searched = [row for row in rows.values() if row.part == "selection"]
    for row in searched[:9]:
        place = Place(BRANCH, row.number, "selection")
        mirror.ask(place, row.setting)
        mirror.tell(place, row)
    mirror.rebuild(searched)
    assert mirror.finished() == {row.place: mirror.state(row) for row in searched}
    stored = optuna.load_study(
        study_name=f"s/{BRANCH}",
        storage=optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal"))),
    )
    by_place = {trial.user_attrs["place"]: trial for trial in stored.trials}
    for row in searched:
        trial = by_place[row.place]
        assert (trial.state is TrialState.PRUNED) == (row.state == "PRUNED")
        assert trial.intermediate_values == values_at_rungs(row.metrics)
    view = BranchView(Ledger(study, searched[:-4]), BRANCH)
    view.suggest(len(searched) - 1)
    seen = {trial.number: trial for trial in view._view.get_trials()[: len(searched) - 4]}
    stopped = [row for row in searched[:-4] if row.state == "PRUNED"]
    assert stopped
    for row in stopped:
        trial = seen[row.number]
        assert (trial.state, trial.intermediate_values) == (TrialState.PRUNED, values_at_rungs(row.metrics))


def test_the_winner_was_not_stopped_and_stopping_is_part_of_what_a_study_is() -> None:
    study = make_study("asha")
    rows, _ = play(study, 2, 0)
    reported = next(row for row in rows.values() if row.part == "report")
    best = max((row for row in rows.values() if row.objective is not None and row.part == "selection"), key=score)
    assert reported.setting == best.setting
    assert study.identity != make_study("median").identity
    assert len({make_study("asha", stopping=None).identity, study.identity}) == 2
    assert smoke(make_study("halving")).kinds["label"].stopping.bracket == 2


def score(row: TrialRow) -> tuple:
    return row.objective, -row.number


@pytest.mark.parametrize(
    ("kind", "section", "message"),
    [
        ("label", {"rule": "ahsa", "rungs": [1]}, "'asha', 'median' or 'halving'"),
        ("label", {"rule": "asha", "rungs": [3, 1]}, "rising order"),
        ("label", {"rule": "asha", "rungs": []}, "at least 1"),
        ("label", {"rule": "asha", "rungs": [1], "bracket": 9}, "with halving only"),
        ("label", {"rule": "halving", "rungs": [1]}, "expected a bracket"),
        ("label", {"rule": "halving", "rungs": [1], "bracket": 7}, "divisor of the 18 trials"),
        ("nari", {"rule": "halving", "rungs": [1], "bracket": 9}, "cannot wait at a rung"),
        ("nari_transfer", {"rule": "asha", "rungs": [1]}, "can be stopped early, found nari_transfer"),
        ("label", {"rule": "asha", "rungs": [1], "windw": 2}, "stopping"),
    ],
)
def test_what_cannot_be_stopped_is_refused(kind: str, section: dict, message: str) -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "kinds": {kind: {"trials": 18, "stopping": section}}}
    with pytest.raises(InputError, match=message):
        parse_study(raw, "study.yaml")
