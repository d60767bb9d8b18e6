"""The expected best of several draws, against counting and drawing."""

from itertools import product

import numpy as np
import pytest

from brainalign.statistics import expected_best


@pytest.mark.parametrize("n_draws", [1, 2, 3])
def test_it_is_the_mean_over_all_ways_to_draw(n_draws: int) -> None:
    values = [0.3, -0.2, 0.3, 0.9]
    every = [max(drawn) for drawn in product(values, repeat=n_draws)]
    assert expected_best(values, n_draws) == pytest.approx(np.mean(every))


def test_of_a_uniform_it_goes_to_n_over_n_plus_one() -> None:
    assert expected_best(np.linspace(0, 1, 100_001), 9) == pytest.approx(0.9, abs=1e-4)


def test_it_lies_between_the_mean_and_the_best_and_is_nothing_of_nothing() -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    assert np.mean(values) < (expected_best(values, 8) or 0) < max(values)
    assert expected_best(values, 1) == pytest.approx(np.mean(values))
    assert expected_best([], 8) is None
