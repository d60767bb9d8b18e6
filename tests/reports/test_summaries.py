"""Best settings and comparisons against figures worked out with pandas alone."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brainalign.artifacts import Store
from brainalign.errors import StudyError
from brainalign.reports import best_lines, best_settings, comparisons, mlflow_summaries, study_summary
from brainalign.reports.figures.fronts import fronts
from brainalign.reports.methods import methods
from brainalign.reports.page import render_study
from brainalign.reports.records import read_study

from .conftest import Finished
from .synthetic import MODEL, Plan, build, manifest, trial, winners, writer


def frame(store: Store, key: str | None) -> pd.DataFrame:
    """Outcomes of a result as they stand on disk, with +1 for mended and -1 for broken."""
    table = pd.read_parquet(store.result_path(str(key)))
    table["net"] = np.where(table.targeted, 1, -1) * table.success
    return table


def net_balanced(table: pd.DataFrame) -> float:
    return float(table.groupby("label").net.mean().mean())


def test_best_settings_are_the_winners_with_both_parts(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    rows = {row.arm: row for row in best_settings(store, plan.name) if row.kind == "nari"}
    for arm, winner in winners(store, plan, tuple(plan.success)).items():
        selection = net_balanced(frame(store, f"{plan.name}-{arm}-{winner.number}-selection"))
        report = net_balanced(frame(store, f"{plan.name}-{arm}-{winner.number}-report"))
        row = rows[arm]
        assert (row.number, row.setting, row.n_tried) == (winner.number, winner.setting, plan.n_trials)
        assert row.selection is not None
        assert row.report is not None
        assert row.selection.estimate == pytest.approx(selection)
        assert row.report.estimate == pytest.approx(report)
        assert row.gap == pytest.approx(selection - report)
        assert row.report.low is not None
        assert row.report.high is not None
        assert row.report.low < report < row.report.high
        assert row.done
        assert row.missing == ""
    assert [row.arm for row in best_settings(store, plan.name) if row.is_method] == ["guided", "measured"]


def test_outcome_rates_by_hand(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    row = next(row for row in best_settings(store, plan.name) if row.arm == "guided")
    table = frame(store, f"{plan.name}-guided-{row.number}-report")
    assert row.summary is not None
    assert row.summary_part == "report"
    assert row.summary.overall.corrected == pytest.approx(table[table.targeted].success.mean())
    assert row.summary.overall.broken == pytest.approx(table[~table.targeted].success.mean())
    assert row.summary.overall.n_targeted + row.summary.overall.n_right == plan.n_subjects * plan.n_problems
    assert row.summary.invalid == pytest.approx(table.n_invalid.sum() / table.n_checks.sum())


def test_differences_are_paired_and_by_hand(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    best = winners(store, plan, tuple(plan.success))
    keys = ["subject", "stimulus_id", "order"]
    found = {item.control: item for item in comparisons(store, plan.name)}
    assert set(found) == {"random_direction", "bias"}
    guided = frame(store, f"{plan.name}-guided-{best['guided'].number}-report")
    for control, item in found.items():
        other = frame(store, f"{plan.name}-{control}-{best[control].number}-report")
        both = guided.merge(other, on=keys, suffixes=("", "_other"), validate="1:1")
        both["net"] = both.net - both.net_other
        assert item.difference is not None
        assert item.difference.estimate == pytest.approx(net_balanced(both))
        assert item.n_pairs == len(both)
    assert found["random_direction"].verdict == "better"
    assert found["random_direction"].sentence.startswith("guided does better than random_direction: +")


@pytest.mark.parametrize(
    ("guided", "control", "verdict", "words"),
    [
        ((0.4, 0.3), (0.4, 0.3), "none", "is not shown to differ from"),
        ((0.1, 0.5), (0.8, 0.1), "worse", "does worse than"),
        ((0.8, 0.05), (0.2, 0.4), "better", "does better than"),
    ],
)
def test_planted_effects_and_nulls_are_said_as_such(
    store: Store, guided: tuple[float, float], control: tuple[float, float], verdict: str, words: str
) -> None:
    plan = Plan(success={"guided": guided, "random_direction": control}, n_trials=2, with_predictivity=False)
    build(store, plan)
    (item,) = comparisons(store, plan.name)
    assert item.verdict == verdict
    assert words in item.sentence
    assert item.difference is not None
    assert item.difference.low is not None
    assert item.difference.high is not None
    assert ("includes 0" in item.sentence) == (item.difference.low <= 0 <= item.difference.high)


def test_predictivity_carries_an_interval_over_subjects(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    row = next(row for row in best_settings(store, plan.name) if row.arm == "measured")
    key = next(r.result_key for r in store.read_trials(plan.name) if r.arm == "measured" and r.number == row.number)
    result = store.read_result(str(key))
    assert result is not None
    subjects = np.array(list(result.detail["by_subject"].values()))
    at_best = subjects[:, int(np.argmax(result.detail["scores"]))]
    assert row.selection is not None
    assert row.selection.estimate == pytest.approx(np.median(at_best))
    assert row.selection.low is not None
    assert row.selection.high is not None
    assert row.selection.low < row.selection.estimate < row.selection.high
    assert row.selection.high - row.selection.low < 2 * np.ptp(at_best)
    assert "subjects" in str(row.selection.method)
    assert (row.report, row.gap) == (None, None)


def test_summary_is_json_and_says_which_data(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    summary = json.loads(json.dumps(study_summary(store, plan.name), allow_nan=False))
    assert summary["simulated"] is True
    assert summary["data"]["source"] == "simulated"
    assert summary["n_trials"] == {
        "complete": 34, "failed": 0, "pruned": 0, "done": 34, "planned": 34, "reported": 3, "reports_planned": 3,
        "finished": True,
    }  # fmt: skip
    assert summary["kept"]["nari"]["loss"] == "cosine"
    assert "alpha" not in summary["kept"]["nari"]
    assert len(summary["best"]) == 5
    assert len(summary["comparisons"]) == 2


def test_console_lines_put_the_control_beside_the_method(finished: Finished) -> None:
    store, plan = finished.store, finished.plan
    lines = best_lines(study_summary(store, plan.name))
    assert lines[0].startswith("SIMULATED DATA")
    guided = next(line for line in lines if line.startswith("  guided: "))
    assert "alpha " in guided
    assert "loss" not in guided
    assert sum(line.startswith("  guided: ") for line in lines) == 1
    assert any(line.startswith("  random_direction: ") and "report part" in line for line in lines)
    assert any("guided does better than random_direction" in line for line in lines)


def test_mlflow_figures_only_of_groups_that_are_done(store: Store) -> None:
    plan = build(store, Plan())
    summary = study_summary(store, plan.name)
    figures = mlflow_summaries(summary)
    guided = next(row for row in summary["best"] if row["arm"] == "guided")
    group = figures[f"{MODEL}/nari"]
    assert group["best.guided"] == guided["selection"]["estimate"]
    assert group["report.guided.low"] == guided["report"]["low"]
    assert group["difference.bias.high"] > group["difference.bias"] > group["difference.bias.low"]
    assert set(figures[f"{MODEL}/predictivity"]) == {"best.measured", "best.shuffled"}
    longer = Plan(name="longer", with_report=False)
    build(store, longer)
    assert set(mlflow_summaries(study_summary(store, longer.name))) == {f"{MODEL}/predictivity"}


def test_search_cut_before_the_report_part(store: Store) -> None:
    plan = build(store, Plan(with_report=False))
    row = next(row for row in best_settings(store, plan.name) if row.arm == "guided")
    assert row.selection is not None
    assert (row.report, row.gap, row.summary_part, row.done) == (None, None, "selection", False)
    assert row.missing == "Not run on the report part yet."
    assert {item.verdict for item in comparisons(store, plan.name)} == {"absent"}
    assert "no winner on the report part" in comparisons(store, plan.name)[0].sentence


def test_an_arm_that_only_failed_says_why(store: Store) -> None:
    plan = Plan(success={"guided": (0.5, 0.1), "bias": (0.5, 0.5)}, n_trials=2, with_predictivity=False)
    store.write_manifest(plan.name, manifest(plan))
    draw = writer(store, plan)
    for number in range(2):
        draw.nari("guided", number, "selection")
        error = "Traceback (most recent call last):\n  …\nValueError: no room"
        store.write_trial(trial(plan, "nari", "bias", number, state="FAILED", error=error))
    bias = next(row for row in best_settings(store, plan.name) if row.arm == "bias")
    assert (bias.number, bias.selection, bias.n_failed) == (None, None, 2)
    assert bias.missing == "All 2 trials failed: ValueError: no room"


def test_nan_and_missing_objectives_never_win(store: Store) -> None:
    plan = Plan(success={"guided": (0.5, 0.1)}, n_trials=3, with_predictivity=False)
    store.write_manifest(plan.name, manifest(plan))
    writer(store, plan).nari("guided", 0, "selection")
    store.write_trial(trial(plan, "nari", "guided", 1, objective=math.nan, metrics={"net_accuracy": math.nan}))
    store.write_trial(trial(plan, "nari", "guided", 2, objective=None))
    (row,) = best_settings(store, plan.name)
    assert (row.number, row.n_tried) == (0, 1)
    json.dumps(study_summary(store, plan.name), allow_nan=False)


def test_several_objectives_and_constraints_are_told_with_their_front(store: Store) -> None:
    plan = Plan(success={"guided": (0.5, 0.3)}, n_trials=6, with_predictivity=False, with_report=False)
    draw, content = writer(store, plan), manifest(plan)
    content["study"]["kinds"]["nari"] |= {
        "objective": [{"metric": "net_balanced_accuracy"}, {"metric": "broken"}],
        "constraints": {"broken": {"at_most": 0.29}},
    }
    store.write_manifest(plan.name, content)
    rows = [draw.nari("guided", number, "selection") for number in range(6)]
    met = [row for row in rows if row.metrics["broken"] <= 0.29]
    assert 0 < len(met) < 6
    summary = study_summary(store, plan.name)
    assert summary["best"][0]["number"] == max(met, key=lambda row: row.objective).number
    assert summary["best"][0]["missed"] == []
    (arm,) = summary["fronts"]
    assert arm["front"][0]["number"] == summary["best"][0]["number"]
    assert {one["number"] for one in arm["front"]} <= {row.number for row in met}
    figure = fronts(read_study(store, plan.name))
    shown = json.loads(figure.panels[0].spec)["data"]
    assert sorted(shown[1]["x"]) == sorted(one["objectives"]["broken"] for one in arm["front"])
    assert figure.table is not None
    assert [cells[3] for cells in figure.table.rows] == [str(one["number"]) for one in arm["front"]]
    assert "Pareto fronts" in render_study(read_study(store, plan.name))
    words = " ".join(methods(read_study(store, plan.name), None))
    assert "to maximise net_balanced_accuracy" in words
    assert "and to minimise broken; winners are the best by the first, with broken at most 0.29" in words
    stopped = {"objective": None, "stopping": {"rule": "asha", "rungs": [4, 8]}}
    other = {
        **content["study"],
        "budget": {"repeats": 3},
        "kinds": {"nari": content["study"]["kinds"]["nari"] | stopped},
    }
    store.write_manifest(plan.name, {**content, "study": other})
    words = " ".join(methods(read_study(store, plan.name), None))
    assert "stopped by asha after 4 and 8 checks where it fell behind earlier ones; it counts as tried" in words
    assert "with 3 replicate seeds" in words
    content["study"]["kinds"]["nari"]["constraints"] = {"broken": {"at_most": 0.0}}
    store.write_manifest(plan.name, content)
    assert any(
        "no setting met all constraints, this one misses broken at most 0" in line for line in _lines(store, plan)
    )


def _lines(store: Store, plan: Plan) -> list[str]:
    return best_lines(study_summary(store, plan.name))


def test_results_of_other_problems_are_not_compared(store: Store) -> None:
    plan = build(store, Plan(n_trials=2, with_predictivity=False, success={"guided": (0.5, 0.1), "bias": (0.5, 0.5)}))
    best = winners(store, plan, ("bias",))["bias"]
    store.result_path(f"{plan.name}-bias-{best.number}-report").unlink()
    writer(store, Plan(n_problems=12)).nari("bias", best.number, "report")
    (item,) = comparisons(store, plan.name)
    assert item.verdict == "absent"
    assert "same" in item.sentence


def test_unknown_and_foreign_studies_are_one_line(store: Store) -> None:
    with pytest.raises(StudyError, match="expected study 'nowhere'"):
        best_settings(store, "nowhere")
    store.write_manifest("broken", {"study": {"name": "broken"}})
    with pytest.raises(StudyError, match=r"expected a study in .*manifest\.json"):
        best_settings(store, "broken")


def test_winners_are_told_over_seeds_and_beside_the_expected_best_of_as_many_tries(store: Store) -> None:
    plan = Plan(success={"guided": (0.5, 0.3), "bias": (0.3, 0.3)}, n_trials=6, with_predictivity=False)
    build(store, plan)
    content = store.read_manifest(plan.name)
    content["study"]["budget"] = {**content["study"].get("budget", {}), "repeats": 3}
    store.write_manifest(plan.name, content)
    before = {row["arm"]: row for row in study_summary(store, plan.name)["best"]}
    assert before["guided"]["over_seeds"] is None
    assert before["guided"]["done"] is False
    (first,) = [r for r in store.read_trials(plan.name) if (r.arm, r.part) == ("guided", "report")]
    for repeat, objective in ((1, 0.1), (2, 0.3)):
        store.write_trial(replace(first, repeat=repeat, replicate=repeat, objective=objective))
    row = {row["arm"]: row for row in study_summary(store, plan.name)["best"]}["guided"]
    assert row["over_seeds"]["values"] == [first.objective, 0.1, 0.3]
    assert row["over_seeds"]["sd"] == pytest.approx(np.std([first.objective, 0.1, 0.3], ddof=1))
    assert (row["done"], row["report"]) == (True, before["guided"]["report"])
    tried = [r.objective for r in store.read_trials(plan.name) if (r.arm, r.part) == ("bias", "selection")]
    drawn = np.random.default_rng(0).choice(tried, (20_000, 6)).max(axis=1).mean()
    assert before["bias"]["expected_best"] == pytest.approx(drawn, abs=0.01)
    assert any("over 3 seeds" in line for line in _lines(store, plan))
    assert "3 seeds: " in render_study(read_study(store, plan.name))
    figures = mlflow_summaries(study_summary(store, plan.name))
    assert figures == {} or all("expected_best.bias" in group for group in figures.values())
