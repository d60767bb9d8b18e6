"""The paired test against SciPy's, against all assignments of signs, and under its null."""

import numpy as np
import pytest
from scipy import stats

from brainalign.errors import InputError
from brainalign.statistics import paired_test


def test_it_is_scipys_test_of_the_mean_where_items_have_one_row_each() -> None:
    draw = np.random.default_rng(0)
    differences = draw.normal(0.4, 1.0, 11)
    ours = paired_test(differences, np.zeros(11), np.arange(11), rng=draw)
    theirs = stats.permutation_test(
        (differences, np.zeros(11)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert ours.exact
    assert ours.n_flips == 2**11
    assert ours.estimate == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)


def test_rows_of_an_item_flip_together_and_strata_count_alike() -> None:
    # One stratum with two items of two rows, one with a single item: shares are the items' parts of the mean of means.
    differences, strata = [1.0, 1.0, 0.5, 0.5, 2.0], [0, 0, 0, 0, 1]
    found = paired_test(differences, strata, ["a", "a", "b", "b", "c"], rng=np.random.default_rng(0))
    shares = np.array([2 / 8, 1 / 8, 2 / 2])
    signs = np.array(np.meshgrid(*[[1, -1]] * 3)).reshape(3, -1)
    assert found.estimate == pytest.approx(shares.sum())
    assert found.p_value == pytest.approx(np.mean(np.abs(shares @ signs) >= shares.sum() - 1e-12)) == 0.25


def test_drawn_signs_agree_with_all_of_them() -> None:
    draw = np.random.default_rng(1)
    differences = draw.normal(0.25, 1.0, 20)
    drawn = paired_test(differences, np.zeros(20), np.arange(20), rng=draw, n_flips=40_000)
    every = stats.permutation_test(
        (differences, np.zeros(20)), lambda x, y, axis: np.mean(x - y, axis=axis), permutation_type="samples",
        n_resamples=40_000, vectorized=True, rng=np.random.default_rng(2),
    )  # fmt: skip
    assert not drawn.exact
    assert drawn.p_value == pytest.approx(every.pvalue, abs=0.012)
    assert drawn.p_value > 0


def test_nothing_that_differs_is_nothing_tested() -> None:
    found = paired_test(np.zeros(6), np.zeros(6), np.arange(6), rng=np.random.default_rng(0))
    assert np.isnan(found.p_value)
    assert (found.n_items, found.n_differ) == (6, 0)


def test_false_alarms_are_as_rare_as_stated_with_dependent_rows() -> None:
    draw, alarms = np.random.default_rng(3), 0
    for _ in range(300):
        by_item = draw.normal(size=12)  # shared by all subjects of an item
        differences = (by_item[:, None] + 0.2 * draw.normal(size=(12, 5))).ravel()
        p = paired_test(differences, np.zeros(60), np.repeat(np.arange(12), 5), rng=draw).p_value
        alarms += p < 0.05
    assert 5 <= alarms <= 27  # 15 expected; a test by row would give over 100


@pytest.mark.parametrize("differences", [[], [1.0, float("nan")]])
def test_bad_input_is_refused(differences: list[float]) -> None:
    n = len(differences)
    with pytest.raises(InputError, match="expected"):
        paired_test(differences, np.zeros(n), np.arange(n), rng=np.random.default_rng(0))
