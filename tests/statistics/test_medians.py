"""Medians over subjects against SciPy, and the coverage of their interval."""

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from brainalign.errors import InputError
from brainalign.statistics import bootstrap_median, median_absolute_deviation


def test_median_absolute_deviation_is_scipys() -> None:
    x = np.random.default_rng(0).normal(size=11)
    assert median_absolute_deviation(x) == pytest.approx(median_abs_deviation(x))
    assert median_absolute_deviation(np.append(x, np.nan)) == pytest.approx(median_abs_deviation(x))
    assert np.isnan(median_absolute_deviation([np.nan]))


@pytest.mark.parametrize("n", [5, 10, 20])
def test_interval_of_the_median_covers(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(500):
        interval = bootstrap_median(rng.exponential(size=n), rng=rng, n_resamples=300)
        hits += interval.low <= np.log(2) <= interval.high
    assert 0.92 <= hits / 500 <= 0.995


def test_interval_holds_the_estimate_and_grows_with_the_level() -> None:
    scores = [0.19, 0.172, 0.301, 0.126, 0.299, 0.17, 0.253, 0.233, 0.235, 0.189]
    narrow, wide = (bootstrap_median(scores, rng=np.random.default_rng(0), level=level) for level in (0.5, 0.95))
    assert narrow.estimate == pytest.approx(0.2115, abs=1e-3)
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_one_subject_has_no_interval() -> None:
    interval = bootstrap_median([0.2], rng=np.random.default_rng(0))
    assert interval.estimate == 0.2
    assert np.isnan(interval.low)


@pytest.mark.parametrize("values", [[], [0.1, np.nan], [[0.1]]])
def test_bad_input_is_named(values: list[float]) -> None:
    with pytest.raises(InputError, match="finite scores"):
        bootstrap_median(values, rng=np.random.default_rng(0))
