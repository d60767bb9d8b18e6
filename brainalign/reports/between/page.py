"""The page of two studies: one HTML file that needs no network, and the same as JSON and CSV beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store, write_json, write_text
from brainalign.reports.between.contrast import ALPHA, StudyComparison
from brainalign.reports.export import table_csv
from brainalign.reports.figures.between import by_problem, differences
from brainalign.reports.heading import Fact, facts
from brainalign.reports.records import StudyRecord
from brainalign.reports.templating import platform_version, render_page


@dataclass(frozen=True)
class Written:
    """Files of a comparison."""

    html: Path
    json: Path
    csv: tuple[Path, ...]


def comparison_report(store: Store, compared: StudyComparison, output: Path | str | None = None) -> Written:
    """Write a comparison as HTML, with its figures as JSON and its tables as CSV beside it.

    Parameters
    ----------
    store : Store
    compared : StudyComparison
    output : Path or str, optional
        The HTML file; by default ``against-SECOND.html`` in the first study's folder.

    Raises
    ------
    StudyError
        A file cannot be written.
    """
    own = store.study_folder(compared.first.name) / f"against-{compared.second.name}.html"
    path = Path(output).expanduser() if output is not None else own
    write_text(path, render_comparison(compared))
    write_json(path.with_suffix(".json"), compared.to_json())
    tables = []
    for figure in (differences(compared), by_problem(compared)):
        if figure.table is not None:
            tables.append(path.with_name(f"{path.stem}-{figure.identifier}.csv"))
            write_text(tables[-1], table_csv(figure.table))
    return Written(path, path.with_suffix(".json"), tuple(tables))


def render_comparison(compared: StudyComparison) -> str:
    """Render the page's HTML."""
    found = [item.verdict for item in compared.contrasts]
    context: dict[str, Any] = {
        "head": {
            "name": f"{compared.first.name} and {compared.second.name}",
            "simulated": compared.simulated,
            "version": platform_version(),
            "facts": [*facts(compared.first)[:3], _own("First", compared.first), _own("Second", compared.second)],
        },
        "summary": _summary(compared, found),
        "sentences": [(item.verdict, compared.sentence(item), item.quantity) for item in compared.contrasts],
        "warnings": compared.warnings,
        "left_out": compared.left_out,
        "figures": {"differences": differences(compared), "by_problem": by_problem(compared)},
        "methods": _methods(compared),
    }
    return render_page("between.html.j2", context)


def _own(term: str, study: StudyRecord) -> Fact:
    """Say what a study is beside the data, which both share."""
    told = [fact for fact in facts(study) if fact.term in ("Models", "State")]
    notes = [note for fact in told for note in (fact.value, *fact.notes)]
    return Fact(f"{term} study", study.name, (study.study.description, *notes))


def _summary(compared: StudyComparison, found: list[str]) -> str:
    n, n_found = compared.n_tests, sum(verdict in ("better", "worse") for verdict in found)
    if not n:
        return "Nothing could be tested."
    if not n_found:
        return (
            f"None of {n} paired tests shows a difference between {compared.first.name} and {compared.second.name} "
            f"at {ALPHA:g} after correction for their number."
        )
    return f"{n_found} of {n} paired tests show a difference at {ALPHA:g} after correction for their number."


def _methods(compared: StudyComparison) -> list[str]:
    return [
        "The winner of every arm was chosen in its own study, on the selection part of the problems; the figures here "
        "are of the report part, which neither search has seen. Both studies stand on the same betas, subjects and "
        "problems, else nothing would have been compared.",
        "Net balanced accuracy: mean over the two labels of the mean of +1 for a corrected (subject, problem) pair, −1 "
        "for a broken one and 0 otherwise. Where the two models had other answers to begin with, the balanced accuracy "
        "after the intervention is compared instead.",
        "Test: the difference of each problem (all its subjects and premise orders together) gets a random sign, 9,999 "
        "times, or in all ways where at most 14 problems differ; the p-value is the two-sided share of statistics at "
        "least as large, the observed one counted. It speaks of other problems for these subjects. The intervals "
        "resample subjects and problems together. Predictivity is tested over subjects, each model at its own best "
        "layer, which was chosen on the same folds.",
        f"Correction: one family of {compared.n_tests} tests, all that this page shows. Holm's procedure bounds the "
        "chance of a single false finding; the q-value of Benjamini and Hochberg bounds the expected share of false "
        "findings. Verdicts follow Holm. Intervals are not corrected.",
    ]
