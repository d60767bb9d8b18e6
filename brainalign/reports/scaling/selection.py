"""What choosing the best of several settings is worth where there is nothing to find, and what a trial costs."""

from collections.abc import Iterator, Sequence

import numpy as np

from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import NOT_MEASURED, count, decimal, duration, signed
from brainalign.reports.records import ArmRecord, StudyRecord
from brainalign.reports.scaling.sizes import model_sizes
from brainalign.statistics import expected_best

_HEADER = (
    "kind",
    "model",
    "arm",
    "settings tried",
    "best on the selection part",
    "best of as many expected under the control",
    "control",
    "on the report part",
    "gap",
)
_COST_HEADER = ("kind", "model", "trials", "found, not run", "time of the trials", "a trial (median)", "GPU time")


def selection_table(studies: Sequence[StudyRecord]) -> Table:
    """Each arm: settings tried over all seeds, its best, and the best that as many of the control would give."""
    return Table(_HEADER, tuple(row for place in _places(studies) for row in _rows(studies, *place)))


def _places(studies: Sequence[StudyRecord]) -> list[tuple[str, str]]:
    kinds = dict.fromkeys(kind for study in studies for kind in study.study.kinds if study.selects(kind))
    return [(kind, size.name) for kind in kinds for size in model_sizes(studies)]


def _rows(studies: Sequence[StudyRecord], kind: str, model: str) -> Iterator[tuple[str, ...]]:
    """Each arm's row; figures are means over the studies."""
    arms: dict[str, list[ArmRecord]] = {}
    for study in studies:
        for record in study.groups.get((model, kind), []):
            if record.complete:
                arms.setdefault(record.arm, []).append(record)
    control = _strongest(arms)
    for name, records in arms.items():
        bests = [
            float(record.best.objective) for record in records if record.best and record.best.objective is not None
        ]
        reported = [
            float(row.objective)
            for record in records
            if (row := record.winner_on_report) is not None and row.objective is not None
        ]
        n_each = max(len(record.complete) for record in records)
        expected = expected_best(_objectives(arms[control]), n_each) if control else None
        found = float(np.mean(reported)) if reported else None
        yield (
            *(kind, model, name, str(sum(len(record.complete) for record in records))),
            decimal(float(np.mean(bests))),
            NOT_MEASURED if expected is None else decimal(expected),
            control or "none",
            decimal(found),
            signed(None if found is None else float(np.mean(bests)) - found),
        )


def _strongest(arms: dict[str, list[ArmRecord]]) -> str | None:
    """Name the control whose settings are the best on average; None without one."""
    controls = {name: records for name, records in arms.items() if not records[0].is_method}
    return max(controls, key=lambda name: float(np.mean(_objectives(controls[name]))), default=None)


def _objectives(records: Sequence[ArmRecord]) -> list[float]:
    return [float(row.objective) for record in records for row in record.complete if row.objective is not None]


def cost_table(studies: Sequence[StudyRecord]) -> Table:
    """Time of all trials by kind and model, selection and report part together."""
    rows = []
    for kind in dict.fromkeys(kind for study in studies for kind in study.study.kinds):
        for size in model_sizes(studies):
            trials = [row for study in studies for row in study.trials if (row.kind, row.model) == (kind, size.name)]
            run = [row.seconds for row in trials if not row.reused]
            if trials:
                gpu_s = sum(row.seconds * row.gpus for row in trials if not row.reused)
                median = duration(float(np.median(run))) if run else NOT_MEASURED
                found = count(len(trials) - len(run))
                rows.append((kind, size.name, count(len(trials)), found, duration(sum(run)), median, duration(gpu_s)))
    return Table(_COST_HEADER, tuple(rows))
