"""A simulated schedule: exact where it can be told by hand, never better than the bound, never against the rules."""

import random

import pytest

from brainalign.errors import ClusterError
from brainalign.planning import Chain, Cluster, Node, lower_bound_s, simulate, uniform_cluster, window_cost
from brainalign.study import Branch
from brainalign.trials import Resources

CORE = Resources(1, 0, 1.0)


def cores(n: int) -> Cluster:
    return Cluster((Node(n),))


def chain(
    seconds: list[float], window: int, *, model: str = "m", arm: str = "a", report_s: float | None = None
) -> Chain:
    waits = [max(0, number - window + 1) for number in range(len(seconds))]
    return Chain(Branch(model, "nari", arm), CORE, seconds, waits, report_s)


def test_one_chain_with_a_window_of_one_is_its_own_sum_and_the_bound() -> None:
    found = simulate([chain([3.0, 1.0, 2.0], 1, report_s=4.0)], cores(8), {"m": 5.0})
    assert found.makespan_s == pytest.approx(15.0)
    assert found.lower_bound_s == pytest.approx(15.0)
    assert found.loads == 1


def test_a_wide_window_fills_the_cluster() -> None:
    found = simulate([chain([1.0] * 12, 12)], cores(4), {})
    assert found.makespan_s == pytest.approx(3.0)
    assert (found.busy, found.lower_bound_s) == (pytest.approx(1.0), pytest.approx(3.0))


def test_slots_that_a_window_leaves_idle_are_filled_by_other_branches() -> None:
    chains = [chain([1.0] * 6, 1, arm=arm) for arm in ("a", "b", "c")]
    assert simulate(chains, cores(3), {}).makespan_s == pytest.approx(6.0)
    assert simulate(chains[:1], cores(3), {}).makespan_s == pytest.approx(6.0)


def test_the_bound_counts_loading_that_no_schedule_avoids() -> None:
    chains = [chain([1.0] * 100, 100)]
    bound = lower_bound_s(chains, cores(10), {"m": 20.0})
    assert bound == pytest.approx(30.0, rel=1e-6)  # 100 / (T - 20) = 10
    assert lower_bound_s(chains, cores(10), {}) == pytest.approx(10.0, rel=1e-6)
    assert lower_bound_s([], cores(1), {}) == 0.0


def test_no_schedule_beats_the_bound_whatever_the_trials() -> None:
    chance = random.Random(5)
    for _ in range(25):
        chains = [
            chain(
                [chance.uniform(0.1, 5) for _ in range(chance.randrange(1, 9))],
                chance.randrange(1, 5),
                model=chance.choice("xyz"),
                arm=str(index),
                report_s=chance.choice([None, 1.0]),
            )
            for index in range(chance.randrange(1, 6))
        ]
        loads = {"x": 0.5, "y": 2.0, "z": 0.0}
        found = simulate(chains, cores(chance.randrange(1, 5)), loads)
        work = sum(sum(one.seconds) + (one.report_s or 0.0) for one in chains)
        assert found.makespan_s >= found.lower_bound_s - 1e-9
        assert found.work_s >= work - 1e-9
        assert 0 < found.busy <= 1 + 1e-9


def test_done_trials_are_not_played_again() -> None:
    waits = [0, 1, 2]
    half = Chain(Branch("m", "nari", "a"), CORE, [5.0, 5.0, 5.0], waits, 1.0, n_done=2)
    assert simulate([half], cores(2), {}).makespan_s == pytest.approx(6.0)


def test_a_trial_without_room_is_named() -> None:
    wide = Chain(Branch("m", "nari", "a"), Resources(1, 4, 1.0), [1.0], [0], None)
    with pytest.raises(ClusterError, match="room for m/nari/a"):
        simulate([wide], uniform_cluster(1, 2, 80.0, 8), {})


def test_readings_on_the_report_part_do_not_wait_for_one_another() -> None:
    three = Chain(Branch("m", "nari", "a"), CORE, [1.0, 1.0], [0, 0], 2.0, n_reports=3)
    assert simulate([three], cores(8), {}).makespan_s == pytest.approx(3.0)
    assert simulate([three], cores(1), {}).makespan_s == pytest.approx(8.0)
    assert lower_bound_s([three], cores(1), {}) == pytest.approx(8.0)


def test_a_window_costs_what_idle_workers_cost_and_nothing_where_others_fill_them() -> None:
    alone = window_cost([chain([1.0] * 12, 1)], cores(4), {})
    assert (alone.with_s, alone.without_s, alone.ratio) == (pytest.approx(12), pytest.approx(3), pytest.approx(4))
    filled = [chain([1.0] * 12, 1, arm=arm) for arm in "abcd"]
    assert window_cost(filled, cores(4), {}).ratio == pytest.approx(1)
    assert window_cost([chain([1.0] * 12, 12)], cores(4), {}).ratio == pytest.approx(1)
