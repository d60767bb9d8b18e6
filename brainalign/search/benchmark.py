"""Seconds of a suggestion, a resume and a status in a study of many trials, beside Optuna's own TPE."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import create_trial

from brainalign.artifacts import Result, Store, TrialRow, stream
from brainalign.search.driver import reopen
from brainalign.search.ledger import Ledger
from brainalign.search.parameters import Parameters
from brainalign.search.progress import Silent
from brainalign.search.status import study_status
from brainalign.search.suggestion import Suggester
from brainalign.study import Branch, Place, Study, parse_study

_MODEL, _KIND = "tiny-random-llama", "nari"
_RESULT = "benchmark"


@dataclass(frozen=True)
class ScaleBenchmark:
    """One study of many finished trials; wall times in s, medians where several were taken.

    Attributes
    ----------
    n_trials : int
        Finished trials, in one branch for suggestions, in four arms for the rest.
    suggestion_s, optuna_s : float
        A suggestion for the next trial, and ``ask`` of Optuna's TPE in memory on the same trials, by turns.
    suggestion_ratio : float
        ``suggestion_s / optuna_s``.
    n_timed : int
        Suggestions of each.
    compaction_s : float
        Taking all small trial files into a larger one.
    resume_s : float
        From a store at rest to the first suggestion: rows, their outcomes, ledger, Optuna's storage.
    resume_rebuild_s : float
        The same where Optuna's storage is lost and rebuilt.
    status_s, status_command_s : float
        `study status` in this process, and as a command from start to end.
    """

    n_trials: int
    suggestion_s: float
    optuna_s: float
    suggestion_ratio: float
    n_timed: int
    compaction_s: float
    resume_s: float
    resume_rebuild_s: float
    status_s: float
    status_command_s: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


def benchmark_scale(n_trials: int = 10_000, n_timed: int = 15) -> ScaleBenchmark:
    """Time what grows with the number of finished trials.

    Parameters
    ----------
    n_trials : int
        Finished trials.
    n_timed : int
        Suggestions that are timed.
    """
    ours, theirs = _time_suggestions(n_trials, n_timed)
    with tempfile.TemporaryDirectory(prefix="brainalign-bench-") as folder:
        store, study = Store(folder), _study(n_trials // 4, ("guided", "random_direction", "random_betas", "bias"))
        compaction_s = _fill(store, study)
        resume_rebuild_s, _ = _timed(lambda: _resume(store, study))
        resume_s, _ = _timed(lambda: _resume(store, study))
        status_s, _ = _timed(lambda: study_status(store, study.name))
        command = [sys.executable, "-m", "brainalign.cli", "study", "status", study.name, "--store", folder, "--json"]
        command_s, _ = _timed(lambda: subprocess.run(command, check=True, capture_output=True))
    return ScaleBenchmark(
        n_trials=n_trials,
        suggestion_s=ours,
        optuna_s=theirs,
        suggestion_ratio=ours / theirs,
        n_timed=n_timed,
        compaction_s=compaction_s,
        resume_s=resume_s,
        resume_rebuild_s=resume_rebuild_s,
        status_s=status_s,
        status_command_s=command_s,
    )


def _timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    found = act()
    return time.perf_counter() - began, found


def _study(n_trials: int, arms: tuple[str, ...]) -> Study:
    """Make a study of NARI over its default space, which ends after one more trial an arm than are done."""
    kind = {"arms": list(arms), "trials": n_trials + 1}
    return parse_study({"name": "bench", "models": [_MODEL], "kinds": {_KIND: kind}}, "bench")


def _rows(study: Study, arm: str, n_trials: int) -> list[TrialRow]:
    """Finished trials with settings drawn from the space and an objective that depends on them."""
    parameters, rng = Parameters.of(study, _KIND), stream("bench", arm)
    rows = []
    for number in range(n_trials):
        chosen: dict[str, Any] = {}
        for name, part in parameters.free.items():
            if isinstance(part, optuna.distributions.CategoricalDistribution):
                chosen[name] = part.choices[int(rng.integers(len(part.choices)))]
            else:
                chosen[name] = float(rng.uniform(part.low, part.high))
        score = -abs(np.log(chosen["alpha"])) - chosen["layers.start"] + 0.1 * float(rng.normal())
        rows.append(_row(arm, number, parameters.complete(chosen), score))
    return rows


def _row(arm: str, number: int, setting: dict[str, Any], score: float) -> TrialRow:
    return TrialRow(
        study="bench",
        model=_MODEL,
        kind=_KIND,
        arm=arm,
        number=number,
        part="selection",
        setting=setting,
        state="COMPLETE",
        reused=False,
        result_key=f"{_RESULT}-{arm}-{number}",
        objective=score,
        metrics={f"figure_{index}": float(index) for index in range(20)} | {"net_balanced_accuracy": score},
        error=None,
        search_seed=0,
        replicate=0,
        data_hash="bench",
        data_source="simulated",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        host="bench:1",
        versions={"brainalign": "bench"},
    )


def _time_suggestions(n_trials: int, n_timed: int) -> tuple[float, float]:
    """Median seconds of a suggestion and of Optuna's own, by turns on the same finished trials."""
    study, branch = _study(n_trials + n_timed, ("guided",)), Branch(_MODEL, _KIND, "guided")
    rows, parameters = _rows(study, "guided", n_trials + n_timed), Parameters.of(study, _KIND)
    ledger = Ledger(study, rows)
    suggester = Suggester(ledger)
    peer = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
    for row in rows[:n_trials]:
        peer.add_trial(_frozen(parameters, row))
    suggester.suggest(Place(branch, n_trials - 1, "selection"))  # builds the view, as the first after a start does
    peer.ask(parameters.free)
    ours, theirs = [], []
    for number in range(n_trials, n_trials + n_timed):
        place = Place(branch, number, "selection")
        ours.append(_timed(lambda place=place: (ledger.next_place(), suggester.suggest(place)))[0])  # type: ignore[misc]
        seconds, trial = _timed(lambda: peer.ask(parameters.free))
        theirs.append(seconds)
        peer.tell(trial, rows[number].objective)
    return float(np.median(ours)), float(np.median(theirs))


def _frozen(parameters: Parameters, row: TrialRow) -> Any:
    params, distributions = parameters.known(row.setting)
    return create_trial(value=row.objective, params=params, distributions=distributions)


def _fill(store: Store, study: Study) -> float:
    """Write a study's trials, each with outcomes, as its workers would; seconds of the compaction after it."""
    facts: dict[str, Any] = {"source": "simulated", "description": "made up for a benchmark"}
    store.write_manifest(study.name, {"study": study.model_dump(mode="json"), "data": facts})
    store.write_result(Result(_RESULT, _KIND, "guided", {}))
    for arm in study.arms(_KIND):
        for row in _rows(study, arm, study.n_trials(_KIND) - 1):
            os.link(store.result_path(_RESULT), store.result_path(str(row.result_key)))
            store.write_trial(row)
    return _timed(lambda: store.compact_trials(study.name, least=1))[0]


def _resume(store: Store, study: Study) -> None:
    """Do what a driver does before its first trial, but for data, Ray and models."""
    ledger, _ = reopen(study, store, Silent())
    place = ledger.next_place()
    assert place is not None
    Suggester(ledger).suggest(place)
