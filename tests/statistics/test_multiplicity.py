"""Corrections against their definitions."""

import numpy as np
import pytest
from scipy import stats

from brainalign.errors import InputError
from brainalign.statistics import corrected

P = [0.012, 0.6, 0.0004, 0.03, 0.03, 0.2]


def test_holm_is_its_step_down_definition() -> None:
    order = np.argsort(P)
    steps = np.maximum.accumulate([(len(P) - i) * P[j] for i, j in enumerate(order)])
    expected = np.empty(len(P))
    expected[order] = np.minimum(steps, 1.0)
    np.testing.assert_allclose(corrected(P, "holm"), expected)


def test_benjamini_hochberg_is_scipys() -> None:
    np.testing.assert_allclose(corrected(P, "fdr_bh"), stats.false_discovery_control(P, method="bh"))


def test_a_test_that_was_not_made_is_none_of_the_family() -> None:
    found = corrected([0.01, float("nan"), 0.04])
    assert found[0] == pytest.approx(0.02)
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(0.04)
    assert corrected([]) == []


def test_impossible_p_values_are_refused() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        corrected([0.1, 1.5])
