"""A study as its store holds it: arms, their trials, the winner of each and its row on the report part."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from brainalign.artifacts import Result, Store, TrialRow
from brainalign.reports.numbers import is_number
from brainalign.search.ledger import stored_study
from brainalign.study import Goals, Study, branches
from brainalign.trials import trial_kind


@dataclass(frozen=True)
class ArmRecord:
    """One arm of one kind on one model.

    ``trials`` are its searched settings (selection part) by number; ``reported`` its rows on the report part, and
    ``repeated`` those of the winner run there once more, each with a seed of its own;
    ``is_method`` tells the method from its controls; ``goals`` say which setting is the best.
    """

    model: str
    kind: str
    arm: str
    is_method: bool
    trials: tuple[TrialRow, ...] = ()
    reported: tuple[TrialRow, ...] = ()
    repeated: tuple[TrialRow, ...] = ()
    goals: Goals = field(default_factory=lambda: Goals({"objective": "maximize"}))

    @property
    def complete(self) -> tuple[TrialRow, ...]:
        """Finished trials with a finite objective, by number."""
        return tuple(row for row in self.trials if row.state == "COMPLETE" and is_number(row.objective))

    @property
    def failed(self) -> tuple[TrialRow, ...]:
        """Trials that ended with an error."""
        return tuple(row for row in self.trials if row.state == "FAILED")

    @property
    def pruned(self) -> tuple[TrialRow, ...]:
        """Trials that were stopped early; they count as tried."""
        return tuple(row for row in self.trials if row.state == "PRUNED")

    @property
    def best(self) -> TrialRow | None:
        """The winner on the selection part by the kind's goals; of equals the reported one, then the first."""
        return self.goals.best(self.complete, prefer={row.number for row in self.reported})

    @property
    def winner_on_report(self) -> TrialRow | None:
        """The winner's finished row on the report part; None while there is none."""
        best = self.best
        if best is None:
            return None
        rows = [row for row in self.reported if row.number == best.number and row.state == "COMPLETE"]
        return rows[0] if rows else None

    @property
    def over_seeds(self) -> tuple[float, ...]:
        """Objectives of the winner on the report part, one a seed; empty where it was run there once only."""
        first = self.winner_on_report
        if first is None:
            return ()
        again = [row for row in self.repeated if row.number == first.number and row.state == "COMPLETE"]
        found = [float(row.objective) for row in (first, *again) if row.objective is not None]
        return tuple(found) if len(found) > 1 else ()


@dataclass(frozen=True)
class StudyRecord:
    """A study's manifest and arms, and its results on demand."""

    store: Store
    name: str
    manifest: Mapping[str, Any]
    study: Study
    arms: tuple[ArmRecord, ...]
    _results: dict[str, Result | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def trials(self) -> tuple[TrialRow, ...]:
        """All rows, selection then report part, arm by arm."""
        return tuple(row for arm in self.arms for row in (*arm.trials, *arm.reported, *arm.repeated))

    @property
    def simulated(self) -> bool:
        """Whether any part of the study stands on simulated betas."""
        sources = {str(self.data.get("source", ""))} | {row.data_source for row in self.trials}
        return any(source.startswith("simulated") for source in sources)

    @property
    def data(self) -> Mapping[str, Any]:
        """What the manifest says about the data; empty if nothing."""
        return section(self.manifest, "data")

    @property
    def groups(self) -> dict[tuple[str, str], list[ArmRecord]]:
        """Arms by (model, kind), the method first."""
        groups: dict[tuple[str, str], list[ArmRecord]] = {}
        for arm in self.arms:
            groups.setdefault((arm.model, arm.kind), []).append(arm)
        return groups

    @property
    def n_planned(self) -> int:
        """Searched trials that the study shall have when it is done."""
        return sum(self.study.n_trials(branch.kind) for branch in branches(self.study))

    @property
    def n_reports_planned(self) -> int:
        """Rows on the report part when the study is done: one an arm of each kind that selects."""
        return sum(self.selects(branch.kind) for branch in branches(self.study))

    def selects(self, kind: str) -> bool:
        """Whether the kind chooses a setting on the selection part and reports it on the other."""
        return trial_kind(kind).selects

    def objective_name(self, kind: str) -> str:
        """Metric that the kind's winners are chosen by."""
        return self.study.objective(kind)

    def n_layers(self, model: str) -> int | None:
        """Layers of a model, from the manifest; None if it does not say."""
        found = section(section(self.manifest, "models"), model).get("n_layers")
        return int(found) if is_number(found) else None

    def n_pairs(self, row: TrialRow) -> int:
        """Count the (subject, problem) pairs that a trial was scored on, by its metrics; 0 if they do not say."""
        found = [row.metrics.get(name) for name in ("n_targeted", "n_right")]
        return round(sum(value for value in found if value is not None and is_number(value)))

    def result(self, row: TrialRow | None) -> Result | None:
        """Find the result that a trial points to; None where it has none."""
        if row is None or row.result_key is None:
            return None
        if row.result_key not in self._results:
            self._results[row.result_key] = self.store.read_result(row.result_key)
        return self._results[row.result_key]


def section(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Take a section of the manifest, empty if it is missing or not an object."""
    found = manifest.get(name)
    return found if isinstance(found, Mapping) else {}


def read_study(store: Store, name: str) -> StudyRecord:
    """Read manifest and trials of a study.

    Raises
    ------
    StudyError
        The store has no such study or cannot be read.
    """
    manifest = store.read_manifest(name)
    study = stored_study(store, name)
    rows = store.read_trials(name)
    places = [(branch.model, branch.kind, branch.arm) for branch in branches(study)]
    places += [(row.model, row.kind, row.arm) for row in rows]
    groups: dict[tuple[str, str], list[str]] = {}
    for model, kind, arm in dict.fromkeys(places):
        groups.setdefault((model, kind), []).append(arm)
    goals = {kind: study.goals(kind) for kind in study.kinds}
    arms = [_arm(rows, (model, kind, arm), goals) for (model, kind), names in groups.items() for arm in names]
    return StudyRecord(store, name, manifest, study, tuple(arms))


def _arm(rows: list[TrialRow], place: tuple[str, str, str], goals: Mapping[str, Goals]) -> ArmRecord:
    model, kind, arm = place
    own = sorted((row for row in rows if (row.model, row.kind, row.arm) == place), key=lambda row: row.number)
    trials = tuple(row for row in own if row.part == "selection")
    reported = tuple(row for row in own if row.part == "report" and not row.repeat)
    repeated = tuple(row for row in own if row.part == "report" and row.repeat)
    record = ArmRecord(model, kind, arm, arm == trial_kind(kind).arms[0], trials, reported, repeated)
    return replace(record, goals=goals[kind]) if kind in goals else record
