"""The geometry as a section of figures, and as a page of its own with the figures' data beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store, write_json, write_text
from brainalign.reports.between.page import Written
from brainalign.reports.export import table_csv
from brainalign.reports.figures.style import Figure
from brainalign.reports.geometry.alignment import NAMES, SITES, Alignment, align
from brainalign.reports.geometry.curves import alignment_figure
from brainalign.reports.geometry.inputs import GeometryInputs
from brainalign.reports.geometry.paths import models_figure, trajectories_figure
from brainalign.reports.geometry.states import states_figure, tuning_figure
from brainalign.reports.geometry.steering import steering_figure
from brainalign.reports.heading import Fact
from brainalign.reports.numbers import count, decimal, interval_text
from brainalign.reports.templating import platform_version, render_page

FEW_PROBLEMS, FEW_SUBJECTS = 50, 6


@dataclass(frozen=True)
class GeometrySection:
    """What a report shows of the geometry: sentences, figures with their tables, and what limits them."""

    findings: tuple[str, ...]
    figures: tuple[Figure, ...]
    limits: tuple[str, ...]
    alignments: tuple[Alignment, ...]


def geometry_section(inputs: GeometryInputs) -> GeometrySection:
    """Make the figures of the geometry, for a page of their own or as a part of another report."""
    found = align(inputs)
    figures = (
        alignment_figure(inputs, found),
        models_figure(inputs),
        states_figure(inputs),
        trajectories_figure(inputs),
        steering_figure(inputs),
        tuning_figure(inputs),
    )
    return GeometrySection(tuple(map(_sentence, found)), figures, tuple(_limits(inputs)), tuple(found))


def geometry_report(store: Store, inputs: GeometryInputs, output: Path | str | None = None) -> Written:
    """Write the geometry as one HTML file, with JSON and a CSV file a figure beside it.

    Parameters
    ----------
    store : Store
    inputs : GeometryInputs
        As :func:`gather` gives them.
    output : Path or str, optional
        The HTML file; by default ``geometry.html`` in the study's folder.

    Raises
    ------
    StudyError
        A file cannot be written.
    """
    section = geometry_section(inputs)
    path = Path(output).expanduser() if output is not None else store.study_folder(inputs.name) / "geometry.html"
    write_text(path, _render(inputs, section))
    write_json(path.with_suffix(".json"), to_json(inputs, section))
    tables = []
    for figure in section.figures:
        if figure.table is not None:
            tables.append(path.with_name(f"{path.stem}-{figure.identifier.removeprefix('geometry-')}.csv"))
            write_text(tables[-1], table_csv(figure.table))
    return Written(path, path.with_suffix(".json"), tuple(tables))


def to_json(inputs: GeometryInputs, section: GeometrySection) -> dict[str, Any]:
    """Spell the alignments and what limits them as JSON."""
    return {
        "study": inputs.name,
        "simulated": inputs.simulated,
        "roi": inputs.roi,
        "n_problems": len(inputs.ids),
        "subjects": list(inputs.brain),
        "alignments": [_alignment_json(item) for item in section.alignments],
        "findings": list(section.findings),
        "limits": list(section.limits),
    }


def _alignment_json(item: Alignment) -> dict[str, Any]:
    site, layer = item.best
    ceiling = [value if value == value else None for value in item.ceiling]
    return {
        "model": item.model,
        "measure": NAMES[item.measure],
        "over": item.over,
        "best": {"site": SITES[site], "layer": layer, "interval": item.intervals[site][layer].to_json()},
        "p_value": item.p_value,
        "chance_95": item.chance.upper,
        "n_draws": item.chance.n_draws,
        "noise_ceiling": ceiling,
        "by_layer": {name: [one.to_json() for one in item.intervals[place]] for place, name in enumerate(SITES)},
    }


def _render(inputs: GeometryInputs, section: GeometrySection) -> str:
    kind, _, description = inputs.data.partition(": ")
    sizes = tuple(f"{name}: {count(n)} parameters" for name, n in inputs.sizes.items())
    facts = [
        Fact(
            "Data", "SIMULATED betas" if inputs.simulated else f"Betas, {kind}", (description, f"region {inputs.roi}")
        ),
        Fact("Problems", str(len(inputs.ids)), ("all of which every subject saw",)),
        Fact("Subjects", str(len(inputs.brain)), (", ".join(inputs.brain),)),
        Fact("Models", str(len(inputs.models)), sizes or tuple(inputs.models)),
    ]
    head = {"name": inputs.name, "simulated": inputs.simulated, "version": platform_version(), "facts": facts}
    return render_page("geometry.html.j2", {"head": head, "section": section, "notes": inputs.notes})


def _sentence(item: Alignment) -> str:
    site, layer = item.best
    relation = "is more alike than chance" if item.p_value < 0.05 else "is not shown to be more alike than chance"
    return (
        f"{item.model} and the brain, {NAMES[item.measure]} {item.over}: the best layer ({SITES[site]} output of layer "
        f"{layer}) {relation}, {interval_text(item.intervals[site][layer])}, p = {decimal(item.p_value)} corrected for "
        f"the choice; noise ceiling {decimal(item.ceiling[0])} to {decimal(item.ceiling[1])}."
    )


def _limits(inputs: GeometryInputs) -> list[str]:
    told = [
        "Pictures in a plane show the directions of largest variance, which need not be those that answers hang on; "
        "positions in them carry no interval.",
        "Over all problems a similarity may come from what tells the types of reasoning apart (length, words). Chance "
        "keeps that, since it shuffles within types, but estimates and intervals hold it: read those within types.",
        "The best layer was chosen on the problems it is shown on; its p-value takes that into account, its interval "
        "does not.",
    ]
    if len(inputs.ids) < FEW_PROBLEMS:
        told.append(f"Only {len(inputs.ids)} problems: similarities of a tenth cannot be told from none.")
    if len(inputs.brain) < FEW_SUBJECTS:
        told.append(f"Only {len(inputs.brain)} subjects: medians and noise ceilings hang on each of them.")
    if len(set(map(len, (inputs.brain[s].T for s in inputs.brain)))) > 1:
        told.append("Subjects have different numbers of voxels: noisier ones count as much in the median.")
    return told
