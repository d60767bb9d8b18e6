"""What of a study is done, what is running and what comes next; no Ray, no Optuna.

A trial may start when its number is below the branch's budget and the trials it learns from are done: trial i of a
branch learns from trials 0 … i - window and from no other, whatever finished meanwhile. So what is suggested depends on
names and results alone, never on how many workers there are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from brainalign.artifacts import TrialRow
from brainalign.study import Branch, Place, Study, branches
from brainalign.trials import trial_kind


def row_place(row: TrialRow) -> Place:
    """Place that a row stands at."""
    return Place(Branch(row.model, row.kind, row.arm), row.number, row.part)


class Ledger:
    """Book of a study's places.

    Parameters
    ----------
    study : Study
        What is to be done.
    rows : iterable of TrialRow
        What is done already.
    """

    def __init__(self, study: Study, rows: Iterable[TrialRow]) -> None:
        self.study = study
        self.branches = list(branches(study))
        self.rows: dict[Place, TrialRow] = {row_place(row): row for row in rows}
        self.running: dict[Place, Mapping[str, Any]] = {}
        self.n_new = 0
        self.lost: dict[Place, Mapping[str, Any]] = {}

    @property
    def n_total(self) -> int:
        """Places of the study: trials of every branch, and a reading on the report part for each that has a winner."""
        return sum(self.study.n_trials(branch.kind) + self._may_win(branch) for branch in self.branches)

    @property
    def n_done(self) -> int:
        """Places that are in a final state."""
        return sum(1 for branch in self.branches for place in self.places(branch) if place in self.rows)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do and nothing is running or lost."""
        return not self.running and not self.lost and self.next_place() is None

    def _reports(self, branch: Branch) -> bool:
        return trial_kind(branch.kind).selects

    def _may_win(self, branch: Branch) -> bool:
        """Whether the branch has a winner, or may still get one."""
        open_trials = any(not self.trial_row(branch, number) for number in range(self.study.n_trials(branch.kind)))
        return self._reports(branch) and (open_trials or self.winner(branch) is not None)

    def places(self, branch: Branch) -> list[Place]:
        """All places of a branch, the reading on the report part last (once it is known which trial won)."""
        numbered = [Place(branch, number, "selection") for number in range(self.study.n_trials(branch.kind))]
        winner = self.winner(branch) if self._reports(branch) else None
        return numbered + ([Place(branch, winner.number, "report")] if winner else [])

    def trial_row(self, branch: Branch, number: int) -> TrialRow | None:
        """Row of a trial on the selection part; None while it is not done."""
        return self.rows.get(Place(branch, number, "selection"))

    def setting(self, branch: Branch, number: int) -> Mapping[str, Any] | None:
        """Return the setting of a trial that is done or running; None where it has none yet."""
        row = self.trial_row(branch, number)
        place = Place(branch, number, "selection")
        return row.setting if row else self.running.get(place, self.lost.get(place))

    def winner(self, branch: Branch) -> TrialRow | None:
        """Best trial of a branch on the selection part (the earliest of equals); None until all its trials are done."""
        numbers = range(self.study.n_trials(branch.kind))
        rows = [row for number in numbers if (row := self.trial_row(branch, number))]
        scored = [row for row in rows if row.state == "COMPLETE" and row.objective is not None]
        if len(rows) < len(numbers) or not scored:
            return None
        return max(scored, key=lambda row: (row.objective, -row.number))

    def next_place(self) -> Place | None:
        """Next place that may start now: lowest numbers first, so that arms advance together; None where none may."""
        return next(iter(self.ready_places()), None)

    def ready_places(self) -> list[Place]:
        """Places that may start now, at most one a branch, in the order of `next_place`."""
        ready = [place for branch in self.branches if (place := self._next_of(branch))]
        order = {branch: index for index, branch in enumerate(self.branches)}
        return sorted(ready, key=lambda place: (place.part == "report", place.number, order[place.branch]))

    def _next_of(self, branch: Branch) -> Place | None:
        for place in self.places(branch):
            if place in self.rows or place in self.running or place in self.lost:
                continue
            return place if place.part == "report" or self._may_start(place) else None
        return None

    def _may_start(self, place: Place) -> bool:
        last_seen = place.number - self.study.kinds[place.branch.kind].window
        return all(self.trial_row(place.branch, number) for number in range(last_seen + 1))

    def start(self, place: Place, setting: Mapping[str, Any]) -> None:
        """Note that a place is being worked on, with which setting."""
        self.running[place] = setting

    def lose(self, place: Place) -> None:
        """Note that a place ended without a final state: this run leaves it, the next one asks again."""
        self.lost[place] = self.running.pop(place)

    def finish(self, row: TrialRow) -> None:
        """Note a place's final state."""
        place = row_place(row)
        self.running.pop(place, None)
        self.n_new += 1
        self.rows[place] = row
