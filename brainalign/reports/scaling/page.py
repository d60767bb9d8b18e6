"""The scaling report: one HTML file that needs no network, and its figures as PNG, PDF and CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store, write_text
from brainalign.reports.export import export_figure
from brainalign.reports.figures.scaling_curves import kind_figure, predictivity_figure
from brainalign.reports.figures.scaling_fits import fits_figure
from brainalign.reports.figures.scaling_maps import scaling_maps
from brainalign.reports.figures.scaling_orders import data_figure, orders_figure
from brainalign.reports.figures.style import Figure, Table
from brainalign.reports.heading import baseline
from brainalign.reports.limits import limits
from brainalign.reports.methods import methods
from brainalign.reports.records import StudyRecord
from brainalign.reports.scaling.curves import ScalingCurve, outcome_curves
from brainalign.reports.scaling.fits import CurveFit, fit_curves, foretold_table
from brainalign.reports.scaling.forecasts import Scored, forecast_table, scored
from brainalign.reports.scaling.orders import data_readings, order_readings
from brainalign.reports.scaling.predictivity import predictivity_curves
from brainalign.reports.scaling.selection import cost_table, selection_table
from brainalign.reports.scaling.shortcut import shortcut_accuracy
from brainalign.reports.scaling.sizes import model_sizes
from brainalign.reports.scaling.studies import gaps, read_studies
from brainalign.reports.scaling.words import facts, scaling_methods, sentences
from brainalign.reports.sources import provenance_blocks
from brainalign.reports.templating import platform_version, render_page


@dataclass(frozen=True)
class Written:
    """What a scaling report wrote: the page, the figures' files, and what it has to say in sentences."""

    page: Path
    figures: tuple[Path, ...]
    warnings: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Everything that the page is made of."""

    studies: list[StudyRecord]
    curves: list[ScalingCurve]
    predictivity: list[ScalingCurve]
    fits: list[CurveFit]
    scored: list[Scored]

    @property
    def kinds(self) -> list[str]:
        """Kinds that select, in the order of the study files."""
        return list(dict.fromkeys(kind for s in self.studies for kind in s.study.kinds if s.selects(kind)))


def scaling_report(store: Store, names: Sequence[str], output: Path | str | None = None) -> Written:
    """Write the scaling report of some studies.

    Parameters
    ----------
    store : Store
        Where the studies' results stand.
    names : sequence of str
        Studies, each by its name or by the name that its seeds share; they may be unfinished.
    output : Path or str, optional
        The HTML file to write; by default ``scaling.html`` in the first study's folder. Figures go into a folder
        ``scaling-figures`` beside it.

    Raises
    ------
    StudyError
        A study is not there or cannot be read, or a file cannot be written.
    InputError
        The studies stand on different data or problems.
    """
    found = find(store, names)
    default = store.study_folder(found.studies[0].name) / "scaling.html"
    return write_report(found, Path(output).expanduser() if output is not None else default)


def write_report(found: Findings, page: Path) -> Written:
    """Write what was found as a page, with the figures' files beside it."""
    figures = _figures(found)
    write_text(page, render_page("scaling.html.j2", _context(found, figures)))
    folder = page.parent / f"{page.stem}-figures"
    written = [path for figure in _listed(figures) for path in export_figure(figure, folder)]
    told = sentences(found.curves, found.fits, found.scored)
    return Written(page, tuple(written), tuple(gaps(found.studies)), tuple(told))


def find(store: Store, names: Sequence[str]) -> Findings:
    """Read studies, resample their outcomes, and fit all forms."""
    studies = read_studies(store, names)
    curves, measured = outcome_curves(studies), predictivity_curves(studies)
    fits = fit_curves([*curves, *measured])
    return Findings(studies, curves, measured, fits, scored(store, studies, [*curves, *measured]))


def _figures(found: Findings) -> dict[str, Any]:
    return {
        "kinds": [kind_figure(kind, found.curves, shortcut_accuracy(found.studies, kind)) for kind in found.kinds],
        "fits": fits_figure(found.fits, found.scored),
        "predictivity": predictivity_figure(found.predictivity),
        "maps": scaling_maps(found.studies),
        "orders": orders_figure(order_readings(found.studies)),
        "data": data_figure(data_readings(found.studies)),
    }


def _listed(figures: dict[str, Any]) -> list[Figure]:
    return [*figures["kinds"], *(figure for name, figure in figures.items() if name != "kinds")]


def _context(found: Findings, figures: dict[str, Any]) -> dict[str, Any]:
    studies = found.studies
    sample = next((p.estimate for curve in found.curves for p in curve.points if p.estimate.method), None)
    return {
        "head": {
            "name": studies[0].study.name.rsplit("-seed", 1)[0],
            "studies": [study.name for study in studies],
            "description": studies[0].study.description,
            "simulated": any(study.simulated for study in studies),
            "version": platform_version(),
            "facts": facts(studies),
            "warnings": gaps(studies),
        },
        "sentences": sentences(found.curves, found.fits, found.scored),
        "baseline": _baseline(studies),
        "figures": figures,
        "foretold": foretold_table(found.fits),
        "forecasts": forecast_table(found.scored),
        "selection": selection_table(studies),
        "costs": cost_table(studies),
        "methods": [*methods(studies[0], sample), *scaling_methods(studies)],
        "limits": list(dict.fromkeys(limit for study in studies for limit in limits(study, len(found.curves)))),
        "provenance": [(study.name, provenance_blocks(study)) for study in studies],
    }


def _baseline(studies: Sequence[StudyRecord]) -> Table:
    """Unchanged models of all studies, by size, each once."""
    tables = [baseline(study) for study in studies]
    order = {size.name: place for place, size in enumerate(model_sizes(studies))}
    rows = dict.fromkeys(row for table in tables for row in table.rows)
    return Table(tables[0].header, tuple(sorted(rows, key=lambda row: order.get(row[0], len(order)))))
