"""Optuna's storage says what the trial files say, and Optuna's own tools can open it."""

from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from brainalign.errors import StudyError
from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.suggestion import Suggester
from brainalign.study import Branch, Place
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


def test_a_trial_that_a_killed_driver_left_running_is_taken_up_and_not_doubled(tmp_path: Path) -> None:
    study, path = make_study(trials=3), tmp_path / "optuna.journal"
    rows = play(study, 2, 0)
    selection = [row for place, row in rows.items() if place.part == "selection"]
    left = next(place for place in rows if place.branch.kind == "nari" and place.number == 2)
    done = [row for row in selection if row is not rows[left]]
    first = OptunaMirror(path, study)
    first.rebuild(done)
    first.ask(left, rows[left].setting)
    size = path.stat().st_size
    second = OptunaMirror(path, study)
    assert second.rebuild(done) is False
    assert path.stat().st_size == size
    second.ask(left, rows[left].setting)
    second.tell(left, rows[left])
    third = OptunaMirror(path, study)
    assert third.rebuild(selection) is False
    assert set(third.finished().values()) <= {"COMPLETE", "FAIL"}


def test_several_objectives_and_constraints_stand_in_optunas_storage(tmp_path: Path) -> None:
    bounds = {"invalid": {"at_most": 0.2}}
    study = make_study(trials=6, objective=["net_balanced_accuracy", "broken"], constraints=bounds)
    path, rows = tmp_path / "optuna.journal", play(study, 2, 0)
    told, mirror = OptunaMirror(tmp_path / "told.journal", study), OptunaMirror(path, study)
    mirror.rebuild(rows.values())
    for place in sorted(rows):
        if place.part == "selection":
            told.ask(place, rows[place].setting)
            told.tell(place, rows[place])
    for file in (path, tmp_path / "told.journal"):
        storage = JournalStorage(JournalFileBackend(str(file)))
        opened = optuna.load_study(study_name="s/tiny-random-llama/nari/guided", storage=storage)
        assert [direction.name for direction in opened.directions] == ["MAXIMIZE", "MINIMIZE"]
        trial = next(trial for trial in opened.trials if trial.state.name == "COMPLETE")
        row = rows[Place(Branch("tiny-random-llama", "nari", "guided"), trial.number, "selection")]
        assert trial.values == [row.objective, row.metrics["broken"]]
        assert trial.constraints == {"invalid at most 0.2": row.metrics["invalid"] - 0.2}
        feasible = [one for one in opened.best_trials if one.constraints["invalid at most 0.2"] <= 0]
        ours = study.goals("nari").front([row for row in rows.values() if row.arm == "guided"])
        assert {one.number for one in feasible} <= {row.number for row in ours} or not feasible


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SQLite format 3\x00 and more\n", "another kind of file"),
        (b'{"op_code":99,"worker_id":"w"}\n', "cannot read"),
        (b'{"op_code":0,"nothing":"known"}\n', "cannot read"),
    ],
)
def test_a_storage_of_another_making_is_refused_in_one_line_and_stays(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "optuna.journal"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=message) as caught:
        OptunaMirror(path, make_study())
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_storage_of_another_version_is_refused_in_one_line_and_stays(tmp_path: Path) -> None:
    study, path = make_study(trials=3), tmp_path / "optuna.journal"
    OptunaMirror(path, study).rebuild(play(study, 2, 0).values())
    content = path.read_text().replace(f'"optuna_version":"{optuna.__version__}"', '"optuna_version":"6.1.0"')
    path.write_text(content)
    with pytest.raises(StudyError, match=r"found 6\.1\.0: use the Optuna that wrote it"):
        OptunaMirror(path, study)
    assert path.read_text() == content
