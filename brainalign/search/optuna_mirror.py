"""Optuna's own storage of a study: a mirror of the trial files that Optuna's tools open as it is."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from brainalign.artifacts import TrialRow, write_text
from brainalign.errors import StudyError
from brainalign.search.parameters import Parameters
from brainalign.search.view import STATES, constraints_of, intermediate_values
from brainalign.study import Branch, Goals, Place, Study, branches

FINAL = tuple(STATES.values())
_BEGINNING = b'{"op_code":'
_VERSION = "optuna_version"


class OptunaMirror:
    """An Optuna study a (model, kind, arm) in one journal file.

    Parameters
    ----------
    path : Path
        The journal file; only the holder of the study's lease may open it.
    study : Study
        Whose searches it mirrors.

    Raises
    ------
    StudyError
        The file is no journal, another version of Optuna wrote it, or it cannot be written; it stays as it is.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self._study, self._path = study, path
        self._kinds = {kind: (Parameters.of(study, kind), study.goals(kind)) for kind in study.kinds}
        self._open: dict[Branch, int] = {}
        self._asked: dict[Place, int] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Path(f"{path}.lock").unlink(missing_ok=True)  # of a driver that was killed while it wrote
            if path.is_file() and not _is_whole(path):
                path.unlink()  # torn by a full disk or a power cut; all of it is rebuilt from the trial files
            self._storage = JournalStorage(JournalFileBackend(str(path)))
        except OSError as error:
            raise StudyError(f"expected to write {path}, found {error}: free room or choose another --store") from error
        except (ValueError, KeyError, AssertionError, TypeError) as error:
            raise _foreign(path, "one that this version cannot read") from error
        for known in self._storage.get_all_studies():
            found = str(known.user_attrs.get(_VERSION, optuna.__version__))
            if found.split(".")[0] != optuna.__version__.split(".")[0]:
                raise _foreign(path, found)

    def _study_id(self, branch: Branch) -> int:
        if branch not in self._open:
            self._open[branch] = _create(self._storage, self._study, branch)
        return self._open[branch]

    def ask(self, place: Place, setting: Mapping[str, Any]) -> None:
        """Note a trial as running, with the setting that was suggested for it."""
        if place not in self._asked:  # a driver that was killed may have noted it already
            template = self._frozen(place.branch, str(place), setting, None)
            self._asked[place] = self._storage.create_new_trial(self._study_id(place.branch), template)

    def tell(self, place: Place, row: TrialRow) -> None:
        """Note a trial's final state."""
        frozen = self._frozen(place.branch, row.place, row.setting, row)
        trial_id = self._asked.pop(place, None)
        if trial_id is None:
            self._storage.create_new_trial(self._study_id(place.branch), frozen)
            return
        self._storage.set_trial_user_attr(trial_id, "result_key", row.result_key)
        for at, value in frozen.intermediate_values.items():
            self._storage.set_trial_intermediate_value(trial_id, at, value)
        for name, value in frozen.system_attrs.items():
            self._storage.set_trial_system_attr(trial_id, name, value)
        self._storage.set_trial_state_values(trial_id, frozen.state, frozen.values)

    def _frozen(self, branch: Branch, place: str, setting: Mapping[str, Any], row: TrialRow | None) -> FrozenTrial:
        parameters, goals = self._kinds[branch.kind]
        return frozen_trial(parameters, goals, place, setting, row)

    def state(self, row: TrialRow) -> str:
        """Name the state in which the mirror has a finished trial."""
        return mirrored_state(self._kinds[row.kind][1], row).name

    def finished(self) -> dict[str, str]:
        """State of every finished trial by place, as Optuna's storage has it."""
        found: dict[str, str] = {}
        for branch, trial in self._trials():
            if trial.state in FINAL:
                place = str(trial.user_attrs.get("place", f"{branch}/?{trial.number}"))
                found[place] = "DOUBLED" if place in found else trial.state.name
        return found

    def _trials(self) -> Iterator[tuple[Branch, FrozenTrial]]:
        known = {one.study_name for one in self._storage.get_all_studies()}
        for branch in branches(self._study):
            if _name(self._study, branch) in known:
                for trial in self._storage.get_all_trials(self._study_id(branch), deepcopy=False):
                    yield branch, trial

    def rebuild(self, rows: Iterable[TrialRow]) -> bool:
        """Make the storage equal to the trial files; True where it was not.

        A trial that a killed driver left running is kept: it is asked again under its name.
        """
        wanted = {row.place: row for row in rows if row.part == "selection" and row.kind in self._kinds}
        found = self.finished()
        differs = found != {place: self.state(row) for place, row in wanted.items()}
        unfinished = [(branch, trial) for branch, trial in self._trials() if trial.state not in FINAL]
        left = {str(trial.user_attrs.get("place")): (branch, trial) for branch, trial in unfinished}
        if differs or len(left) < len(unfinished) or "None" in left or left.keys() & wanted.keys():
            self._write_anew(wanted.values())
        else:
            for branch, trial in left.values():
                number, part = str(trial.user_attrs["place"]).split("/")[-2:]
                self._asked[Place(branch, int(number), part)] = trial._trial_id  # type: ignore[arg-type]
        return differs

    def _write_anew(self, rows: Iterable[TrialRow]) -> None:
        """Write the whole journal in memory and swap it for the file: one write, and never half a journal."""
        journal = _Memory()
        storage = JournalStorage(journal)
        places = {branch: _create(storage, self._study, branch) for branch in branches(self._study)}
        for row in sorted(rows, key=lambda row: row.number):
            branch = Branch(row.model, row.kind, row.arm)
            if branch in places:
                storage.create_new_trial(places[branch], self._frozen(branch, row.place, row.setting, row))
        write_text(self._path, "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in journal.logs))
        self._storage, self._open, self._asked = JournalStorage(JournalFileBackend(str(self._path))), {}, {}


class _Memory(BaseJournalBackend):  # type: ignore[misc]
    """A journal in memory."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        return iter(json.loads(json.dumps(self.logs[log_number_from:])))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs.extend(logs)


def mirrored_state(goals: Goals, row: TrialRow) -> TrialState:
    """State of a finished trial as Optuna can have it: COMPLETE only with all its objectives."""
    complete = row.state != "COMPLETE" or goals.values(row) is not None
    return STATES[row.state] if complete else TrialState.FAIL


def frozen_trial(
    parameters: Parameters, goals: Goals, place: str, setting: Mapping[str, Any], row: TrialRow | None
) -> FrozenTrial:
    """Spell a trial as Optuna knows it: running where there is no row yet, with its whole setting as an attribute."""
    params, distributions = parameters.known(setting)
    values = goals.values(row) if row is not None else None
    return create_trial(
        state=TrialState.RUNNING if row is None else mirrored_state(goals, row),
        values=None if values is None else list(values),
        params=params,
        distributions=distributions,
        intermediate_values=intermediate_values(goals, row) if row is not None else None,
        user_attrs={"setting": dict(setting), "place": place} | ({"result_key": row.result_key} if row else {}),
        constraints=constraints_of(goals.violations(row)) if row is not None and values is not None else None,
    )


def _name(study: Study, branch: Branch) -> str:
    return f"{study.name}/{branch}"


def _create(storage: JournalStorage, study: Study, branch: Branch) -> int:
    """Find or make the Optuna study of a branch; its id."""
    name = _name(study, branch)
    try:
        return int(storage.get_study_id_from_name(name))
    except KeyError:
        directions = list(study.goals(branch.kind).directions.values())
        made = optuna.create_study(storage=storage, study_name=name, directions=directions)
        made.set_user_attr(_VERSION, optuna.__version__)
        return int(storage.get_study_id_from_name(name))


def _is_whole(path: Path) -> bool:
    """Whether every line of a journal is whole JSON.

    Raises
    ------
    StudyError
        The file does not begin like a journal.
    """
    with path.open("rb") as lines:
        head = lines.read(len(_BEGINNING))
        if not _BEGINNING.startswith(head):
            raise _foreign(path, "another kind of file")
        lines.seek(0)
        try:
            return all(line.endswith(b"\n") and json.loads(line) is not None for line in lines)
        except ValueError:
            return False


def _foreign(path: Path, found: str) -> StudyError:
    return StudyError(
        f"expected a journal of Optuna {optuna.__version__} in {path}, found {found}: use the Optuna that wrote it, or "
        "move the file away, it is rebuilt from the trial files"
    )
