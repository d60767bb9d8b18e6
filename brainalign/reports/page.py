"""The study report: one HTML file that needs no network, made from stored results only."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store, write_text
from brainalign.reports import numbers
from brainalign.reports.comparisons import ArmComparison, compare_arms
from brainalign.reports.effects import highlights, outcome_part, outcome_table, overall, strata_table
from brainalign.reports.estimates import Estimate
from brainalign.reports.figures.contrasts import contrasts
from brainalign.reports.figures.fronts import fronts
from brainalign.reports.figures.history import history, study_styles
from brainalign.reports.figures.layers import predictivity
from brainalign.reports.figures.slices import slices
from brainalign.reports.figures.strength_map import strength_map
from brainalign.reports.heading import baseline, facts, warnings
from brainalign.reports.limits import limits
from brainalign.reports.methods import OBJECTIVE_WORDS, kept_settings, methods
from brainalign.reports.records import StudyRecord, read_study
from brainalign.reports.sources import provenance_blocks
from brainalign.reports.tables import BestSetting, rank_settings, scores_of
from brainalign.reports.templating import platform_version, render_page


def study_report(store: Store, name: str, output: Path | str | None = None) -> Path:
    """Write the report of a study.

    Parameters
    ----------
    store : Store
        Where the study's results stand; nothing is computed anew but intervals.
    name : str
        The study; it may be unfinished.
    output : Path or str, optional
        The HTML file to write; by default ``report.html`` in the study's folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read, or the file cannot be written.
    """
    study = read_study(store, name)
    path = Path(output).expanduser() if output is not None else store.study_folder(name) / "report.html"
    write_text(path, render_study(study))
    return path


def render_study(study: StudyRecord) -> str:
    """Render the report's HTML."""
    best, compared = rank_settings(study), compare_arms(study)
    context = {
        **_head(study),
        **_search(study, best, compared),
        "trials": study.trials,
        "trial_choices": _choices(study),
        "methods": methods(study, sample_interval(best)),
        "limits": limits(study, sum(item.difference is not None for item in compared)),
        "provenance": provenance_blocks(study),
    }
    return render_page("study.html.j2", context)


def _head(study: StudyRecord) -> dict[str, Any]:
    head = {
        "name": study.name,
        "description": study.study.description,
        "simulated": study.simulated,
        "identity": str(study.manifest.get("identity", numbers.NOT_MEASURED)),
        "version": platform_version(),
        "facts": facts(study),
        "warnings": warnings(study),
    }
    return {"head": head, "baseline": baseline(study)}


def _search(study: StudyRecord, best: Sequence[BestSetting], compared: Sequence[ArmComparison]) -> dict[str, Any]:
    groups = []
    for model, kind in study.groups:
        rows = [row for row in best if (row.model, row.kind) == (model, kind)]
        objective = study.objective_name(kind)
        groups.append(
            {
                "model": model,
                "kind": kind,
                "selects": study.selects(kind),
                "objective": objective,
                "objective_words": OBJECTIVE_WORDS.get(objective, ""),
                "rows": rows,
                "kept": numbers.setting_text(kept_settings(study, kind)),
                "varied": {row.arm: varied_setting(study, row) for row in rows},
                "part": outcome_part(rows),
                "measured": [] if study.selects(kind) else scores_of(study, model, kind),
                "outcomes": outcome_table(rows),
                "strata": strata_table(rows),
            }
        )
    figures = {
        "controls": contrasts(best, compared, study_styles(study)),
        "strength_map": strength_map(study),
        "history": history(study),
        "fronts": fronts(study),
        "slices": slices(study),
        "predictivity": predictivity(study),
    }
    return {
        "groups": groups,
        "figures": figures,
        "verdicts": compared if any(row.number is not None for row in best) else [],
        "overall": overall(compared),
        "highlights": highlights(study, best),
        "level": "95 %",
    }


def varied_setting(study: StudyRecord, row: BestSetting) -> dict[str, Any]:
    """Give a winner's setting without what the study kept the same for all trials."""
    kept = kept_settings(study, row.kind)
    return {name: value for name, value in row.setting.items() if name not in kept or kept[name] != value}


def _choices(study: StudyRecord) -> list[dict[str, Any]]:
    """Columns of the trials table that can be filtered by a menu, where there is a choice."""
    columns = ("model", "kind", "arm", "part", "state")
    found = [{"name": name, "options": sorted({str(getattr(row, name)) for row in study.trials})} for name in columns]
    return [column for column in found if len(column["options"]) > 1]


def sample_interval(best: Sequence[BestSetting]) -> Estimate | None:
    """One of the intervals of answers that the report shows."""
    estimates = [estimate for row in best for estimate in (row.report, row.selection) if row.summary is not None]
    return next((estimate for estimate in estimates if estimate is not None and estimate.method), None)
