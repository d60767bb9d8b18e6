"""What was run on what: data, weights, software, machines and seeds, as tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import NOT_MEASURED, count, plain
from brainalign.reports.records import StudyRecord, section


@dataclass(frozen=True)
class Block:
    """A titled table of the provenance section."""

    title: str
    table: Table


def provenance_blocks(study: StudyRecord) -> list[Block]:
    """Gather data, models, software and machines, seeds and split."""
    return [
        Block("Data", _facts(_data(study))),
        Block("Models", _models(study)),
        Block("Software and machines", _facts(_software(study))),
        Block("Seeds and identity", _facts(_seeds(study))),
        Block("Problems of each part", _split(study)),
    ]


def _facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    return Table(
        ("what", "value"), tuple((name, plain(value)) for name, value in pairs if value not in (None, "", [], {}))
    )


def _data(study: StudyRecord) -> list[tuple[str, Any]]:
    names = ("source", "description", "location", "content_hash", "wording", "n_problems", "dropped", "subjects")
    listed = [(name.replace("_", " "), study.data.get(name)) for name in names]
    hashes = sorted({row.data_hash for row in study.trials})
    return [*listed, ("voxels", section(study.data, "n_voxels")), ("data hashes of the trials", hashes)]


def _models(study: StudyRecord) -> Table:
    header = ("model", "layers", "width", "parameters", "quantisation", "weights hash")
    rows = []
    for name, facts in section(study.manifest, "models").items():
        if isinstance(facts, Mapping):
            numbers = (count(facts.get(key)) for key in ("n_layers", "hidden_size", "n_parameters"))
            rows.append(
                (name, *numbers, plain(facts.get("quantisation")), str(facts.get("weights_hash") or NOT_MEASURED))
            )
    return Table(header, tuple(rows))


def _software(study: StudyRecord) -> list[tuple[str, Any]]:
    """Versions at the start of the study, and every other one that a trial was run with."""
    found = dict(section(study.manifest, "provenance"))
    used: dict[str, set[str]] = {name: {str(value)} for name, value in found.items()}
    for row in study.trials:
        for name, value in row.versions.items():
            used.setdefault(name, set()).add(str(value))
    used.setdefault("host", set()).update(row.host for row in study.trials if row.host)
    return [(name, sorted(values)) for name, values in sorted(used.items())]


def _seeds(study: StudyRecord) -> list[tuple[str, Any]]:
    return [
        ("study identity", study.manifest.get("identity")),
        ("created at", study.manifest.get("created_at")),
        ("search seed", study.study.seeds.search),
        ("replicate seeds", sorted({row.replicate for row in study.trials})),
        ("seed of the split", study.study.problems.seed),
        ("store", str(study.store.root)),
    ]


def _split(study: StudyRecord) -> Table:
    split = section(study.manifest, "split")
    rows = tuple(
        (part, str(len(ids)), ", ".join(map(str, ids))) for part, ids in split.items() if isinstance(ids, list)
    )
    return Table(("part", "problems", "stimulus ids"), rows)
