"""Settings are carried from the smallest model to the others, repeatably, and never before they are known."""

import random

import pytest

from brainalign.artifacts import TrialRow
from brainalign.errors import InputError
from brainalign.search.ledger import Ledger
from brainalign.search.suggestion import Suggester
from brainalign.study import Branch, Place, Study, parse_study
from tests.search.test_ledger import SPACE, finish, table

SMALL, LARGE = "nano-llama-0.1m", "tiny-random-gemma3"


def make_study(**section: object) -> Study:
    nari = {"arms": ["guided", "bias"], "trials": 6, "window": 2, "startup_trials": 2, "space": SPACE, **section}
    return parse_study({"name": "s", "models": [LARGE, SMALL], "kinds": {"nari": nari}}, "study.yaml")


def play(study: Study, n_workers: int, seed: int) -> tuple[dict[Place, TrialRow], list[Place]]:
    chance, ledger = random.Random(seed), Ledger(study, [])
    suggester, running, order = Suggester(ledger), [], []
    while True:
        while len(running) < n_workers and (place := ledger.next_place()):
            ledger.start(place, suggester.suggest(place))
            running.append((place, ledger.running[place]))
            order.append(place)
        if not running:
            assert ledger.complete
            return ledger.rows, order
        place, setting = running.pop(chance.randrange(len(running)))
        ledger.finish(finish(place, dict(setting), -abs(setting["alpha"] - 2)))


def test_the_first_trials_of_a_larger_model_are_the_smallest_ones_best() -> None:
    study = make_study(carry=2, enqueue=[{"alpha": 9.0}])
    larger, smaller = (study.models[0], study.models[1])
    sizes = {name: Branch(name, "nari", "guided") for name in (larger, smaller)}
    rows, order = play(study, 3, 0)
    source = [row for place, row in rows.items() if place.branch == sizes[smaller] and place.part == "selection"]
    best = sorted(source, key=lambda row: (-(row.objective or 0), row.number))
    carried = [rows[Place(sizes[larger], number, "selection")].setting for number in range(4)]
    assert carried[0]["alpha"] == 9.0
    assert carried[1:3] == [row.setting for row in best[:2]]
    assert carried[3] not in [row.setting for row in source]
    first = order.index(Place(sizes[larger], 1, "selection"))
    searched = [place for place in order[:first] if place.branch == sizes[smaller] and place.part == "selection"]
    assert len(searched) == 6
    for n_workers, seed in ((1, 1), (8, 2)):
        assert table(play(study, n_workers, seed)[0]) == table(rows)


def test_without_success_on_the_smallest_model_the_sampler_goes_on_alone() -> None:
    study = make_study(carry=2)
    branch = Branch(SMALL, "nari", "guided")
    rows = [finish(Place(branch, number, "selection"), {"alpha": 1.0}, None) for number in range(6)]
    ledger = Ledger(study, rows)
    place = Place(Branch(LARGE, "nari", "guided"), 0, "selection")
    assert ledger.carried(place) is None
    plain = Suggester(Ledger(make_study(), [])).suggest(place)
    assert Suggester(ledger).suggest(place) == plain


def test_carrying_is_part_of_what_a_study_is_and_of_nothing_else() -> None:
    assert make_study(carry=2).identity != make_study().identity
    assert make_study(carry=0).identity == make_study().identity


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"carry": 2, "sampler": "random"}, "expected a sampler of tpe, gp"),
        ({"carry": 6, "enqueue": ["release"]}, "at most the 5 trials"),
        ({"carry": -1}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_carried_is_refused(section: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_study(**section)
