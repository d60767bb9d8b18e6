"""Rates by hand, intervals from outcome tables without a model, and differences pair by pair."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.errors import InputError
from brainalign.steering import compare, summarise

Row = tuple[str, str, bool, bool, bool]  # subject, stimulus, label, targeted, success


def outcomes(rows: Sequence[Row], arm: str = "guided") -> pa.Table:
    """An outcome table; three checks a pair, one of them invalid, success at the third with radius 2."""
    written: list[dict[str, Any]] = [
        {
            "result_key": "key",
            "arm": arm,
            "subject": subject,
            "stimulus_id": stimulus,
            "order": 0,
            "reasoning_type": "syllogisms" if stimulus < "m" else "transitive",
            "label": label,
            "targeted": targeted,
            "success": success,
            "first_check": 2 if success else -1,
            "radius": 2.0 if success else float("nan"),
            "n_checks": 3,
            "n_invalid": 1,
            "margin_before": 1.0,
            "margin_after": -0.5 if success else 1.0,
        }
        for subject, stimulus, label, targeted, success in rows
    ]
    return pa.Table.from_pylist(written, schema=OUTCOME_SCHEMA)


ROWS: list[Row] = [
    ("one", "a", False, True, True),
    ("one", "b", False, True, False),
    ("one", "x", True, False, True),
    ("one", "y", True, False, False),
    ("two", "a", False, True, True),
    ("two", "x", True, False, False),
    ("two", "z", True, True, True),
]


def test_rates_by_hand() -> None:
    summary = summarise(outcomes(ROWS))
    overall = summary.overall
    assert (overall.n_targeted, overall.n_right) == (4, 3)
    assert overall.corrected == pytest.approx(3 / 4)
    assert overall.broken == pytest.approx(1 / 3)
    assert overall.net_accuracy == pytest.approx((3 - 1) / 7)
    # False: +1, 0, +1; True: -1, 0, 0, +1.
    assert overall.net_balanced_accuracy == pytest.approx((2 / 3 + 0) / 2)
    # Right afterwards: False 2 of 3; True: y, two's x and z of 4.
    assert overall.balanced_accuracy == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert summary.invalid == pytest.approx(1 / 3)
    assert summary.margin_change == pytest.approx(-1.5 * 4 / 7)
    assert (summary.first_check_median, summary.radius_median) == (2.0, 2.0)


def test_splits_add_up() -> None:
    summary = summarise(outcomes(ROWS))
    assert set(summary.by_subject) == {"one", "two"}
    assert set(summary.by_type) == {"syllogisms", "transitive"}
    assert set(summary.by_label) == {"True", "False"}
    for split in (summary.by_subject, summary.by_type, summary.by_label):
        assert sum(rates.n_targeted for rates in split.values()) == 4
        assert sum(rates.n_right for rates in split.values()) == 3


def test_a_rate_over_nothing_is_none() -> None:
    summary = summarise(outcomes(ROWS[:2]))
    assert summary.overall.broken is None
    assert summary.overall.corrected == 0.5
    empty = summarise(OUTCOME_SCHEMA.empty_table())
    assert empty.overall.corrected is None
    assert empty.overall.net_balanced_accuracy is None
    assert empty.interval is None
    assert empty.metrics() == {"n_targeted": 0.0, "n_right": 0.0}


def test_json_is_strict_and_flat() -> None:
    flat = json.loads(json.dumps(summarise(outcomes(ROWS)).to_json(), allow_nan=False))
    promised = {"corrected", "broken", "n_targeted", "n_right", "net_accuracy", "balanced_accuracy", "invalid"}
    assert promised | {"interval", "by_subject", "by_type", "by_label"} <= set(flat)
    assert flat["interval"]["low"] <= flat["net_balanced_accuracy"] <= flat["interval"]["high"]
    assert flat["by_label"]["False"]["corrected"] == pytest.approx(2 / 3)


def test_the_order_of_rows_changes_nothing() -> None:
    first, second = outcomes(ROWS), outcomes(ROWS[::-1])
    assert summarise(first).overall == summarise(second).overall
    assert compare(first, outcomes(ROWS[::-1], "bias")).interval.estimate == 0.0


def test_a_model_that_only_says_false_more_often_nets_nothing() -> None:
    """All False problems mended and all True ones broken: the corrected share is 1, the net balanced accuracy 0."""
    rows = [("one", f"f{i}", False, True, True) for i in range(4)] + [
        ("one", f"t{i}", True, False, True) for i in range(8)
    ]
    overall = summarise(outcomes(rows)).overall
    assert overall.corrected == 1.0
    assert overall.net_balanced_accuracy == 0.0


def test_flipping_every_answer_is_what_flip_all_says() -> None:
    """Against the net figure of a table in which every pair succeeds, whatever was found in the first place."""
    flipped = [(subject, stimulus, label, targeted, True) for subject, stimulus, label, targeted, _ in ROWS]
    summary = summarise(outcomes(ROWS))
    assert summary.flip_all == summarise(outcomes(flipped)).overall.net_balanced_accuracy
    # False: three wrong of three; True: one wrong and three right of four.
    assert summary.flip_all == pytest.approx((1 + (1 - 3) / 4) / 2)
    assert summary.metrics()["flip_all"] == summary.to_json()["flip_all"] == summary.flip_all
    assert summarise(outcomes(ROWS[:2])).flip_all == 1.0
    assert summarise(OUTCOME_SCHEMA.empty_table()).flip_all is None


def test_a_margin_that_is_no_number_is_left_out_of_the_mean() -> None:
    table = outcomes(ROWS)
    margins = [float("nan"), *table["margin_after"].to_pylist()[1:]]
    place = table.column_names.index("margin_after")
    broken = table.set_column(place, OUTCOME_SCHEMA.field("margin_after"), pa.array(margins, pa.float32()))
    assert summarise(broken).margin_change == pytest.approx(-1.5 * 3 / 6)


def test_differences_are_paired() -> None:
    """Two arms that agree but on pairs where the first is better: the interval has no spread from the rest."""
    rng = np.random.default_rng(0)
    rows: list[Row] = [
        (f"s{s}", f"i{i:02d}", i % 2 == 0, bool(rng.random() < 0.5), bool(rng.random() < 0.5))
        for s in range(6)
        for i in range(20)
    ]
    same = compare(outcomes(rows), outcomes(rows, "bias"))
    assert same.interval.estimate == 0.0
    assert np.isnan([same.interval.low, same.interval.high]).all()  # nothing varied: no interval, and no claim
    better = [(s, i, label, targeted, targeted) for s, i, label, targeted, _ in rows]
    found = compare(outcomes(better), outcomes(rows, "bias"))
    assert found.interval.low > 0
    assert found.n_pairs == 120
    difference = summarise(outcomes(better)).overall, summarise(outcomes(rows)).overall
    assert difference[0].net_balanced_accuracy is not None
    assert difference[1].net_balanced_accuracy is not None
    expected = difference[0].net_balanced_accuracy - difference[1].net_balanced_accuracy
    assert found.interval.estimate == pytest.approx(expected)


def test_tables_that_do_not_match_are_refused() -> None:
    with pytest.raises(InputError, match="same \\(subject, stimulus, order\\) rows of guided and bias"):
        compare(outcomes(ROWS), outcomes(ROWS[1:], "bias"))
    with pytest.raises(InputError, match="of one arm, found bias, guided"):
        summarise(pa.concat_tables([outcomes(ROWS), outcomes(ROWS, "bias")]))
    with pytest.raises(InputError, match="found no radius"):
        summarise(outcomes(ROWS).drop_columns(["radius"]))
