"""What listens to Ray Tune while a study runs: the listener, mirrors, the clock, the watch over silent workers."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import ray
from ray.tune import Callback, Stopper

from brainalign.artifacts import Store
from brainalign.search.budget import Budget
from brainalign.search.failures import FailureClass, failure_class
from brainalign.search.ledger import Ledger
from brainalign.search.progress import Listener
from brainalign.search.searcher import StudySearcher
from brainalign.search.slots import Slots
from brainalign.search.usage import Usage
from brainalign.search.worker import config_place
from brainalign.study import Place

MIRROR_REST_S = 0.5
MIRROR_REST = 0.5
"""Rest after mirroring, in times of what it took."""
BEAT_EVERY_S = 5.0
LEAST_TIMEOUT_S = 600.0
TIMEOUT = 10.0
"""A worker counts as lost after so many times what its trial is expected to take."""


class RunClock:
    """How long a run has lasted, noted in the store so that a killed driver's time counts as well.

    Parameters
    ----------
    store : Store
    name : str
        The study's.
    started : float
        When the run began, by ``time.monotonic``.
    """

    def __init__(self, store: Store, name: str, started: float) -> None:
        self.usage = Usage(store, name)
        self._before, self._started, self._beaten = self.usage.wall_s, started, started
        self.usage.begin()

    @property
    def seconds(self) -> float:
        """Time of this run, s."""
        return time.monotonic() - self._started

    def wall_s(self) -> float:
        """Time of all runs, s."""
        return self._before + self.seconds

    def beat(self) -> None:
        """Note the time, now and then."""
        if time.monotonic() - self._beaten > BEAT_EVERY_S:
            self._beaten = time.monotonic()
            self.usage.beat(self.seconds)

    def end(self, stopped_by: str | None) -> None:
        """Note the time at the end."""
        self.usage.beat(self.seconds, stopped_by)


@dataclass(frozen=True)
class Watch:
    """What is looked at while trials run."""

    slots: Slots
    budget: Budget
    clock: RunClock
    heard: Listener


class OverTime(Stopper):  # type: ignore[misc]
    """Stops what runs when the cap on wall time has passed or a fault meets every trial; resume asks for it again."""

    def __init__(self, budget: Budget, searcher: StudySearcher) -> None:
        self._budget, self._searcher = budget, searcher

    def __getstate__(self) -> dict[str, Any]:
        return {}  # goes into Tune's snapshot, which is never read

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Say no: a trial ends when it is done."""
        return False

    def stop_all(self) -> bool:
        """Whether to stop now."""
        return self._searcher.fault is not None or self._budget.wall_is_over()


class Hook(Callback):  # type: ignore[misc]
    """Passes finished trials on: to the listener at once, to MLflow in the background; ends workers that are silent."""

    def __init__(self, ledger: Ledger, searcher: StudySearcher, watch: Watch, mirror: Callable[[], Any]) -> None:
        self._ledger, self._searcher, self._watch = ledger, searcher, watch
        self._mirror = mirror
        self._rest_until = 0.0
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._mirroring: Future[Any] | None = None
        self._since: dict[str, tuple[Any, float]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {}  # goes into Tune's snapshot, which is never read

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Look after the clock and after workers that have been silent for too long."""
        self._watch.clock.beat()
        now = time.monotonic()
        for trial, began in list(self._since.values()):
            if now - began > self._timeout_s(config_place(trial.config)):
                self._since.pop(trial.trial_id)
                self._end_worker(trial, now - began)

    def _timeout_s(self, place: Place) -> float:
        given = self._ledger.study.execution.trial_timeout_s
        return given or max(LEAST_TIMEOUT_S, TIMEOUT * self._watch.slots.expected_s(place.branch))

    def _end_worker(self, trial: Any, seconds: float) -> None:
        """Give a worker up; Tune then tries the trial elsewhere, as after a worker that died."""
        place = config_place(trial.config)
        self._watch.heard.note(f"{place} has been silent for {seconds:.0f} s: its worker counts as lost")
        actor = trial.temporary_state.ray_actor
        if actor is not None:
            ray.kill(actor)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._since[trial.trial_id] = (trial, time.monotonic())

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._since.pop(trial.trial_id, None)
        self._fail(trial, "tried again elsewhere")

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._pass_on(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        reason = self._fail(trial, "not done, resume asks again")
        self._watch.heard.note(f"{config_place(trial.config)} is not done and will be asked again by resume: {reason}")
        self._pass_on(trial)

    def _fail(self, trial: Any, what: str) -> str:
        """Note a lost worker, or one that the system ended for want of memory."""
        error = trial.get_error()
        reason = str(error or "its worker died").strip().splitlines()[-1]
        memory = error is not None and failure_class(error) == "memory"
        failure: FailureClass = "memory" if memory or "OutOfMemory" in type(error).__name__ else "lost"
        self._watch.clock.usage.fail(str(config_place(trial.config)), failure, f"{what}: {reason}")
        return reason

    def _pass_on(self, trial: Any) -> None:
        self._since.pop(trial.trial_id, None)
        row = self._ledger.rows.get(config_place(trial.config))
        if row is not None:
            self._watch.heard.finished(row, self._ledger.n_done, self._ledger.n_total)
        idle = self._mirroring is None or self._mirroring.done()
        if idle and time.monotonic() > self._rest_until:
            self._mirroring = self._pool.submit(self._tend)

    def _tend(self) -> None:
        """Mirror, and rest after it: it reads every row, so a large study is mirrored less often than it grows."""
        began = time.monotonic()
        self._mirror()
        ended = time.monotonic()
        self._rest_until = ended + max(MIRROR_REST_S, MIRROR_REST * (ended - began))

    def close(self) -> None:
        """Wait for MLflow."""
        self._pool.shutdown(wait=True)
        if self._mirroring is not None:
            self._mirroring.result()
