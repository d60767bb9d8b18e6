"""An interval's bounds in the range of its quantity."""

import math

from brainalign.statistics import Interval


def test_bounds_are_cut_at_the_range_and_missing_ones_stay_missing() -> None:
    wide = Interval(0.7, -0.6, 2.0, 0.95, 100, "test")
    assert (wide.cut(0, 1).low, wide.cut(0, 1).high, wide.cut(0, 1).estimate) == (0, 1, 0.7)
    assert wide.cut(-1, 3) == wide
    none = Interval(0.7, math.nan, math.nan, 0.95, 0, "test").cut(0, 1)
    assert math.isnan(none.low)
    assert math.isnan(none.high)
