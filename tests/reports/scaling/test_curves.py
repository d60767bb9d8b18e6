"""Points of the curves against the outcomes that they stand on."""

import numpy as np
import pytest

from brainalign.artifacts import Store
from brainalign.reports.records import read_study
from brainalign.reports.scaling.curves import UNCHANGED, outcome_curves
from brainalign.reports.scaling.sizes import family
from brainalign.reports.scaling.studies import read_studies
from brainalign.steering.outcomes import compare, overall_rates, summarise

from .conftest import Reported
from .family import SIZES, Family, build


def test_a_point_is_the_mean_over_seeds_of_the_winners_figures(reported: Reported) -> None:
    curves = {curve.name: curve for curve in reported.found.curves}
    records = [read_study(reported.store, name) for name in reported.names]
    for arm in reported.family.arms:
        points = curves["nari", "gain", arm].points
        assert [point.size.name for point in points] == sorted(SIZES, key=SIZES.__getitem__)
        for point in points:
            winners = [
                study.result(a.winner_on_report) for study in records for a in study.arms
                if (a.model, a.kind, a.arm) == (point.size.name, "nari", arm)
            ]  # fmt: skip
            rates = [overall_rates(result.outcomes) for result in winners if result is not None]
            assert [value for _, value in point.seeds] == pytest.approx([r.net_balanced_accuracy for r in rates])
            assert point.estimate.estimate == pytest.approx(np.mean([r.net_balanced_accuracy for r in rates]))
            accuracy = next(p for p in curves["nari", "accuracy", arm].points if p.size == point.size)
            assert accuracy.estimate.estimate == pytest.approx(np.mean([r.balanced_accuracy for r in rates]))


def test_with_one_seed_intervals_are_those_of_the_study_report(store: Store) -> None:
    (name,) = build(store, Family(n_seeds=1, run=("nano-llama-0.1m", "nano-llama-7.4m")))
    study = read_study(store, name)
    curves = {curve.name: curve for curve in outcome_curves([study])}
    winners = {(a.model, a.arm): study.result(a.winner_on_report) for a in study.arms if a.kind == "nari"}
    for point in curves["nari", "gain", "guided"].points:
        expected = summarise(winners[point.size.name, "guided"].outcomes).interval
        assert (point.estimate.low, point.estimate.high) == pytest.approx((expected.low, expected.high), abs=0.015)
    for point in curves["nari", "difference", "guided − bias"].points:
        pair = [winners[point.size.name, arm].outcomes for arm in ("guided", "bias")]
        expected = compare(*pair).interval
        assert point.estimate.estimate == pytest.approx(expected.estimate)
        assert (point.estimate.low, point.estimate.high) == pytest.approx((expected.low, expected.high), abs=0.015)


def test_the_unchanged_model_stands_beside_all_arms(reported: Reported) -> None:
    (curve,) = [curve for curve in reported.found.curves if curve.arm == UNCHANGED]
    changed = {c.name: c for c in reported.found.curves}
    for before, after, gain in zip(
        curve.points,
        changed["nari", "accuracy", "guided"].points,
        changed["nari", "gain", "guided"].points,
        strict=True,
    ):
        difference = after.estimate.estimate - before.estimate.estimate
        assert difference == pytest.approx(gain.estimate.estimate)


def test_seeds_that_differ_widen_what_forms_are_fitted_to(reported: Reported) -> None:
    curve = next(c for c in reported.found.curves if c.name == ("nari", "gain", "guided"))
    for row, point in enumerate(curve.points):
        between = np.var([value for _, value in point.seeds], ddof=1) / 2
        assert curve.covariance[row, row] > between


def test_a_curve_gives_no_fit_with_two_sizes(store: Store) -> None:
    build(store, Family(run=("nano-llama-0.1m", "nano-llama-7.4m")))
    curves = outcome_curves(read_studies(store, ["family"]))
    assert all(curve.to_fit() is None for curve in curves)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("smollm2-135m", "smollm2"), ("phi-4-mini-instruct", "phi-4-mini-instruct"), ("gemma-2-9b-it", "gemma-2-it")],
)
def test_families_are_names_without_sizes(name: str, expected: str) -> None:
    assert family(name) == expected
