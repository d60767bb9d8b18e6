"""The stratified mean against plain means, and how weights act."""

import numpy as np
import pytest

from brainalign.errors import InputError
from brainalign.statistics import stratified_mean


def test_is_the_mean_of_the_means() -> None:
    values, strata = np.array([1.0, 0.0, -1.0, 1.0, 1.0]), np.array([1, 1, 1, 0, 0])
    assert stratified_mean(values, strata) == pytest.approx((0.0 + 1.0) / 2)


def test_net_balanced_accuracy_of_a_hand_counted_table() -> None:
    # True problems: 1 corrected, 1 broken, 2 unchanged; False problems: 3 corrected, 1 unchanged.
    values = np.array([1, -1, 0, 0, 1, 1, 1, 0])
    labels = np.array([True] * 4 + [False] * 4)
    assert stratified_mean(values, labels) == pytest.approx((0.0 + 0.75) / 2)


def test_weights_count_rows_and_batch() -> None:
    rng = np.random.default_rng(0)
    values, strata = rng.normal(size=9), np.arange(9) % 3
    counts = rng.integers(1, 4, (2, 5, 9))
    result = stratified_mean(values, strata, counts)
    assert result.shape == (2, 5)
    repeated = np.repeat(np.arange(9), counts[1, 3])
    assert result[1, 3] == pytest.approx(float(stratified_mean(values[repeated], strata[repeated])))


def test_strata_without_weight_are_left_out() -> None:
    values, strata = np.array([1.0, 3.0, 10.0]), np.array([0, 0, 1])
    assert stratified_mean(values, strata, [1.0, 1.0, 0.0]) == 2.0
    assert np.isnan(stratified_mean(values, strata, [0.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, 2.0], [0]), "one length above 0"),
        (([], []), "one length above 0"),
        (([1.0], [0], [-1.0]), "weights of at least 0, found -1.0"),
    ],
)
def test_bad_input_is_named(arguments: tuple[object, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        stratified_mean(*arguments)  # type: ignore[arg-type]
