"""The gate refuses what cannot be told apart, and tells what was planted."""

import numpy as np
import pytest

from brainalign.statistics.scaling import Curve, Scale, draw_truth, fit_exponent, fit_forms, judge, score_forms

ACCURACY = Scale(0.0, 1.0, 0.5)


def curve(y: np.ndarray, error: float, decades: float = 3.0, families: tuple[str, ...] | None = None) -> Curve:
    sizes = np.geomspace(1e5, 10 ** (5 + decades), len(y))
    return Curve.of(sizes, y, np.eye(len(y)) * error**2, families or ("one",) * len(y), ACCURACY)


def test_a_slight_rise_within_its_errors_is_told_to_be_nothing() -> None:
    gate = judge(fit_forms(curve(np.array([0.6, 0.62, 0.6, 0.64, 0.63, 0.65]), 0.05)))
    assert not gate.passed
    assert gate.exponent is None
    assert "do not tell the forms apart" in gate.reason


def test_four_sizes_are_too_few_however_sharp() -> None:
    gate = judge(fit_forms(curve(0.5 + 0.4 * np.exp(2 * (np.arange(4) / 3 - 1)), 1e-4)))
    assert not gate.passed
    assert "4 sizes are too few" in gate.reason


def test_a_planted_exponent_is_found() -> None:
    t = np.linspace(0, 1, 8)
    y = 0.5 + 0.4 * np.exp(2.5 * (t - 1))
    gate = judge(fit_forms(curve(y + 0.002 * np.random.default_rng(1).standard_normal(8), 0.002)))
    assert gate.form == "power law"
    planted = 2.5 / np.log(1e3)
    assert gate.exponent is not None
    assert gate.exponent.low is not None
    assert gate.exponent.high is not None
    assert gate.exponent.low < planted < gate.exponent.high
    assert gate.exponent.estimate == pytest.approx(planted, rel=0.05)


def test_a_planted_saturation_is_told_from_a_line() -> None:
    t = np.linspace(0, 1, 9)
    y = 0.8 - 0.28 * np.exp(-5 * t)
    gate = judge(fit_forms(curve(y + 0.001 * np.random.default_rng(2).standard_normal(9), 0.001)))
    assert gate.form == "saturating"


def test_exponents_cover_their_planted_values() -> None:
    rng = np.random.default_rng(5)
    truths = [draw_truth(rng, "power law") for _ in range(25)]
    found = [(truth.exponent, fit_exponent(truth.curve, "power law")) for truth in truths]
    held = [(e.low is None or e.low <= value) and (e.high is None or value <= e.high) for value, e in found]
    assert np.mean(held) >= 0.84


def test_the_gate_seldom_tells_a_wrong_form() -> None:
    rng = np.random.default_rng(9)
    told = [(truth.form, judge(fit_forms(truth.curve)).form) for truth in (draw_truth(rng) for _ in range(60))]
    wrong = [pair for pair in told if pair[1] is not None and pair[0] != pair[1]]
    assert len(wrong) <= 3


def test_families_are_left_out_whole() -> None:
    y = np.array([0.5, 0.56, 0.62, 0.68, 0.74, 0.8])
    one = {score.name: score for score in score_forms(fit_forms(curve(y, 0.005)))}
    assert one["log-linear"].family_error is None
    two = {s.name: s for s in score_forms(fit_forms(curve(y, 0.005, families=("a", "a", "b", "a", "b", "a"))))}
    assert two["log-linear"].family_error == pytest.approx(0, abs=0.01)
    assert two["constant"].family_error > 0.05
    assert one["log-linear"].error < one["constant"].error
    assert sum(score.weight for score in one.values()) == pytest.approx(1)
