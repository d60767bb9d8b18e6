"""Optuna's storage says what the trial files say, and Optuna's own tools can open it."""

from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.suggestion import Suggester
from brainalign.study import Place
from tests.search.test_ledger import finish, make_study, play


def test_asked_and_told_trials_stand_in_optunas_own_storage(tmp_path: Path) -> None:
    study, path = make_study(trials=3), tmp_path / "optuna.journal"
    ledger, mirror = Ledger(study, []), OptunaMirror(path, study)
    for _ in range(4):
        place = ledger.next_place()
        assert place is not None
        setting = Suggester(ledger).suggest(place)
        mirror.ask(place, setting)
        ledger.start(place, setting)
        row = finish(place, setting, None if place.number == 1 else 0.5)
        ledger.finish(row)
        mirror.tell(place, row)
    storage = JournalStorage(JournalFileBackend(str(path)))
    opened = optuna.load_study(study_name="s/tiny-random-llama/nari/guided", storage=storage)
    states = [trial.state.name for trial in opened.trials]
    assert states[0] == "COMPLETE"
    assert opened.best_value == 0.5
    assert set(opened.trials[0].params) == {"alpha", "roi", "n_steps"}
    assert len(OptunaMirror(path, study).finished()) == 4


def test_a_storage_that_lags_behind_is_rebuilt_and_then_agrees(tmp_path: Path) -> None:
    study, path = make_study(trials=3), tmp_path / "optuna.journal"
    rows = play(study, 2, 0)
    mirror = OptunaMirror(path, study)
    for place in sorted(rows)[:3]:
        if place.part == "selection":
            mirror.tell(place, rows[place])
    killed = next(place for place in sorted(rows) if place.part == "selection" and place.number == 2)
    mirror.ask(Place(killed.branch, killed.number, "selection"), dict(rows[killed].setting))
    again = OptunaMirror(path, study)
    assert again.rebuild(rows.values()) is True
    assert again.rebuild(rows.values()) is False
    assert set(OptunaMirror(path, study).finished()) == {str(place) for place in rows if place.part == "selection"}


def test_a_setting_outside_the_space_stands_there_with_its_attribute(tmp_path: Path) -> None:
    study, path = make_study(enqueue=[{"alpha": 10, "n_steps": 200}]), tmp_path / "optuna.journal"
    ledger, mirror = Ledger(study, []), OptunaMirror(path, study)
    place = next(p for branch in ledger.branches if branch.kind == "nari" for p in ledger.places(branch))
    setting = Suggester(ledger).suggest(place)
    mirror.ask(place, setting)
    ledger.start(place, setting)
    mirror.tell(place, finish(place, setting, 0.5))
    storage = JournalStorage(JournalFileBackend(str(path)))
    (trial,) = optuna.load_study(study_name="s/tiny-random-llama/nari/guided", storage=storage).trials
    assert trial.params == {}
    assert (trial.value, trial.user_attrs["setting"]["n_steps"]) == (0.5, 200)


def test_a_torn_journal_is_rebuilt(tmp_path: Path) -> None:
    study, path = make_study(trials=3), tmp_path / "optuna.journal"
    rows = play(study, 2, 0)
    OptunaMirror(path, study).rebuild(rows.values())
    whole = set(OptunaMirror(path, study).finished())
    path.write_bytes(path.read_bytes()[:-30])
    torn = OptunaMirror(path, study)
    assert torn.rebuild(rows.values())
    assert set(OptunaMirror(path, study).finished()) == whole
