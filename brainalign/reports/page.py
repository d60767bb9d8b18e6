"""The study report: one HTML file that needs no network, made from stored results only."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

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
from brainalign.reports.tables import BestSetting, first_line, rank_settings, scores_of

SHORT_CELL = 28
"""Characters up to which a table cell stays on one line."""


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
    environment = html_environment()
    best, compared = rank_settings(study), compare_arms(study)
    context = {
        **_head(study),
        **_search(study, best, compared),
        "trials": study.trials,
        "trial_choices": _choices(study),
        "methods": methods(study, _sample(best)),
        "limits": limits(study, sum(item.difference is not None for item in compared)),
        "provenance": provenance_blocks(study),
        "plotly": get_plotlyjs().replace("</script", "<\\/script"),
        "css": plain_text(environment, "style.css"),
        "script": plain_text(environment, "page.js"),
    }
    return environment.get_template("study.html.j2").render(context)


def _head(study: StudyRecord) -> dict[str, Any]:
    head = {
        "name": study.name,
        "description": study.study.description,
        "simulated": study.simulated,
        "identity": str(study.manifest.get("identity", numbers.NOT_MEASURED)),
        "version": _version(),
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


def _sample(best: Sequence[BestSetting]) -> Estimate | None:
    """One of the intervals of answers that the report shows."""
    estimates = [estimate for row in best for estimate in (row.report, row.selection) if row.summary is not None]
    return next((estimate for estimate in estimates if estimate is not None and estimate.method), None)


def html_environment() -> Environment:
    """Make the templates' environment with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("brainalign.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("decimal", "signed", "percent", "count", "duration", "is_number"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["typeset"] = typeset
    environment.filters["first_line"] = first_line
    environment.filters["width_class"] = width_class
    environment.filters["items_of"] = setting_items
    return environment


def typeset(text: str) -> str:
    """Put a true minus sign before numbers and keep per cent signs with theirs; hyphens inside names and dates stay."""
    text = re.sub(r"(?<=\d) %", "\u00a0%", text)
    return re.sub(r"(?<![\w.\-–])-(?=\d)", "−", text)


def width_class(cell: str) -> str:
    """Class of a table cell: short ones must not break, long ones must."""
    return "short" if len(cell) <= SHORT_CELL else "long"


def setting_items(setting: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Spell a setting's names and values as text, by name."""
    return [(name, numbers.plain(setting[name])) for name in sorted(setting)]


def plain_text(environment: Environment, name: str) -> str:
    """Source of a file beside the templates, not rendered."""
    if environment.loader is None:
        raise LookupError(f"expected templates of brainalign.reports, found none when looking for {name}")
    return environment.loader.get_source(environment, name)[0]


def _version() -> str:
    try:
        return version("brainalign")
    except PackageNotFoundError:
        return "from a checkout"
