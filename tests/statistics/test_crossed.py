"""The crossed bootstrap: coverage on simulated tables, closed forms in special cases, and its edges."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from brainalign.errors import InputError
from brainalign.statistics import Interval, crossed_bootstrap, stratified_mean

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Outcomes +1, 0, -1 of subjects on problems, with random effects of both, a third of the cells missing at most.

    A problem is wrong or right before steering, as the model is; more of the False (stratum 0) ones are wrong.
    """

    n_subjects: int
    n_items: int
    subject_sd: float = 0.8
    item_sd: float = 1.0

    def table(
        self, rng: np.random.Generator, n_arms: int = 1
    ) -> tuple[Array, NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Values (of one arm, or first minus second of two alike), strata, subjects and items, a row a cell."""
        labels = rng.permutation((np.arange(self.n_items) < 2 * self.n_items // 3).astype(int))
        sign = np.where(rng.random(self.n_items) < np.where(labels == 1, 0.25, 0.7), 1.0, -1.0)
        subject, item = rng.normal(0, self.subject_sd, self.n_subjects), rng.normal(0, self.item_sd, self.n_items)
        arms = []
        for _ in range(n_arms):
            own_subject = 0.7 * subject + 0.7 * rng.normal(0, self.subject_sd, self.n_subjects)
            own_item = 0.7 * item + 0.7 * rng.normal(0, self.item_sd, self.n_items)
            logit = -1 + own_subject[:, None] + own_item + rng.normal(0, 0.5, (self.n_subjects, self.n_items))
            arms.append(sign * (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))))
        present = rng.random((self.n_subjects, self.n_items)) < 0.75
        subjects, items = np.nonzero(present)
        values = arms[0] - arms[1] if n_arms == 2 else arms[0]
        return values[present], labels[items], subjects, items

    def truth(self) -> float:
        """Mean of many large tables: its own error is a fiftieth of an interval's width."""
        large = Population(200, 600, self.subject_sd, self.item_sd)
        means = [stratified_mean(*large.table(np.random.default_rng(seed))[:2]) for seed in range(40)]
        return float(np.mean(means))


def coverage(population: Population, truth: float, n_tables: int, n_arms: int) -> float:
    hits = 0
    for seed in range(n_tables):
        rng = np.random.default_rng([seed, population.n_subjects, population.n_items])
        interval = crossed_bootstrap(*population.table(rng, n_arms), rng=rng, n_resamples=300)
        hits += interval.low <= truth <= interval.high
    return hits / n_tables


CASES = [
    Population(10, 35),
    Population(10, 70),
    Population(10, 35, subject_sd=1.5, item_sd=0.3),
    Population(3, 35),
]


@pytest.mark.parametrize("population", CASES, ids=str)
def test_intervals_cover_and_paired_differences_rarely_alarm(population: Population) -> None:
    # A share of 300 tables has a standard error of 0.013: the bounds are one wider than those of the thousand tables.
    assert coverage(population, population.truth(), 300, n_arms=1) >= 0.92
    assert 1 - coverage(population, 0.0, 300, n_arms=2) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("population", CASES, ids=str)
def test_coverage_on_a_thousand_tables(population: Population) -> None:
    assert 0.93 <= coverage(population, population.truth(), 1000, n_arms=1) <= 0.99
    assert 1 - coverage(population, 0.0, 1000, n_arms=2) <= 0.07


def test_two_subjects_give_intervals_too_wide_to_use() -> None:
    population = Population(2, 12)
    rng = np.random.default_rng(0)
    intervals = [crossed_bootstrap(*population.table(rng), rng=rng, n_resamples=200) for _ in range(50)]
    assert np.nanmedian([interval.high - interval.low for interval in intervals]) > 1.0


def test_estimate_is_the_stratified_mean() -> None:
    rng = np.random.default_rng(1)
    values, strata, subjects, items = Population(5, 20).table(rng)
    interval = crossed_bootstrap(values, strata, subjects, items, rng=rng)
    assert interval.estimate == pytest.approx(float(stratified_mean(values, strata)))
    assert interval.method == "crossed bootstrap of subjects and items, Student t"
    assert interval.low < interval.estimate < interval.high


def test_one_subject_is_a_t_interval_over_items() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=30)
    interval = crossed_bootstrap(values, np.zeros(30), np.zeros(30), np.arange(30), rng=rng, n_resamples=20_000)
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.01)
    assert "items only (one subject)" in interval.method


def test_one_item_is_a_t_interval_over_subjects() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=12)
    interval = crossed_bootstrap(values, np.zeros(12), np.arange(12), np.zeros(12), rng=rng, n_resamples=20_000)
    expected = ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.02)
    assert "subjects only" in interval.method


def test_subjects_who_all_answer_alike_are_no_more_than_one() -> None:
    rng = np.random.default_rng(4)
    once = rng.choice([-1.0, 0.0, 1.0], size=40)
    strata, items = np.arange(40) % 2, np.arange(40)
    alone = crossed_bootstrap(once, strata, np.zeros(40), items, rng=rng, n_resamples=20_000)
    subjects = np.repeat(np.arange(10), 40)
    many = crossed_bootstrap(np.tile(once, 10), np.tile(strata, 10), subjects, np.tile(items, 10), rng=rng)
    assert many.high - many.low == pytest.approx(alone.high - alone.low, rel=0.05)


def test_rows_of_one_cell_are_not_independent() -> None:
    rng = np.random.default_rng(5)
    values, strata, subjects, items = Population(6, 20).table(rng)
    once = crossed_bootstrap(values, strata, subjects, items, rng=np.random.default_rng(0))
    repeated = [np.repeat(column, 6) for column in (values, strata, subjects, items)]
    orders = crossed_bootstrap(*repeated, rng=np.random.default_rng(0))
    assert (orders.low, orders.high) == pytest.approx((once.low, once.high))


def test_strata_of_few_items_may_vanish_from_resamples_and_those_of_one_give_no_interval() -> None:
    rng = np.random.default_rng(6)
    subjects, items = np.repeat(np.arange(3), 6), np.tile(np.arange(6), 3)
    two = crossed_bootstrap(rng.normal(size=18), [0, 0, 1, 1, 1, 1] * 3, subjects, items, rng=rng)
    assert np.isfinite([two.low, two.high]).all()
    one = crossed_bootstrap(rng.normal(size=18), [0, 1, 1, 1, 1, 1] * 3, subjects, items, rng=rng)
    assert np.isnan([one.low, one.high]).all()
    assert one.method.endswith("a stratum has one item")


def test_nothing_varied_gives_no_interval_and_says_so() -> None:
    interval = crossed_bootstrap(
        np.zeros(8), [0, 1, 0, 1] * 2, np.repeat([0, 1], 4), [0, 1, 2, 3] * 2, rng=np.random.default_rng(0)
    )
    assert np.isnan([interval.low, interval.high]).all()
    assert interval.method.endswith("no outcome varied")


def test_single_row_has_no_interval() -> None:
    interval = crossed_bootstrap([1.0], [0], ["a"], ["x"], rng=np.random.default_rng(0))
    assert np.isnan([interval.low, interval.high]).all()
    assert interval.to_json()["low"] is None


def test_same_stream_same_interval_whatever_the_labels() -> None:
    values, strata, subjects, items = Population(4, 15).table(np.random.default_rng(7))
    first = crossed_bootstrap(values, strata, subjects, items, rng=np.random.default_rng(8))
    named = np.array([f"sub-{subject}" for subject in subjects])
    second = crossed_bootstrap(values, strata, named, items, rng=np.random.default_rng(8))
    assert first == second
    assert isinstance(first, Interval)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": [1.0]}, r"one length above 0, found \(1,\)"),
        ({"values": [1.0, np.nan]}, "finite values"),
        ({"level": 1.0}, "level between 0 and 1"),
        ({"n_resamples": 0}, "n_resamples above 0"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], words: str) -> None:
    arguments = {"values": [1.0, 0.0], "strata": [0, 0], "subjects": [0, 1], "items": [0, 1]} | change
    with pytest.raises(InputError, match=words):
        crossed_bootstrap(**arguments, rng=np.random.default_rng(0))  # type: ignore[arg-type]
