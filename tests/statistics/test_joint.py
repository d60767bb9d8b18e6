"""Joint resamples give the intervals that each figure has alone, and the covariance that they share."""

import numpy as np
import pytest

from brainalign.errors import InputError
from brainalign.statistics import Sample, crossed_bootstrap, joint_bootstrap


def table(rng: np.random.Generator, n_subjects: int = 6, n_items: int = 30) -> Sample:
    subjects, items = (axis.ravel() for axis in np.meshgrid(range(n_subjects), range(n_items), indexing="ij"))
    values = rng.choice([-1.0, 0.0, 1.0], subjects.size) + 0.5 * (items % 5 == 0)
    return Sample(values, items % 2, subjects, items)


def test_an_interval_is_that_of_the_figure_alone() -> None:
    one = table(np.random.default_rng(0))
    alone = crossed_bootstrap(one.values, one.strata, one.subjects, one.items, rng=np.random.default_rng(1))
    found = joint_bootstrap([one], rng=np.random.default_rng(1)).interval(0)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high))
    assert found.method == alone.method


def test_figures_of_the_same_outcomes_err_together_and_others_do_not() -> None:
    one, other = table(np.random.default_rng(0)), table(np.random.default_rng(7))
    moved = Sample(other.values, other.strata, other.subjects + 100, other.items + 100)
    twice = Sample(2 * one.values, one.strata, one.subjects, one.items)
    found = joint_bootstrap([one, twice, moved], rng=np.random.default_rng(2), n_resamples=4000)
    scaled = found.covariance / np.outer(found.errors, found.errors)
    assert scaled[0, 1] == pytest.approx(1, abs=1e-6)
    assert abs(scaled[0, 2]) < 0.1
    assert found.errors[1] == pytest.approx(2 * found.errors[0])


def test_a_figure_that_did_not_vary_has_no_interval() -> None:
    one = table(np.random.default_rng(0))
    still = Sample(np.zeros_like(one.values), one.strata, one.subjects, one.items)
    found = joint_bootstrap([one, still], rng=np.random.default_rng(1))
    assert np.isnan(found.interval(1).low)
    assert np.isnan(found.covariance[1]).all()
    assert np.isfinite(found.covariance[0, 0])


def test_nothing_to_resample_is_refused() -> None:
    with pytest.raises(InputError, match="with outcomes"):
        joint_bootstrap([], rng=np.random.default_rng(0))
