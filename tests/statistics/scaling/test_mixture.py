"""Mixtures of normals against SciPy, and the CRPS against its definition."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from brainalign.errors import InputError
from brainalign.statistics.scaling import Mixture, crps


def test_one_component_is_a_normal_distribution() -> None:
    mixture = Mixture.of(np.array([-3.0]), np.array([1.5]), np.array([4.0]))
    shares = np.array([0.025, 0.5, 0.9])
    assert mixture.quantiles(shares) == pytest.approx(norm.ppf(shares, 1.5, 2), abs=1e-8)
    assert mixture.mean == pytest.approx(1.5)


def test_weights_are_of_logarithms_and_quantiles_invert_the_cdf() -> None:
    mixture = Mixture.of(np.log([2.0, 6.0, 1e-12]), np.array([-1.0, 1.0, 99.0]), np.array([0.2, 0.5, 1.0]))
    assert mixture.weights == pytest.approx([0.25, 0.75])
    assert mixture.cdf(mixture.quantiles([0.1, 0.6])) == pytest.approx([0.1, 0.6])


@pytest.mark.parametrize("outcome", [-0.4, 0.1, 2.0])
def test_crps_is_the_integral_of_its_definition(outcome: float) -> None:
    points = np.array([-0.5, 0.0, 0.2, 1.1])

    def squared(x: float) -> float:
        return float(((points <= x).mean() - (outcome <= x)) ** 2)

    breaks = sorted({*points.tolist(), outcome})
    expected = sum(quad(squared, a, b)[0] for a, b in pairwise(breaks))
    assert crps(points, outcome) == pytest.approx(expected)


def test_crps_of_a_sure_forecast_is_its_error_and_nan_is_refused() -> None:
    assert crps([0.3], 0.5) == pytest.approx(0.2)
    with pytest.raises(InputError, match="finite points"):
        crps([0.3], np.nan)
