"""Kills are drawn by name, what they cost is counted, and a study ends the same under them."""

from dataclasses import replace

import pytest

from brainalign.artifacts import Store, table_hash
from brainalign.search.chaos import NAME, ChaosBenchmark, _account, benchmark_chaos, chaos_study, draw_kills
from brainalign.study import parse_study
from tests.artifacts.test_store import trial_row


def test_kills_are_a_function_of_their_seed_and_meet_drivers_and_workers_alike() -> None:
    kills = draw_kills(40, 7)
    assert kills == draw_kills(40, 7)
    assert kills[:10] == draw_kills(10, 7)
    assert kills != draw_kills(40, 8)
    assert sum(kill.victim == "driver" for kill in kills) == 20
    assert len({kill.after_s for kill in kills}) == 40


def test_the_study_is_one_that_learns_and_stops_trials() -> None:
    study = parse_study(chaos_study(20), "chaos")
    assert study.kinds["nari"].stopping is not None
    assert study.n_trials("nari") * len(study.arms("nari")) == 20


def test_a_row_that_went_or_was_written_again_is_noticed(store: Store) -> None:
    found = ChaosBenchmark(same=True)
    store.write_manifest(NAME, {})
    rows = [trial_row(number, study=NAME) for number in range(3)]
    for row in rows:
        store.write_trial(row)
    _account(store, found)
    _account(store, found)
    assert (found.n_gone, found.n_twice, found.passed) == (0, 0, True)
    store.write_trial(replace(rows[1], host="elsewhere:2"))
    _account(store, found)
    assert (found.n_gone, found.n_twice, found.passed) == (0, 1, False)
    next(store.study_folder(NAME).glob("trials/*~2~*")).unlink()
    _account(store, found)
    assert (found.n_gone, found.n_twice) == (1, 1)


def test_the_hash_of_a_table_knows_no_times_and_no_hosts() -> None:
    rows = [trial_row(0, metrics={"net": float("nan")}), trial_row(1)]
    assert table_hash([replace(row, seconds=9.0, host="x:1", reused=True) for row in rows[::-1]]) == table_hash(rows)
    for other in ({"setting": {"alpha": 2.0}}, {"state": "PRUNED"}, {"objective": 0.1}, {"repeat": 1}):
        assert table_hash([rows[0], replace(rows[1], **other)]) != table_hash(rows)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_study_under_thirty_kills_ends_in_the_table_of_an_undisturbed_one() -> None:
    found = benchmark_chaos(30, seed=1)
    assert found.n_driver_kills + found.n_worker_kills >= 30
    assert found.passed, found.to_json()
