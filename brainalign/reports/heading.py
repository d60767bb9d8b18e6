"""The head of a report: what study this is, how far it is, and which data it stands on."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from brainalign.reports.figures.style import Table
from brainalign.reports.numbers import NOT_MEASURED, count, decimal, duration, percent, plain
from brainalign.reports.records import StudyRecord, section

_BASELINE_HEADER = ("model", "part", "problems", "accuracy", "balanced accuracy", "share of True answers", "invalid")


@dataclass(frozen=True)
class Fact:
    """A fact of the head with the notes under it."""

    term: str
    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """Counts of trials: searched ones in each state, planned ones, and rows on the report part."""

    complete: int
    failed: int
    pruned: int
    planned: int
    reported: int
    reports_planned: int

    @property
    def done(self) -> int:
        """Searched trials in a final state."""
        return self.complete + self.failed + self.pruned

    @property
    def finished(self) -> bool:
        """Whether nothing is left to run."""
        return self.done >= self.planned and self.reported >= self.reports_planned

    def to_json(self) -> dict[str, int | bool]:
        """All counts as a JSON object."""
        names = ("complete", "failed", "pruned", "done", "planned", "reported", "reports_planned", "finished")
        return {name: getattr(self, name) for name in names}


def progress(study: StudyRecord) -> Progress:
    """Count a study's trials."""
    states = Counter(row.state for arm in study.arms for row in arm.trials)
    reported = sum(1 for arm in study.arms if arm.reported)
    return Progress(
        states["COMPLETE"], states["FAILED"], states["PRUNED"], study.n_planned, reported, study.n_reports_planned
    )


def facts(study: StudyRecord) -> list[Fact]:
    """List the facts of the head, the data first."""
    return [_data(study), _subjects(study), _problems(study), _models(study), _state(study), _time(study)]


def warnings(study: StudyRecord) -> list[str]:
    """Say what a reader must know before any number: unfinished, failed, nothing there."""
    state = progress(study)
    told = []
    if state.done < state.planned:
        told.append(
            f"This study is not finished: {state.done} of {state.planned} searched trials are done. Everything "
            "below stands on these; it can change."
        )
    elif state.reported < state.reports_planned:
        told.append(
            f"The search is done, but only {state.reported} of {state.reports_planned} winners have been run on the "
            "report part."
        )
    if state.failed:
        told.append(f"{state.failed} of {state.done} trials failed; their errors stand in the table of all trials.")
    return told


def baseline(study: StudyRecord) -> Table:
    """Scores of the unsteered models on each part of the problems."""
    rows = []
    for model, parts in section(study.manifest, "baseline").items():
        ordered = sorted(parts.items(), key=lambda item: item[0] != "selection") if isinstance(parts, dict) else ()
        for part, scores in ordered:
            shares = (percent(scores.get(name)) for name in ("accuracy", "balanced_accuracy", "share_true", "invalid"))
            rows.append((str(model), str(part), count(scores.get("n")), *shares))
    return Table(_BASELINE_HEADER, tuple(rows))


def _data(study: StudyRecord) -> Fact:
    data = study.data
    value = "SIMULATED betas" if study.simulated else "Measured betas" if data else "Not recorded"
    wording = {"release": "wording of the release", "brainalign": "brainalign's own wording"}.get(
        str(data.get("wording"))
    )
    notes = [str(data["description"])] if data.get("description") else []
    notes += (
        [f"problems in the {wording}" if wording == "wording of the release" else f"problems in {wording}"]
        if wording
        else []
    )
    notes += [f"content {data['content_hash']}"] if data.get("content_hash") else []
    return Fact("Data", value, tuple(notes))


def _subjects(study: StudyRecord) -> Fact:
    names = [str(name) for name in study.data.get("subjects") or []]
    voxels = [f"{roi}: {_voxels(found)} voxels" for roi, found in section(study.data, "n_voxels").items()]
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return Fact("Subjects", str(len(names)) if names else NOT_MEASURED, (*([shown] if names else []), *voxels))


def _voxels(found: Any) -> str:
    """Voxels of a ROI: one number, or the span over subjects."""
    values = sorted(found.values() if isinstance(found, dict) else found if isinstance(found, list) else [found])
    return count(values[0]) if values[0] == values[-1] else f"{count(values[0])} to {count(values[-1])}"


def _problems(study: StudyRecord) -> Fact:
    split = section(study.manifest, "split")
    selection, report = len(split.get("selection") or []), len(split.get("report") or [])
    if not selection + report:
        return Fact("Problems", count(study.data.get("n_problems")))
    notes = [f"{selection} in the selection part, {report} in the report part"]
    dropped = [reason for reason in study.data.get("dropped") or [] if str(reason).startswith("problem ")]
    notes += [f"{len(dropped)} dropped before the split (provenance says which and why)"] if dropped else []
    return Fact("Problems", str(selection + report), tuple(notes))


def _models(study: StudyRecord) -> Fact:
    notes = []
    for name, facts_ in section(study.manifest, "models").items():
        parts = [f"{count(facts_.get('n_layers'))} layers", f"width {count(facts_.get('hidden_size'))}"]
        parts += [f"{decimal(facts_['n_parameters'] / 1e6, 1)} M parameters"] if facts_.get("n_parameters") else []
        parts += [plain(facts_["quantisation"])] if facts_.get("quantisation") else []
        notes.append(f"{name}: " + ", ".join(parts))
    return Fact("Models", ", ".join(study.study.models), tuple(notes))


def _state(study: StudyRecord) -> Fact:
    state = progress(study)
    notes = [f"{state.complete} complete, {state.failed} failed, {state.pruned} stopped early"]
    if state.reports_planned:
        notes.append(f"{state.reported} of {state.reports_planned} winners run on the report part")
    reused = sum(row.reused for row in study.trials)
    notes += [f"{reused} answered from the store"] if reused else []
    return Fact("State", f"{state.done} of {state.planned} trials done", tuple(notes))


def _time(study: StudyRecord) -> Fact:
    starts = sorted(row.started_at for row in study.trials if row.started_at)
    spent = sum(row.seconds for row in study.trials if not row.reused)
    if not starts:
        return Fact("Time", NOT_MEASURED, (f"created {study.manifest.get('created_at', NOT_MEASURED)}",))
    return Fact("Time", duration(spent), ("of work in all trials", f"from {starts[0][:16]} to {starts[-1][:16]} UTC"))
