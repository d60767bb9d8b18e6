"""What of a study is done, what is running and what comes next; no Ray, no Optuna.

A trial may start when its number is below the branch's budget and the trials it learns from are done: trial i of a
branch learns from a prefix of the trials before it and from no other, whatever finished meanwhile. So what is suggested
depends on names and results alone, never on how many workers there are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from brainalign.artifacts import Store, TrialRow
from brainalign.errors import StudyError
from brainalign.study import Branch, Place, Study, bracket_of, branches, carried_from, carried_rank, n_awaited
from brainalign.trials import trial_kind, values_at_rungs


def stored_study(store: Store, name: str) -> Study:
    """Study as the store's manifest holds it.

    Raises
    ------
    StudyError
        The store has no such study, or another version of the platform wrote it.
    """
    try:
        return Study.model_validate(store.read_manifest(name)["study"])
    except (ValidationError, KeyError) as error:
        where = store.study_folder(name) / "manifest.json"
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": ("study",), "msg": "no study"}
        reason = f"{'.'.join(map(str, first['loc'])) or 'study'}: {first['msg']}"
        raise StudyError(f"expected a study in {where}, found {reason}: use the brainalign that wrote it") from error


def row_place(row: TrialRow) -> Place:
    """Place that a row stands at."""
    return Place(Branch(row.model, row.kind, row.arm), row.number, row.part, row.repeat)


class _Book:
    """Pages of one branch: which numbers are done, and from where to look for the next."""

    def __init__(self) -> None:
        self.done: set[int] = set()
        self.n_prefix = 0
        self.first_free = 0
        self.winner: TrialRow | None = None
        self.judged = False

    def enter(self, number: int) -> None:
        """Note a trial as done."""
        self.done.add(number)
        self.judged = False
        while self.n_prefix in self.done:
            self.n_prefix += 1


class Ledger:
    """Book of a study's places.

    Parameters
    ----------
    study : Study
        What is to be done.
    rows : iterable of TrialRow
        What is done already.
    again : iterable of TrialRow
        What is done and shall be tried once more, each place with its old setting.
    """

    def __init__(self, study: Study, rows: Iterable[TrialRow], again: Iterable[TrialRow] = ()) -> None:
        self.study = study
        self.branches = list(branches(study))
        self.again: dict[Place, TrialRow] = {row_place(row): row for row in again}
        self.rows: dict[Place, TrialRow] = {}
        self.running: dict[Place, Mapping[str, Any]] = {}
        self.lost: dict[Place, Mapping[str, Any]] = {}
        self.paused: dict[Place, Mapping[str, Any]] = {}
        self._values: dict[Place, Mapping[int, float]] = {}
        self._spent_s: dict[Place, float] = {}
        self.n_new = 0
        self._books = {branch: _Book() for branch in self.branches}
        self._budgets = {branch: study.n_trials(branch.kind) for branch in self.branches}
        self._sources = {branch: carried_from(study, branch) for branch in self.branches}
        self._order = {branch: index for index, branch in enumerate(self.branches)}
        for row in rows:
            self._enter(row_place(row), row)

    def _enter(self, place: Place, row: TrialRow) -> None:
        self.rows[place] = row
        book = self._books.get(place.branch)
        if book is not None and place.part == "selection" and place.number < self._budgets[place.branch]:
            book.enter(place.number)

    @property
    def n_total(self) -> int:
        """Places of the study: trials of every branch, and readings on the report part of each that has a winner."""
        n_reports = self.study.budget.repeats
        return sum(self._budgets[branch] + n_reports * self._may_win(branch) for branch in self.branches)

    @property
    def n_done(self) -> int:
        """Places that are in a final state."""
        return sum(len(self._books[branch].done) + self._n_reported(branch) for branch in self.branches)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do and nothing is running or lost."""
        return not self.running and not self.lost and self.next_place() is None

    def _reports(self, branch: Branch) -> bool:
        return trial_kind(branch.kind).selects

    def _is_searched(self, branch: Branch) -> bool:
        return len(self._books[branch].done) == self._budgets[branch]

    def _may_win(self, branch: Branch) -> bool:
        """Whether the branch has a winner, or may still get one."""
        return self._reports(branch) and (not self._is_searched(branch) or self.winner(branch) is not None)

    def _report_places(self, branch: Branch) -> list[Place]:
        """Places of the winner's readings on the report part, once it is known which trial won."""
        winner = self.winner(branch) if self._reports(branch) else None
        if winner is None:
            return []
        return [Place(branch, winner.number, "report", repeat) for repeat in range(self.study.budget.repeats)]

    def _n_reported(self, branch: Branch) -> int:
        return sum(place in self.rows for place in self._report_places(branch))

    def places(self, branch: Branch) -> list[Place]:
        """All places of a branch, the readings on the report part last (once it is known which trial won)."""
        numbered = [Place(branch, number, "selection") for number in range(self._budgets[branch])]
        return [*numbered, *self._report_places(branch)]

    def trials(self, branch: Branch) -> list[TrialRow]:
        """Rows of a branch's finished trials on the selection part, by number."""
        return [self.rows[Place(branch, number, "selection")] for number in sorted(self._books[branch].done)]

    def trial_row(self, branch: Branch, number: int) -> TrialRow | None:
        """Row of a trial on the selection part; None while it is not done."""
        return self.rows.get(Place(branch, number, "selection"))

    def setting(self, branch: Branch, number: int) -> Mapping[str, Any] | None:
        """Return the setting of a trial that is done, running or to be tried again; None where it has none yet."""
        place = Place(branch, number, "selection")
        row = self.rows.get(place, self.again.get(place))
        waiting = self.running.get(place, self.lost.get(place, self.paused.get(place)))
        return row.setting if row else waiting

    def winner(self, branch: Branch) -> TrialRow | None:
        """Best trial of a branch on the selection part, by the kind's goals; None until all its trials are done."""
        if not self._is_searched(branch):
            return None
        book = self._books[branch]
        if not book.judged:
            book.winner, book.judged = self.study.goals(branch.kind).best(self.trials(branch)), True
        return book.winner

    def next_place(self) -> Place | None:
        """Next place that may start now: lowest numbers first, so that arms advance together; None where none may."""
        return next(iter(self.ready_places()), None)

    def ready_places(self) -> list[Place]:
        """Places that may start now, at most one a branch, in the order of `next_place`."""
        ready = [place for branch in self.branches if (place := self._next_of(branch))]
        return sorted(ready, key=lambda place: (place.part == "report", place.number, self._order[place.branch]))

    def n_left(self) -> dict[Branch, int]:
        """Places of each branch that nobody works on and that are not done, the report's among them."""
        taken = Counter(place.branch for place in (*self.running, *self.lost))
        return {branch: max(0, self._n_open(branch) - taken[branch]) for branch in self.branches}

    def _n_open(self, branch: Branch) -> int:
        open_numbers = self._budgets[branch] - len(self._books[branch].done)
        return open_numbers + self.study.budget.repeats * self._may_win(branch) - self._n_reported(branch)

    def _next_of(self, branch: Branch) -> Place | None:
        due = self._due(branch)
        if due is not None:
            return due
        book = self._books[branch]
        while book.first_free < self._budgets[branch]:
            place = Place(branch, book.first_free, "selection")
            if not self._is_taken(place):
                return place if self._may_start(place) else None
            book.first_free += 1
        return next((place for place in self._report_places(branch) if not self._is_taken(place)), None)

    def _is_taken(self, place: Place) -> bool:
        return place in self.rows or place in self.running or place in self.lost or place in self.paused

    def _due(self, branch: Branch) -> Place | None:
        """First trial that waits at a rung where its bracket is decided: it goes on, or is told that it is out."""
        for place in sorted(place for place in self.paused if place.branch == branch):
            if self.decided(place, max(self._values[place])) is not None:
                return place
        return None

    def decided(self, place: Place, at: int) -> dict[int, float] | None:
        """Values at a rung by number in a trial's bracket; None while one of it may still get there.

        Trials that failed, or were out before, have none.
        """
        found = {}
        for number in bracket_of(self.study.kinds[place.branch.kind], place.number):
            other = Place(place.branch, number, "selection")
            row = self.rows.get(other)
            values = self._values.get(other, {}) if row is None else values_at_rungs(row.metrics)
            if at in values:
                found[number] = values[at]
            elif row is None:
                return None
        return found

    def _may_start(self, place: Place) -> bool:
        source = self._sources[place.branch]
        if source is not None and carried_rank(self.study, place) is not None and not self._is_searched(source):
            return False
        return self._books[place.branch].n_prefix >= n_awaited(self.study, place.branch.kind, place.number)

    def carried(self, place: Place) -> Mapping[str, Any] | None:
        """Return the setting that a trial carries over from the smallest model; None where it carries none."""
        source, rank = self._sources[place.branch], carried_rank(self.study, place)
        if source is None or rank is None:
            return None
        settings: list[Mapping[str, Any]] = []
        for row in self.study.goals(place.branch.kind).ranked(self.trials(source)):
            if row.setting not in settings:
                settings.append(row.setting)
        return settings[rank] if rank < len(settings) else None

    def start(self, place: Place, setting: Mapping[str, Any]) -> None:
        """Note that a place is being worked on, with which setting."""
        self.running[place] = setting
        self.paused.pop(place, None)

    def pause(self, place: Place, values: Mapping[int, float], seconds: float = 0.0) -> None:
        """Note that a trial waits at a rung, with its values there and before, and what it took to get there.

        It holds nothing meanwhile. A driver that is killed forgets it: the next one asks again, and the trial's
        checkpoint is at the rung already.
        """
        self.paused[place] = self.running.pop(place)
        self._values[place] = dict(values)
        self._spent_s[place] = self.spent_s(place) + seconds

    def values_of(self, place: Place) -> Mapping[int, float]:
        """Give a trial's values at the rungs where it waited."""
        return self._values.get(place, {})

    def spent_s(self, place: Place) -> float:
        """Return the time that a trial took up to where it waits, s."""
        return self._spent_s.get(place, 0.0)

    def lose(self, place: Place) -> None:
        """Note that a place ended without a final state: this run leaves it, the next one asks again."""
        self.lost[place] = self.running.pop(place)

    def finish(self, row: TrialRow) -> None:
        """Note a place's final state."""
        place = row_place(row)
        self.running.pop(place, None)
        self.n_new += 1
        self._enter(place, row)
