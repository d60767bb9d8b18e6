"""The Ray Tune searcher: it asks the ledger for a place and Optuna for its setting, and tells both what came of it."""

from typing import Any

from ray.tune.search import Searcher

from brainalign.artifacts import Store
from brainalign.search.budget import Budget
from brainalign.search.failures import FailureClass
from brainalign.search.kept_weights import keep_weights
from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.slots import Slots
from brainalign.search.stopping import rungs_of
from brainalign.search.suggestion import Suggester
from brainalign.search.worker import PAUSED, place_config
from brainalign.study import Place
from brainalign.trials import values_at_rungs


class StudySearcher(Searcher):  # type: ignore[misc]
    """Feeds a study's places to Ray Tune.

    The trial files are the truth: a worker has written its row before Tune hears of it, so what this object holds is
    rebuilt from them at every start and nothing of it is ever pickled back.

    Parameters
    ----------
    ledger : Ledger
        What is done and what comes next.
    mirror : OptunaMirror
        Optuna's storage, kept equal to the trial files.
    store : Store
        Where workers write their rows.
    slots : Slots
        Chooses which place starts next.
    budget : Budget
        Says whether it may start under the caps.
    """

    def __init__(self, ledger: Ledger, mirror: OptunaMirror, store: Store, slots: Slots, budget: Budget) -> None:
        super().__init__(metric="objective", mode="max")
        self._slots, self._budget = slots, budget
        self._ledger = ledger
        self._suggester = Suggester(ledger)
        self._mirror = mirror
        self._store = store
        self._live: dict[str, Place] = {}
        self.stopped = False
        self.fault: str | None = None
        self.failure: FailureClass = "error"

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher into a snapshot that is never read: nothing of this one belongs there."""
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Give the next place with its setting; None while all that is left waits for running trials."""
        place = None if self.stopped else self._slots.choose()
        if place is not None and not self._budget.allows(place):
            self._slots.free(place)
            self.stopped, place = True, None
        if place is None:
            waiting = self._ledger.running and not self.stopped
            return None if waiting else Searcher.FINISHED
        setting, rungs = self._suggester.suggest(place), rungs_of(self._ledger, place)
        self._ledger.start(place, setting)
        if place.part == "selection":
            self._mirror.ask(place, setting)
        self._live[trial_id] = place
        config = place_config(place, setting, again=place in self._ledger.again, rungs=rungs)
        return {**config, "needs": self._needs(place)}

    def _needs(self, place: Place) -> dict[str, float]:
        """Say what the trial asks of the cluster, and by how many MiB its model is told from the study's others."""
        needs, models = self._slots.needs(place.branch), self._ledger.study.models
        asked = {"cpus": needs.cpus, "gpus": needs.gpus, "memory_gib": needs.memory_gib, "n_nodes": needs.n_nodes}
        return {**asked, "apart": models.index(place.branch.model)}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Nothing to do: a trial reports once, when it is done."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take a trial's row from the store; one without a row is lost to this run and asked again by the next."""
        place = self._live.pop(trial_id)
        self._slots.free(place)
        if result and result.get("state") == PAUSED:
            self._ledger.pause(place, values_at_rungs(result), float(result["seconds"]))
            return
        row = self._store.read_trial(self._ledger.study.name, str(place))
        if row is None or row == self._ledger.again.get(place):
            self._ledger.lose(place)
            if result and result.get("fault"):  # the store's, so every further trial would meet it too
                self.fault, self.stopped = str(result["fault"]), True
                self.failure = result["failure"]
            return
        self._ledger.finish(row)
        self._slots.learn(row)
        if place.part == "selection":
            self._mirror.tell(place, row)
        keep_weights(self._ledger, self._store)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: every start is rebuilt from the trial files."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: every start is rebuilt from the trial files."""
