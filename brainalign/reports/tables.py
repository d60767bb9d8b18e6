"""Best settings of a study as typed rows: for the report, the command line's last words, and machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from brainalign.artifacts import Store, TrialRow
from brainalign.reports.comparisons import ArmComparison, compare_arms
from brainalign.reports.estimates import Estimate
from brainalign.reports.heading import progress
from brainalign.reports.methods import kept_settings
from brainalign.reports.numbers import is_number
from brainalign.reports.records import ArmRecord, StudyRecord, read_study
from brainalign.reports.subjects import subject_interval
from brainalign.statistics import expected_best
from brainalign.steering.outcomes import OutcomeSummary, summarise
from brainalign.study import front_to_json

INTERVAL_METRIC = "net_balanced_accuracy"
"""The metric that outcome summaries give an interval for."""


@dataclass(frozen=True)
class BestSetting:
    """The best setting of an arm.

    ``selection`` and ``report`` are the objective on the two parts, ``gap`` their difference: what choosing the best of
    ``n_tried`` settings cost, ``n_pruned`` of which were stopped early. ``summary`` are the outcomes on the report
    part, or on the selection part while there is no other (``summary_part`` says which); ``done`` says whether nothing
    of the arm is left to run. ``number`` is None where no trial has an objective; ``missing`` says what is not there
    and why. ``missed`` names the constraints that the setting misses: a winner misses one only where no setting meets
    them all. ``over_seeds`` are the objectives on the report part, one for each seed that the winner was run with.
    ``expected_best`` is the best that as many settings as the method tried, drawn from those of this arm, come to on
    average on the selection part: of a control what the method's best has to be seen beside.
    """

    model: str
    kind: str
    arm: str
    is_method: bool
    objective: str
    number: int | None
    setting: dict[str, Any]
    n_tried: int
    n_pruned: int
    n_failed: int
    done: bool
    selection: Estimate | None
    report: Estimate | None
    gap: float | None
    summary: OutcomeSummary | None
    summary_part: str | None
    missing: str
    missed: tuple[str, ...] = ()
    over_seeds: tuple[float, ...] = ()
    expected_best: float | None = None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        names = (
            "model",
            "kind",
            "arm",
            "is_method",
            "objective",
            "number",
            "setting",
            "n_tried",
            "n_pruned",
            "n_failed",
            "done",
            "gap",
        )
        flat = {name: getattr(self, name) for name in (*names, "summary_part", "missing")}
        flat["missed"] = list(self.missed)
        flat["expected_best"] = self.expected_best
        flat["over_seeds"] = self.seeds_to_json()
        for name in ("selection", "report"):
            value: Estimate | None = getattr(self, name)
            flat[name] = None if value is None else value.to_json()
        return {**flat, "outcomes": None if self.summary is None else self.summary.to_json()}

    def seeds_to_json(self) -> dict[str, Any] | None:
        """Mean and standard deviation over seeds beside the single figures; None where there is one seed."""
        values = self.over_seeds
        return {"values": list(values), "mean": mean(values), "sd": stdev(values)} if values else None


def _expected_best(study: StudyRecord, arm: ArmRecord) -> float | None:
    """Give the best that as many draws as the method has settings come to, from the arm's own objectives."""
    method = next((one for one in study.groups[(arm.model, arm.kind)] if one.is_method), None)
    if method is None or not study.selects(arm.kind):
        return None
    sign = -1.0 if next(iter(arm.goals.directions.values())) == "minimize" else 1.0
    found = expected_best([sign * float(row.objective or 0.0) for row in arm.complete], _n_tried(method))
    return None if found is None else sign * found


def _n_tried(arm: ArmRecord) -> int:
    return len(arm.complete) + len(arm.pruned)


@dataclass(frozen=True)
class Score:
    """One setting of a kind that only measures, with its figure."""

    arm: str
    is_method: bool
    number: int
    setting: Mapping[str, Any]
    estimate: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        estimate = None if self.estimate is None else self.estimate.to_json()
        return {"arm": self.arm, "number": self.number, "setting": dict(self.setting), "estimate": estimate}


def best_settings(store: Store, name: str) -> list[BestSetting]:
    """Best setting of every (model, kind, arm) of a study, the method before its controls.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    return rank_settings(read_study(store, name))


def comparisons(store: Store, name: str) -> list[ArmComparison]:
    """Compare the method with each control, on the report part.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    return compare_arms(read_study(store, name))


def study_summary(store: Store, name: str) -> dict[str, Any]:
    """Sum up a study in one JSON object.

    Returns
    -------
    dict
        ``name``, ``identity``, ``simulated``, ``data`` (source, description, content hash, subjects), ``n_trials``
        (counts), ``kept`` (settings that are the same in all trials, by kind), ``best`` (as `BestSetting.to_json`) and
        ``comparisons`` (as `ArmComparison.to_json`), ``scores``: every setting of the kinds that only measure, and
        ``fronts``: the Pareto front of every arm that is searched for several objectives, on the selection part.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    study = read_study(store, name)
    data = {key: study.data.get(key) for key in ("source", "description", "content_hash", "wording", "subjects")}
    return {
        "name": name,
        "identity": study.manifest.get("identity"),
        "simulated": study.simulated,
        "data": data,
        "n_trials": progress(study).to_json(),
        "kept": {kind: kept_settings(study, kind) for kind in study.study.kinds},
        "best": [row.to_json() for row in rank_settings(study)],
        "comparisons": [row.to_json() for row in compare_arms(study)],
        "scores": [
            {"model": model, "kind": kind, **score.to_json()}
            for model, kind in study.groups
            if not study.selects(kind)
            for score in scores_of(study, model, kind)
        ],
        "fronts": [
            {"model": arm.model, "kind": arm.kind, "arm": arm.arm, "front": front_to_json(arm.goals, arm.complete)}
            for arm in study.arms
            if len(arm.goals.directions) > 1
        ],
    }


def rank_settings(study: StudyRecord) -> list[BestSetting]:
    """Best setting of every arm of a study that is read already."""
    return [_best_setting(study, arm) for arm in study.arms]


def scores_of(study: StudyRecord, model: str, kind: str) -> list[Score]:
    """Figures of every finished setting of a kind, arm by arm: for kinds that choose nothing."""
    return [
        Score(arm.arm, arm.is_method, row.number, row.setting, _estimate(study, row, None))
        for arm in study.groups[(model, kind)]
        for row in arm.complete
    ]


def _best_setting(study: StudyRecord, arm: ArmRecord) -> BestSetting:
    best, reported = arm.best, arm.winner_on_report
    summaries = {"selection": _summary(study, best), "report": _summary(study, reported)}
    selection = _estimate(study, best, summaries["selection"])
    report = _estimate(study, reported, summaries["report"])
    told = "report" if study.selects(arm.kind) and reported is not None else "selection"
    return BestSetting(
        model=arm.model,
        kind=arm.kind,
        arm=arm.arm,
        is_method=arm.is_method,
        objective=study.objective_name(arm.kind),
        number=None if best is None else best.number,
        setting={} if best is None else dict(best.setting),
        n_tried=_n_tried(arm),
        n_pruned=len(arm.pruned),
        n_failed=len(arm.failed),
        done=_done(study, arm),
        selection=selection,
        report=report,
        gap=selection.estimate - report.estimate if selection is not None and report is not None else None,
        summary=summaries[told],
        summary_part=None if summaries[told] is None else told,
        missing=_missing(study, arm),
        missed=() if best is None else tuple(name for name, over in arm.goals.violations(best).items() if over > 0),
        over_seeds=arm.over_seeds,
        expected_best=_expected_best(study, arm),
    )


def _done(study: StudyRecord, arm: ArmRecord) -> bool:
    """Whether an arm has all its trials and, where there is a winner to report, its row on the report part."""
    searched = len(arm.trials) >= study.study.n_trials(arm.kind) if arm.kind in study.study.kinds else True
    n_reported = len({row.repeat for row in (*arm.reported, *arm.repeated)})
    return searched and (not study.selects(arm.kind) or arm.best is None or n_reported >= study.study.budget.repeats)


def _estimate(study: StudyRecord, row: TrialRow | None, summary: OutcomeSummary | None) -> Estimate | None:
    """Give a trial's objective, with its interval where the objective has one."""
    if row is None or row.objective is None or not is_number(row.objective):
        return None
    if summary is not None and summary.interval is not None and study.objective_name(row.kind) == INTERVAL_METRIC:
        return Estimate.of(summary.interval)
    return subject_interval(study.result(row)) or Estimate(float(row.objective))


def _summary(study: StudyRecord, row: TrialRow | None) -> OutcomeSummary | None:
    """Outcomes of a trial in figures; None for kinds without outcomes."""
    result = study.result(row)
    if row is None or result is None or not result.outcomes.num_rows:
        return None
    return summarise(result.outcomes)


def _missing(study: StudyRecord, arm: ArmRecord) -> str:
    """Why an arm has no winner, or its winner no row on the report part; empty if nothing is missing."""
    if arm.best is None:
        if not arm.trials:
            return "No trial has run yet."
        if len(arm.failed) == len(arm.trials):
            return f"All {len(arm.trials)} trials failed: {first_line(arm.failed[0].error)}"
        return f"None of {len(arm.trials)} trials has an objective."
    if not study.selects(arm.kind) or arm.winner_on_report is not None:
        return ""
    failed = [row for row in arm.reported if row.state == "FAILED"]
    return f"Failed on the report part: {first_line(failed[0].error)}" if failed else "Not run on the report part yet."


def first_line(error: str | None) -> str:
    """Take the last line of a traceback, which names the error; at most 160 characters."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    return lines[-1][:160] if lines else "no error was recorded"
