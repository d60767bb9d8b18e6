"""What MLflow's parent runs show: a page of comparisons for each (model, kind), and the method's winner."""

from collections.abc import Iterable
from dataclasses import replace

from brainalign.artifacts import Store
from brainalign.reports.comparisons import compare_arms
from brainalign.reports.figures.contrasts import contrasts
from brainalign.reports.figures.fronts import fronts
from brainalign.reports.figures.history import history, study_styles
from brainalign.reports.figures.slices import slices
from brainalign.reports.records import StudyRecord, read_study
from brainalign.reports.tables import rank_settings
from brainalign.reports.templating import render_page
from brainalign.tracking import Showing


def mlflow_showings(store: Store, name: str, groups: Iterable[str]) -> dict[str, Showing]:
    """Make pages and name winners of the given ``"model/kind"`` that choose a setting.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    study, wanted = read_study(store, name), set(groups)
    found = {}
    for (model, kind), arms in study.groups.items():
        if f"{model}/{kind}" in wanted and study.selects(kind):
            winner = next((arm.best for arm in arms if arm.is_method), None)
            found[f"{model}/{kind}"] = Showing(_page(replace(study, arms=tuple(arms)), model, kind), winner)
    return found


def _page(study: StudyRecord, model: str, kind: str) -> str:
    compared = compare_arms(study)
    figures = (contrasts(rank_settings(study), compared, study_styles(study)), history(study), fronts(study))
    context = {
        "name": study.name,
        "model": model,
        "kind": kind,
        "simulated": study.simulated,
        "sentences": [item.sentence for item in compared],
        "figures": [*figures, slices(study)],
    }
    return render_page("comparison.html.j2", context)
