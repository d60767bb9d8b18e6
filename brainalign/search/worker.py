"""A Ray actor that keeps a model loaded and runs one trial after another."""

import math
import os
import socket
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ray import tune

from brainalign.artifacts import Result, State, Store, TrialRow, provenance
from brainalign.betas import FmriDataset
from brainalign.errors import BrainalignError, InputError, ModelError, StudyError
from brainalign.planning import reference_s
from brainalign.search.failures import device_name, failure_class, release_memory
from brainalign.search.preparation import data_size
from brainalign.stimuli import Split
from brainalign.study import MODELLED_COST, Branch, Goals, Place, Study
from brainalign.trials import SMALLER, Ask, Context, Halted, Rungs, TrialKind, find_or_run, rung_metrics, trial_kind
from brainalign.zoo import model_facts

MOST_DIVISIONS = 8
NO_RUNGS = Rungs()
PAUSED = "PAUSED"
"""What a worker answers of a trial that waits at a rung: no final state, so no row."""
_VERSION_NAMES = ("brainalign", "torch", "transformers", "ray", "optuna", "python", "commit")


@dataclass(frozen=True)
class Shared:
    """What every worker of a study gets once, through Ray's object store."""

    study: Study
    store_root: str
    dataset: FmriDataset
    split: Split


@dataclass(frozen=True)
class Held:
    """What a trial has of the cluster: cores, GPUs, and the name of the device."""

    cpus: float = 1.0
    gpus: float = 0.0
    device: str = "cpu"


def place_config(
    place: Place, setting: Mapping[str, Any], *, again: bool = False, rungs: Rungs = NO_RUNGS
) -> dict[str, Any]:
    """Spell a place, its setting and rungs as a Tune configuration, and whether a failure there is tried again."""
    branch = place.branch
    names = {"model": branch.model, "kind": branch.kind, "arm": branch.arm, "number": place.number, "part": place.part}
    names["repeat"] = place.repeat
    return {**names, "setting": dict(setting), "again": again, "rungs": rungs}


def config_place(config: Mapping[str, Any]) -> Place:
    """Read a place back from a Tune configuration."""
    branch = Branch(config["model"], config["kind"], config["arm"])
    return Place(branch, config["number"], config["part"], config["repeat"])


def one_thread() -> None:
    """Compute on one thread, so that a result does not depend on the machine's number of cores."""
    import torch

    torch.set_num_threads(1)


def torch_device(gpus: float) -> str:
    """Where a model is loaded that has so many GPUs of a node: its share of one, or layer by layer over all of them."""
    return "auto" if gpus > 1 else "cuda" if gpus else "cpu"


class TrialWorker(tune.Trainable):
    """Runs trials; reused from trial to trial, so that the model stays loaded."""

    def setup(self, config: dict[str, Any], shared: Shared | None = None) -> None:
        """Take what all trials share; the model is loaded by the first that needs it."""
        assert shared is not None
        one_thread()
        self._shared = shared
        self._store = Store(shared.store_root)
        self._context: Context | None = None

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Go on with another trial in the same process."""
        self.config = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Run the trial, write its result and its row, then report."""
        place, clock = config_place(self.config), time.perf_counter()
        try:
            context, how = self._get_context(), {name: self.config[name] for name in ("again", "rungs")}
            row = run_trial(place, self.config["setting"], self._shared, context, held=self._held(), **how)
        except Halted as halted:
            return {
                "done": True,
                "objective": None,
                "state": PAUSED,
                "seconds": time.perf_counter() - clock,
                **rung_metrics(halted.values),
            }
        except (StudyError, InputError, ModelError) as error:
            # The store's fault or the user's: another trial, or another try in another process, would meet it too.
            failure = "error" if isinstance(error, StudyError) else "user"
            lost = {"done": True, "objective": None, "state": "LOST", "place": str(place)}
            return {**lost, "fault": str(error), "failure": failure}
        return {"done": True, "objective": row.objective, "state": row.state, "place": row.place}

    def _held(self) -> Held:
        needs = self.config["needs"]
        cpus, gpus = (float(needs[what] * needs["n_nodes"]) for what in ("cpus", "gpus"))
        return Held(cpus, gpus, device_name() if gpus else "cpu")

    def _get_context(self) -> Context:
        name = self.config["model"]
        if self._context is None or self._context.model_name != name:
            device = torch_device(self.config["needs"]["gpus"])
            shared, loading = self._shared, self._shared.study.loading.model_dump()
            self._context = Context(self._store, shared.dataset, shared.split, name, device, **loading)
        return self._context


def run_trial(
    place: Place,
    setting: Mapping[str, Any],
    shared: Shared,
    context: Context,
    *,
    again: bool = False,
    held: Held = Held(),
    rungs: Rungs = NO_RUNGS,
) -> TrialRow:
    """Run one trial to a final state and keep its row; a failure is a final state too, with its traceback.

    With `again` a row that says FAILED is written over; `held` is what the trial has of the cluster.

    Raises
    ------
    Halted
        The trial waits at one of its rungs.
    StudyError
        The store cannot be read or written: no fault of the trial, so it gets no final state.
    InputError, ModelError
        The user's to mend, for every trial alike: no final state either.
    """
    standing = _standing_row(shared.study, place, context.store, again)
    if standing is not None:
        return standing  # written by a worker that died before it could report
    started, clock = datetime.now(UTC), time.perf_counter()
    branch, study = place.branch, shared.study
    ask = Ask(setting, branch.arm, place.part, study.seeds.replicate + place.repeat, rungs)
    done = _compute(trial_kind(branch.kind), ask, context)
    result, error, failure = done.result, done.error, done.failure
    goals = study.goals(branch.kind)
    if result and MODELLED_COST in goals.metrics:
        size = data_size(shared.dataset, shared.split)
        cost = reference_s(branch.kind, ask, model_facts(branch.model), size)
        result = replace(result, metrics={**result.metrics, MODELLED_COST: cost})
    objective = result.metrics.get(next(iter(goals.directions))) if result else None
    if result and error is None:
        error, failure = _missing_figure(goals, result)
    blank = _blank_row(study, place, setting)
    whole: State = "PRUNED" if done.is_stopped else "COMPLETE"
    row = replace(
        blank,
        state=whole if error is None else "FAILED",
        error=error,
        reused=done.reused,
        result_key=result.key if result else None,
        objective=objective if error is None else None,
        metrics={**(result.metrics if result else {}), **rung_metrics(done.values or rungs.known)},
        data_hash=shared.dataset.source.content_hash,
        data_source=shared.dataset.source.kind,
        started_at=started.isoformat(timespec="seconds"),
        seconds=rungs.spent_s + time.perf_counter() - clock,
        device=held.device,
        cpus=held.cpus,
        gpus=held.gpus,
        failure=failure,
        batch_divisor=int(result.detail.get(SMALLER, 1)) if result else 1,
    )
    # A worker that a killed driver left behind may have finished the same trial meanwhile: the first row stays.
    standing = _standing_row(study, place, context.store, again)
    if standing is None:
        context.store.write_trial(row)
    return standing or row


def _missing_figure(goals: Goals, result: Result) -> tuple[str | None, str | None]:
    """Say which figure a result lacks or has no finite number for, and the class of that failure; None where none."""
    for name in goals.metrics:
        value = result.metrics.get(name)
        if value is None:
            return f"expected the metric {name!r}, found {', '.join(result.metrics) or 'none'}", "error"
        if not math.isfinite(value):
            return f"expected a finite {name}, found {value}", "nan"
    return None, None


def _standing_row(study: Study, place: Place, store: Store, again: bool) -> TrialRow | None:
    """Row that a place has already, its outcomes whole; None where there is none, or a failure is tried again."""
    row = store.read_trial(study.name, str(place))
    if row is None or (again and row.state == "FAILED"):
        return None
    return row if store.is_whole(row) else None


def _blank_row(study: Study, place: Place, setting: Mapping[str, Any]) -> TrialRow:
    """Row of a trial of which nothing but its place and setting is known."""
    branch, versions = place.branch, provenance()
    return TrialRow(
        study=study.name,
        model=branch.model,
        kind=branch.kind,
        arm=branch.arm,
        number=place.number,
        part=place.part,
        setting=dict(setting),
        state="FAILED",
        reused=False,
        result_key=None,
        objective=None,
        metrics={},
        error=None,
        search_seed=study.seeds.search,
        replicate=study.seeds.replicate + place.repeat,
        repeat=place.repeat,
        data_hash="",
        data_source="",
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        host=f"{socket.gethostname()}:{os.getpid()}",
        versions={name: versions[name] for name in _VERSION_NAMES},
    )


@dataclass(frozen=True)
class _Computed:
    """A trial's result and whether it was found rather than made, or the error and its class.

    `values` are those at its rungs; a trial that was stopped there has no result.
    """

    result: Result | None
    reused: bool = False
    error: str | None = None
    failure: str | None = None
    values: Mapping[int, float] = field(default_factory=dict)
    is_stopped: bool = False


def _judge(kind: TrialKind, ask: Ask, context: Context) -> _Computed:
    """Find or make a result; one that is found whole is judged by its rungs as if it had been on its way.

    Raises
    ------
    Halted
        The trial waits at a rung.
    """
    try:
        result, reused = find_or_run(kind, ask, context)
        values = kind.rung_values(ask, result)
    except Halted as halted:
        result, reused, values = None, False, halted.values
    verdict, seen = ask.rungs.verdict(values)
    if verdict == "pause":
        raise Halted(seen)
    is_stopped = verdict == "stop"
    return _Computed(None if is_stopped else result, reused, values=seen, is_stopped=is_stopped)


def _compute(kind: TrialKind, ask: Ask, context: Context) -> _Computed:
    """Compute a trial; one that runs out of memory is tried again with smaller batches, where its kind has batches."""
    try:
        return _judge(kind, ask, context)
    except (StudyError, InputError, ModelError, Halted):
        raise
    except Exception as error:  # noqa: BLE001 - the trial's border: one bad trial must not end a study; it is kept
        failure = failure_class(error)
        if failure == "memory" and kind.batched and context.batch_divisor < MOST_DIVISIONS:
            smaller = context.smaller()
        elif isinstance(error, BrainalignError):
            return _Computed(None, error=str(error), failure=failure)
        else:
            return _Computed(None, error=traceback.format_exc(limit=-8), failure=failure)
    release_memory()  # outside of the handler, whose traceback holds what the failed try had made
    return _compute(kind, ask, smaller)
