"""Numbers as text."""

import math

import pytest

from brainalign.reports import numbers
from brainalign.reports.estimates import Estimate
from brainalign.reports.templating import typeset


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.21449, "0.214"),
        (-0.0004, "0.000"),
        (-0.2, "-0.200"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (2, "2.000"),
    ],
)
def test_decimal(value: float | None, text: str) -> None:
    assert numbers.decimal(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.02, "+0.020"), (-0.02, "-0.020"), (0.0, "0.000"), (0.0001, "0.000")])
def test_signed_has_a_plus_only_where_the_shown_value_is_positive(value: float, text: str) -> None:
    assert numbers.signed(value) == text


def test_a_boolean_is_no_number() -> None:
    assert not numbers.is_number(True)
    assert numbers.is_number(1)


def test_interval_text() -> None:
    assert numbers.interval_text(Estimate(0.02, -0.05, 0.09), difference=True) == "+0.020 [-0.050, 0.090]"
    assert numbers.interval_text(Estimate(0.02)) == "0.020 (no interval)"
    assert numbers.interval_text(Estimate(math.nan)) == "–"
    assert numbers.interval_text(None) == "–"


def test_rates_carry_their_counts() -> None:
    assert numbers.rate(0.4125, 12000) == "41.2 % of 12\u202f000"
    assert numbers.rate(None, 0) == "none to count"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (59.7, "60 s"), (600, "10.0 min"), (9000, "2.5 h"), (None, "–"), (math.nan, "–")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert numbers.duration(seconds) == text


def test_settings_are_ordered_by_name_and_plain() -> None:
    setting = {
        "roi": "md",
        "layers": {"start": 0.25, "width": 0.5},
        "alpha": 1.23456,
        "intercept": False,
        "x": None,
        "y": [1, 2],
    }
    expected = "alpha 1.235; intercept no; layers start 0.25, width 0.5; roi md; x none; y 1, 2"
    assert numbers.setting_text(setting) == expected
    assert numbers.setting_text({}) == "no settings"


def test_true_minus_signs_only_before_numbers() -> None:
    assert typeset("-0.5 [-0.6, -0.4]") == "−0.5 [−0.6, −0.4]"
    assert typeset("qwen2-1.5b 2026-11-24 run 7-21") == "qwen2-1.5b 2026-11-24 run 7-21"
    assert typeset("41.3 % of 12") == "41.3\u00a0% of 12"


def test_estimates_drop_bounds_that_are_not_finite() -> None:
    from brainalign.statistics import Interval

    whole = Interval(0.1, 0.0, 0.2, 0.95, 2000, "crossed")
    assert Estimate.of(whole) == Estimate(0.1, 0.0, 0.2, 0.95, 2000, "crossed")
    assert Estimate.of(Interval(0.1, math.nan, 0.2, 0.95, 2000, "crossed")) == Estimate(0.1)
    assert Estimate(math.nan).to_json()["estimate"] is None
