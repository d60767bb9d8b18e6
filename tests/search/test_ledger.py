"""What comes next depends on names and finished trials, never on how many run at once."""

import json
import random

import pytest

from brainalign.artifacts import TrialRow
from brainalign.search.ledger import Ledger
from brainalign.search.suggestion import Suggester
from brainalign.study import Branch, Place, Study, n_learned_from, parse_study
from tests.artifacts.test_store import trial_row

SPACE = {"alpha": {"low": 0.3, "high": 10, "log": True}, "roi": ["deductive_reasoning", "md"], "n_steps": [50, 100]}


def make_study(**section: object) -> Study:
    nari = {"arms": ["guided", "bias"], "trials": 8, "window": 3, "startup_trials": 2, "space": SPACE, **section}
    kinds = {"predictivity": {"arms": ["measured"], "trials": 3, "sampler": "grid"}, "nari": nari}
    return parse_study({"name": "s", "models": ["tiny-random-llama"], "kinds": kinds}, "study.yaml")


def finish(place: Place, setting: dict, objective: float | None) -> TrialRow:
    branch = place.branch
    return trial_row(
        place.number,
        model=branch.model,
        kind=branch.kind,
        arm=branch.arm,
        part=place.part,
        repeat=place.repeat,
        setting=setting,
        objective=objective,
        metrics={"broken": 0.1 * float(setting.get("alpha", 1)), "invalid": 0.05 * float(setting.get("alpha", 1))},
        state="COMPLETE" if objective is not None else "FAILED",
    )


def play(study: Study, n_workers: int, seed: int, rows: tuple[TrialRow, ...] = ()) -> dict[Place, TrialRow]:
    """Run a study whose objective is a function of the setting, with workers that finish in a random order."""
    chance, ledger = random.Random(seed), Ledger(study, rows)
    suggester = Suggester(ledger)
    running: list[tuple[Place, dict]] = []
    while True:
        while len(running) < n_workers and (place := ledger.next_place()):
            setting = suggester.suggest(place)
            ledger.start(place, setting)
            running.append((place, setting))
        if not running:
            assert ledger.complete
            return ledger.rows
        place, setting = running.pop(chance.randrange(len(running)))
        score = -abs(setting["alpha"] - 2) + 0.1 * place.number % 0.3 if "alpha" in setting else 0.2
        ledger.finish(finish(place, setting, None if place.number == 5 else score))


def table(rows: dict[Place, TrialRow]) -> list[tuple]:
    return sorted((str(place), str(sorted(unnested(row))), row.state, row.objective) for place, row in rows.items())


def unnested(row: TrialRow) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in row.setting.items()]


SAMPLERS = {
    "tpe": {},
    "gp": {"trials": 5, "window": 2, "arms": ["guided"]},
    "cmaes": {"population": 4, "trials": 12},
    "nsgaii": {"population": 3, "objective": ["net_balanced_accuracy", "broken"]},
    "random": {},
    "grid": {},
    "qmc": {},
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_two_and_eight_workers_in_any_order_give_one_table(sampler: str) -> None:
    study = make_study(sampler=sampler, **SAMPLERS[sampler])
    alone = table(play(study, 1, 0))
    assert len(alone) == 3 + len(study.arms("nari")) * (study.n_trials("nari") + 1)
    assert len({row[1] for row in alone}) > len(alone) / 2
    for n_workers, seed in ((2, 1), (8, 3)) if sampler == "gp" else ((2, 1), (2, 2), (8, 3), (8, 4)):
        assert table(play(study, n_workers, seed)) == alone


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsgaii"])
def test_a_study_read_back_from_its_manifest_suggests_the_same(sampler: str) -> None:
    # Manifests sort their keys: the order of a space's names in the file must not matter.
    study = make_study(sampler=sampler, **SAMPLERS[sampler])
    again = Study.model_validate(json.loads(json.dumps(study.model_dump(mode="json"), sort_keys=True)))
    assert again.identity == study.identity
    assert table(play(again, 2, 0)) == table(play(study, 1, 1))


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsgaii", "qmc"])
def test_a_study_resumed_from_any_subset_of_its_rows_ends_the_same(sampler: str) -> None:
    study = make_study(sampler=sampler, **SAMPLERS[sampler])
    whole = play(study, 2, 0)
    chance = random.Random(7)
    for _ in range(5):
        # What was on disk when the driver died: an out-of-order subset that respects the window.
        prefix = chance.randrange(1, 6)
        kept = [row for place, row in whole.items() if place.part == "selection" and place.number < prefix]
        kept += [row for place, row in whole.items() if place.number == prefix and chance.random() < 0.5]
        kept = [row for row in kept if row.part == "selection"]
        assert table(play(study, 2, 1, tuple(kept))) == table(whole)


def test_a_trial_waits_until_all_it_learns_from_are_done() -> None:
    study = make_study(window=2)
    ledger, branch = Ledger(study, []), Branch("tiny-random-llama", "nari", "guided")
    for number in range(2):
        ledger.start(Place(branch, number, "selection"), {"alpha": 1.0})
    waiting = Place(branch, 2, "selection")
    assert not ledger._may_start(waiting)
    ledger.finish(finish(Place(branch, 1, "selection"), {"alpha": 1.0}, 0.1))
    assert not ledger._may_start(waiting)
    ledger.finish(finish(Place(branch, 0, "selection"), {"alpha": 1.0}, 0.1))
    assert ledger._may_start(waiting)


def test_a_lost_trial_is_left_by_this_run_and_asked_again_by_the_next() -> None:
    study, branch = make_study(window=2), Branch("tiny-random-llama", "nari", "guided")
    ledger, lost = Ledger(study, []), Place(branch, 0, "selection")
    setting = Suggester(ledger).suggest(lost)
    ledger.start(lost, setting)
    ledger.lose(lost)
    assert not ledger.complete
    places = []
    while place := ledger.next_place():
        places.append(place)
        ledger.start(place, Suggester(ledger).suggest(place))
        ledger.finish(finish(place, dict(ledger.running[place]), 0.1))
    # Trial 1 learns from nobody and runs; trial 2 waits for trial 0.
    assert [place.number for place in places if place.branch == branch] == [1]
    again = Ledger(study, ledger.rows.values())
    assert Suggester(again).suggest(lost) == setting
    assert again.next_place() == lost


def test_the_winner_is_the_earliest_best_and_its_setting_goes_to_the_report_part() -> None:
    study = make_study(trials=3)
    branch = Branch("tiny-random-llama", "nari", "guided")
    scores = (0.1, 0.4, 0.4)
    rows = [finish(Place(branch, i, "selection"), {"alpha": float(i)}, score) for i, score in enumerate(scores)]
    assert Ledger(study, rows[:2]).winner(branch) is None
    ledger = Ledger(study, rows)
    winner = ledger.winner(branch)
    assert winner is not None
    assert winner.number == 1
    assert Suggester(ledger).suggest(Place(branch, 1, "report")) == {"alpha": 1.0}
    assert ledger.places(branch)[-1] == Place(branch, 1, "report")
    assert not any(
        place.part == "report" for place in ledger.places(Branch("tiny-random-llama", "predictivity", "measured"))
    )


def test_a_branch_whose_trials_all_failed_has_no_winner_and_the_study_still_ends() -> None:
    study = make_study(trials=2, window=2)
    rows = [
        finish(Place(Branch("tiny-random-llama", "nari", "guided"), i, "selection"), {"alpha": 1.0}, None)
        for i in (0, 1)
    ]
    ledger = Ledger(study, rows)
    assert ledger.winner(rows and Branch("tiny-random-llama", "nari", "guided")) is None
    assert all(place.branch.arm != "guided" for place in [ledger.next_place()] if place)


def test_enqueued_settings_come_first_in_every_arm() -> None:
    study = make_study(enqueue=[{"alpha": 10, "n_steps": 200}])
    for arm in ("guided", "bias"):
        setting = Suggester(Ledger(study, [])).suggest(Place(Branch("tiny-random-llama", "nari", arm), 0, "selection"))
        assert (setting["alpha"], setting["n_steps"], setting["roi"]) == (10, 200, "deductive_reasoning")
    assert len(play(study, 2, 0)) == 3 + 2 * 9


def test_settings_stay_inside_their_space_and_arms_differ() -> None:
    rows = play(make_study(trials=12, window=4), 2, 0)
    settings = [row.setting for place, row in rows.items() if place.branch.kind == "nari"]
    assert all(0.3 <= setting["alpha"] <= 10 and setting["n_steps"] in (50, 100) for setting in settings)
    first = {row.setting["alpha"] for place, row in rows.items() if place.number == 0 and "alpha" in row.setting}
    assert len(first) == 2


def test_a_grid_is_walked_by_number_whatever_the_budget() -> None:
    def rois(study: Study, n: int) -> list[str]:
        return [suggester.suggest(Place(branch, number, "selection"))["roi"] for number in range(n)]

    branch = Branch("tiny-random-llama", "predictivity", "measured")
    suggester = Suggester(Ledger(make_study(), []))
    found = rois(make_study(), 6)
    assert sorted(found[:3]) == ["deductive_reasoning", "language", "md"]
    assert found[3:] == found[:3]


def test_trials_of_a_generation_learn_from_whole_generations_alone() -> None:
    study = make_study(sampler="nsgaii", population=3, enqueue=["release"])
    assert [n_learned_from(study, "nari", number) for number in range(8)] == [0, 0, 0, 0, 4, 4, 4, 7]
    study = make_study(window=3, enqueue=["release"])
    assert [n_learned_from(study, "nari", number) for number in range(6)] == [0, 0, 0, 1, 2, 3]
    assert {n_learned_from(make_study(sampler="qmc"), "nari", number) for number in range(8)} == {0}


def test_what_finished_last_is_learned_from_at_once_where_a_study_need_not_repeat() -> None:
    branch = Branch("tiny-random-llama", "nari", "guided")

    def suggested(study: Study, score: float) -> list[dict]:
        rows = [
            finish(Place(branch, i, "selection"), {**study.enqueued("nari")[0], "alpha": 0.5 + i}, 0.1 * i)
            for i in range(1, 7)
        ]
        rows.append(finish(Place(branch, 0, "selection"), {**study.enqueued("nari")[0], "alpha": 0.5}, score))
        suggester = Suggester(Ledger(study, rows))
        return [suggester.suggest(Place(branch, number, "selection")) for number in (7, 8, 9)]

    wide = {"enqueue": [{"n_steps": 50}], "trials": 20, "window": 10, "startup_trials": 1}
    free, bound = make_study(**wide, reproducible=False), make_study(**wide)
    assert suggested(bound, 9.0) == suggested(bound, -9.0)
    assert suggested(free, 9.0) != suggested(free, -9.0)
    ledger = Ledger(free, [])
    for number in range(12):
        place = Place(branch, number, "selection")
        assert ledger._may_start(place)


def test_a_grid_with_fewer_trials_than_points_is_drawn_from_all_of_it_without_doubles() -> None:
    space = {"alpha": [1.0, 2.0, 3.0, 4.0], "loss": ["cosine", "mse", "pearson"]}
    rows = play(make_study(sampler="grid", space=space, enqueue=[{"alpha": 1.0}]), 2, 0)
    tried = [row.setting for place, row in rows.items() if place.branch.arm == "guided" and place.part == "selection"]
    points = {(setting["alpha"], setting["loss"]) for setting in tried}
    assert len(points) >= 7
    assert len({alpha for alpha, _ in points}) > 2
    assert len({loss for _, loss in points}) > 1


def test_a_winner_is_read_as_often_as_the_file_says_each_time_at_a_place_of_its_own() -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "budget": {"repeats": 3}}
    kinds = {"nari": {"arms": ["guided", "bias"], "trials": 4, "window": 2, "space": SPACE}}
    study, once = parse_study({**raw, "kinds": kinds}, "s"), parse_study({**raw, "budget": {}, "kinds": kinds}, "s")
    assert study.identity == once.identity
    rows = play(study, 3, 0)
    reports = [place for place in rows if place.part == "report"]
    assert sorted((place.branch.arm, place.repeat) for place in reports) == [
        (arm, repeat) for arm in ("bias", "guided") for repeat in range(3)
    ]
    assert len({str(place) for place in rows}) == len(rows) == 2 * (4 + 3)
    assert len({rows[place].number for place in reports if place.branch.arm == "guided"}) == 1
    # More readings of a finished study are nothing but what is missing.
    kept = [row for place, row in rows.items() if not place.repeat]
    assert (Ledger(once, kept).n_total, Ledger(once, kept).n_done) == (10, 10)
    again = Ledger(study, kept)
    assert (again.n_total, again.n_done, sum(again.n_left().values())) == (14, 10, 4)
    assert table(play(study, 2, 5, tuple(kept))) == table(rows)
