"""Optuna's own storage of a study: a mirror of the trial files that Optuna's tools open as it is."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from brainalign.artifacts import TrialRow
from brainalign.errors import StudyError
from brainalign.search.suggestion import STATES, frozen_trial
from brainalign.study import Branch, Place, Study, branches

FINAL = tuple(STATES.values())


class OptunaMirror:
    """An Optuna study a (model, kind, arm) in one journal file.

    Parameters
    ----------
    path : Path
        The journal file.
    study : Study
        Whose searches it mirrors.
    """

    def __init__(self, path: Path, study: Study) -> None:
        self._study = study
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and not _is_whole(path):
            path.unlink()  # torn by a full disk or a power cut; all of it is rebuilt from the trial files
        try:
            self._storage = JournalStorage(JournalFileBackend(str(path)))
        except (ValueError, KeyError):
            path.unlink()
            self._storage = JournalStorage(JournalFileBackend(str(path)))
        except OSError as error:
            raise StudyError(f"expected to write {path}, found {error}: free room or choose another --store") from error
        self._open: dict[Branch, optuna.Study] = {}
        self._asked: dict[Place, int] = {}

    def _branch(self, branch: Branch) -> optuna.Study:
        if branch not in self._open:
            self._open[branch] = optuna.create_study(
                storage=self._storage,
                study_name=f"{self._study.name}/{branch}",
                direction="maximize",
                load_if_exists=True,
            )
        return self._open[branch]

    def ask(self, place: Place, setting: dict[str, Any]) -> None:
        """Note a trial as running, with the setting that was suggested for it."""
        study, space = self._branch(place.branch), self._study.space(place.branch.kind)
        seen = frozen_trial(setting, space, None)
        # A setting outside the space (an enqueued one may be) has no parameters that Optuna knows, only the attribute.
        study.enqueue_trial(seen.params, user_attrs={"place": str(place), **seen.user_attrs})
        self._asked[place] = study.ask(seen.distributions).number

    def tell(self, place: Place, row: TrialRow) -> None:
        """Note a trial's final state."""
        study, number = self._branch(place.branch), self._asked.pop(place, None)
        if number is None:
            study.add_trial(frozen_trial(row.setting, self._study.space(row.kind), row))
        else:
            study.tell(number, row.objective if row.state == "COMPLETE" else None, state=STATES[row.state])

    def finished(self) -> dict[str, str]:
        """State of every finished trial by place, as Optuna's storage has it."""
        known = {
            summary.study_name for summary in optuna.get_all_study_summaries(self._storage, include_best_trial=False)
        }
        found: dict[str, str] = {}
        for branch in branches(self._study):
            if f"{self._study.name}/{branch}" in known:
                for trial in self._branch(branch).get_trials(deepcopy=False, states=FINAL):
                    place = str(trial.user_attrs.get("place", f"{branch}/?{trial.number}"))
                    found[place] = "DOUBLED" if place in found else trial.state.name
        return found

    def rebuild(self, rows: Iterable[TrialRow]) -> bool:
        """Make the storage equal to the trial files; True where it was not.

        A trial that a killed driver left running is dropped: it is asked again under its name.
        """
        wanted = {row.place: row for row in rows if row.part == "selection"}
        found = self.finished()
        differs = found != {place: STATES[row.state].name for place, row in wanted.items()}
        if not differs and not self._left_running():
            return False
        for branch in branches(self._study):
            self._branch(branch)
            optuna.delete_study(study_name=f"{self._study.name}/{branch}", storage=self._storage)
            del self._open[branch]
            mine = sorted(
                (r for r in wanted.values() if (r.model, r.kind, r.arm) == _key(branch)), key=lambda r: r.number
            )
            space = self._study.space(branch.kind)
            self._branch(branch).add_trials([frozen_trial(row.setting, space, row) for row in mine])
        return differs

    def _left_running(self) -> bool:
        unfinished = (TrialState.RUNNING, TrialState.WAITING)
        return any(self._branch(branch).get_trials(states=unfinished) for branch in branches(self._study))


def _is_whole(path: Path) -> bool:
    """Whether every line of a journal is whole JSON."""
    try:
        with path.open(encoding="utf-8") as lines:
            return all(line.endswith("\n") and json.loads(line) is not None for line in lines)
    except ValueError:
        return False


def _key(branch: Branch) -> tuple[str, str, str]:
    return branch.model, branch.kind, branch.arm
