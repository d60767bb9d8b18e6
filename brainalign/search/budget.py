"""Whether one more trial may start under the caps of a study, and what has been spent so far."""

import time
from collections.abc import Callable

from brainalign.artifacts import Store, study_bytes
from brainalign.planning.caps import Caps, Spent
from brainalign.search.ledger import Ledger
from brainalign.search.slots import Slots
from brainalign.search.usage import spent_by
from brainalign.study import Place, Study

WEIGH_EVERY_S = 20.0
"""How often the study's files are weighed at the least, where there is a cap on disk."""
WEIGH_EVERY_TRIALS = 4
"""They are weighed as well when so many trials have ended since, and a quarter of those weighed."""
_HOUR_S = 3600.0


def study_caps(study: Study) -> Caps:
    """Caps that a study file sets."""
    budget = study.budget
    return Caps(budget.max_trials, budget.max_gpu_hours, budget.max_cpu_hours, budget.max_wall_s, budget.max_disk_gib)


class Budget:
    """Keeps a run under its caps: a trial starts only if what it is expected to take is still there.

    Parameters
    ----------
    ledger : Ledger
    slots : Slots
        Says what a trial is expected to take.
    store : Store
    wall_s : callable
        Time that all runs of the study took until now, s.
    """

    def __init__(self, ledger: Ledger, slots: Slots, store: Store, wall_s: Callable[[], float]) -> None:
        self._ledger, self._slots, self._store, self._wall_s = ledger, slots, store, wall_s
        self._caps = study_caps(ledger.study)
        self._bytes, self._n_weighed, self._weighed = 0, 0, float("-inf")
        self.stopped_by: str | None = None

    def spent(self) -> Spent:
        """Add up what finished trials and all runs took."""
        return spent_by(list(self._ledger.rows.values()), self._wall_s(), self._weigh())

    def allows(self, place: Place) -> bool:
        """Whether a trial may start; where not, `stopped_by` names the cap."""
        if self._caps == Caps():
            return True
        running = [self._expected(other) for other in self._ledger.running]
        expected = self._expected(place)
        after = self.spent().plus(expected)
        longest_s = expected.wall_s
        for other in running:
            after = after.plus(other)
            longest_s = max(longest_s, other.wall_s)
        at_once = Spent(after.trials, after.gpu_hours, after.cpu_hours, self._wall_s() + longest_s, after.disk_gib)
        self.stopped_by = self._caps.passed(at_once)
        if self.stopped_by and not running and not self._ledger.n_new and self._caps.passed(self.spent()) is None:
            self.stopped_by = None  # an expectation alone does not keep a run from its first trial
        return self.stopped_by is None

    def wall_is_over(self) -> bool:
        """Whether the cap on wall time has passed: then what runs is stopped as well."""
        over = self._caps.wall_s is not None and self._wall_s() > self._caps.wall_s
        if over:
            self.stopped_by = "max_wall_s"
        return over

    def _expected(self, place: Place) -> Spent:
        needs, seconds = self._slots.needs(place.branch), self._slots.expected_s(place.branch)
        hours = seconds * needs.n_nodes / _HOUR_S
        kept_gib = self._slots.expected_gib(place.branch)
        return Spent(1, hours * needs.gpus, hours * needs.cpus, seconds, kept_gib)

    def _weigh(self) -> int:
        ledger = self._ledger
        n_since = len(ledger.rows) - self._n_weighed
        is_old = time.monotonic() - self._weighed > WEIGH_EVERY_S
        if self._caps.disk_gib is not None and (is_old or n_since >= max(WEIGH_EVERY_TRIALS, self._n_weighed / 4)):
            self._bytes = study_bytes(self._store, ledger.study.name, ledger.rows.values())
            self._weighed, self._n_weighed, n_since = time.monotonic(), len(ledger.rows), 0
        return self._bytes + round(n_since * self._bytes / max(self._n_weighed, 1))
