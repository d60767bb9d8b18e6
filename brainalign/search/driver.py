"""The driver: Ray Tune runs a study's trials, each start a new Tuner over a searcher rebuilt from the trial files."""

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.execution.placement_groups import PlacementGroupFactory

from brainalign.artifacts import Store, TrialRow
from brainalign.errors import BrainalignError, ClusterError, StudyError
from brainalign.planning.plan import cheapest_trial
from brainalign.search.budget import Budget, study_caps
from brainalign.search.cluster import cluster
from brainalign.search.hook import Hook, OverTime, RunClock, Watch
from brainalign.search.lease import lease
from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.preparation import Prepared, begin, data_size, describe_model, keep_plan, prepare
from brainalign.search.progress import Listener, Silent
from brainalign.search.searcher import StudySearcher
from brainalign.search.shape import probe_gpu_memory, ray_cluster
from brainalign.search.slots import Slots, cost_model
from brainalign.search.worker import Shared, TrialWorker, one_thread, torch_device
from brainalign.study import Study
from brainalign.tracking import mirror as mirror_mlflow
from brainalign.trials import Context

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True)
class StudyRun:
    """How a run of a study ended.

    Attributes
    ----------
    n_done, n_total : int
        Places in a final state, and all.
    n_failed : int
        Those that failed for what they are; the same again would fail again.
    n_new : int
        Finished by this run.
    n_lost : int
        Not finished for a fault around them (a worker that died, a store that could not be written); resume asks again.
    interrupted : bool
        By Ctrl-C.
    stopped_by : str or None
        The cap of the study file that ended the run.
    seconds : float
        Wall time of this run, s.
    """

    name: str
    store: Path
    n_done: int
    n_total: int
    n_failed: int
    n_new: int
    n_lost: int
    interrupted: bool
    stopped_by: str | None
    seconds: float


def run_study(
    study: Study,
    *,
    store: Store | Path | str,
    betas: Path | str | None = None,
    address: str | None = None,
    listener: Listener | None = None,
    retry_failed: bool = False,
) -> StudyRun:
    """Run a study, or what is left of it.

    Parameters
    ----------
    study : Study
        A parsed study file.
    store : Store or path
        Where results go.
    betas : path, optional
        Folder of the release's betas; without it ``BRAINALIGN_DATA``, the user cache, a fetch, the simulator.
    address : str, optional
        Address of a Ray cluster; without it a local Ray is started and ended.
    listener : Listener, optional
        Hears of every finished trial.
    retry_failed : bool, optional
        Run trials that failed once more, each with its setting. A failure that stays is kept.

    Returns
    -------
    StudyRun
        Counts; the results are in the store.

    Raises
    ------
    InputError, ModelError
        The study does not fit its models or data.
    StudyError
        The study's name is taken by other settings or data, or another driver holds it; or a trial met a fault that
        every other would meet.
    """
    started = time.monotonic()
    store = store if isinstance(store, Store) else Store(store)
    heard = listener or Silent()
    ready = prepare(study, store, betas)
    study_caps(study).check(cheapest_trial(study, data_size(ready.dataset, ready.split)))
    with lease(store.study_folder(study.name)):
        begin(ready)
        ledger, optuna = reopen(study, store, heard, retry_failed=retry_failed)
        ending = Ending()
        heard.begin(ledger.n_done, ledger.n_total)
        if ledger.next_place() is not None:
            clock = RunClock(store, study.name, started)
            try:
                with cluster(address):
                    ending = _search(ready, ledger, optuna, clock, heard, address)
            finally:
                clock.end(ending.stopped_by)
            _mirror(store, study.name, heard)
        n_failed = sum(row.state == "FAILED" for row in ledger.rows.values())
    seconds = time.monotonic() - started
    counts = (ledger.n_done, ledger.n_total, n_failed, ledger.n_new, len(ledger.lost))
    return StudyRun(study.name, store.root, *counts, ending.interrupted, ending.stopped_by, seconds)


@dataclass(frozen=True)
class Ending:
    """Why a search ended before nothing was left: by Ctrl-C, or by a cap."""

    interrupted: bool = False
    stopped_by: str | None = None


def _search(
    ready: Prepared, ledger: Ledger, optuna: OptunaMirror, clock: RunClock, heard: Listener, address: str | None
) -> Ending:
    """Look at the cluster, price the study, read its models, and run what is left."""
    study, store = ready.study, ready.store
    gpu_memory_gib = probe_gpu_memory()
    costs = cost_model(store, study, ray_cluster(gpu_memory_gib), data_size(ready.dataset, ready.split))
    slots = Slots(ledger, costs, lambda: ray_cluster(gpu_memory_gib))
    _check_room(slots, ledger, address, heard)
    keep_plan(ready, costs, heard)
    describe_models(ready, slots, heard)
    budget = Budget(ledger, slots, store, clock.wall_s)
    searcher = StudySearcher(ledger, optuna, store, slots, budget)
    return _tune(ready, ledger, searcher, Watch(slots, budget, clock, heard))


def reopen(study: Study, store: Store, heard: Listener, *, retry_failed: bool = False) -> tuple[Ledger, OptunaMirror]:
    """Read what of a study is done, and bring Optuna's storage to it; the caller holds the study's lease."""
    store.compact_trials(study.name)
    rows = _whole_rows(store, study.name, heard)
    again = [row for row in rows if retry_failed and row.state == "FAILED"]
    done = [row for row in rows if row.state != "FAILED"] if retry_failed else rows
    ledger = Ledger(study, done, again)
    optuna = OptunaMirror(store.study_folder(study.name) / "optuna.journal", study)
    optuna.rebuild(ledger.rows.values())
    return ledger, optuna


def _whole_rows(store: Store, name: str, heard: Listener) -> list[TrialRow]:
    """Rows of finished trials; one whose outcomes are gone or damaged does not count, so that it is run again."""
    rows = store.read_trials(name)
    whole = [row for row in rows if store.is_whole(row)]
    if len(whole) < len(rows):
        heard.note(f"the outcomes of {len(rows) - len(whole)} finished trials are gone or damaged: they are run again")
    return whole


def _check_room(slots: Slots, ledger: Ledger, address: str | None, heard: Listener) -> None:
    """Refuse, before the start, trials that this machine has no room for; a cluster may still grow, so there say so."""
    told = set()
    for branch in ledger.branches:
        needs = slots.needs(branch)
        if (branch.kind, branch.model) in told or slots.can_ever(branch):
            continue
        told.add((branch.kind, branch.model))
        on = f" on each of {needs.n_nodes} nodes" if needs.n_nodes > 1 else ""
        wanted = f"{needs.cpus:g} CPU, {needs.gpus:g} GPU, {needs.memory_gib:.1f} GiB{on}"
        message = (
            f"expected a node with room for a {branch.kind} trial of {branch.model} ({wanted}), found none of "
            f"{len(slots.costs.cluster.nodes)}"
        )
        if address is None:
            raise ClusterError(f"{message}: choose a smaller model or a larger machine")
        heard.note(f"{message}: such trials wait until the cluster has grown")


def _mirror(store: Store, name: str, heard: Listener) -> None:
    """Compact the rows and bring MLflow up to date; where either fails the results are safe and it is done later."""
    try:
        store.compact_trials(name)
        mirror_mlflow(store, name)
    except Exception as error:  # noqa: BLE001 - the mirror's border: whatever ails MLflow must not end a study
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        heard.note(f"MLflow is not up to date, `brainalign study verify` rebuilds it: {reason}")


def describe_models(ready: Prepared, slots: Slots, heard: Listener) -> None:
    """Note in the manifest what each model is and answers unsteered, and leave its activations in the store."""
    manifest = ready.store.read_manifest(ready.study.name)
    missing = [model for model in ready.study.models if model not in manifest["models"]]
    for model in missing:
        heard.note(f"{model}: loading, and reading its states on {len(ready.dataset.problems)} problems")
        needs = slots.model_needs(model)
        context = Context(
            ready.store, ready.dataset, ready.split, model, torch_device(needs.gpus), **ready.study.loading.model_dump()
        )
        task = ray.remote(num_cpus=needs.cpus, num_gpus=needs.gpus, memory=int(needs.memory_gib * GIB))(_describe)
        facts, baseline = _result(task.remote(context))
        manifest["models"][model], manifest["baseline"][model] = facts, baseline
        heard.note(f"{model}: unsteered balanced accuracy {baseline['report']['balanced_accuracy']:.3f} (report part)")
    if missing:
        ready.store.write_manifest(ready.study.name, manifest)


def _result(task: Any) -> Any:
    """Wait for a task; an error that the user can mend comes out as itself, not as Ray's account of it."""
    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, BrainalignError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"expected a worker to read the model, found it dead: {str(error).splitlines()[0]}"
        ) from error


def _describe(context: Context) -> tuple[dict[str, Any], dict[str, Any]]:
    one_thread()
    return describe_model(context)


def _tune(ready: Prepared, ledger: Ledger, searcher: StudySearcher, watch: Watch) -> Ending:
    """Run Ray Tune until nothing is left, or a cap or Ctrl-C ends it."""
    study, store = ready.study, ready.store
    shared = ray.put(Shared(study, str(store.root), ready.dataset, ready.split))
    trainable = tune.with_resources(tune.with_parameters(TrialWorker, shared=shared), _resources)
    scratch = Path(tempfile.mkdtemp(prefix="brainalign-tune-"))
    hook = Hook(ledger, searcher, watch, lambda: _mirror(store, study.name, watch.heard))
    # Without a number Tune asks for one trial at a time and waits until its worker has started; the searcher itself
    # says how many there is room for.
    at_once = study.execution.workers or max(sum(ledger.n_left().values()), 1)
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher, num_samples=-1, reuse_actors=True, max_concurrent_trials=at_once
        ),
        run_config=tune.RunConfig(
            name=study.name,
            storage_path=str(scratch),
            callbacks=[hook],
            stop=OverTime(watch.budget, searcher),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=study.execution.worker_failures),
        ),
    )
    try:
        tuner.fit()
    except KeyboardInterrupt:
        return Ending(interrupted=True)
    finally:
        hook.close()
        shutil.rmtree(scratch, ignore_errors=True)
    if searcher.fault is not None:
        watch.clock.usage.fail("study", searcher.failure, searcher.fault)
        raise StudyError(searcher.fault)
    left = not ledger.complete and not ledger.lost
    return Ending(interrupted=left and watch.budget.stopped_by is None, stopped_by=watch.budget.stopped_by)


def _resources(config: dict[str, Any]) -> PlacementGroupFactory:
    """Ask for a bundle on each node that a trial runs on.

    Tune hands an actor on to any trial with the same placement group, so each model states a memory of its own, by a
    few MiB: a model is never swapped for another inside of an actor, which serves all kinds and arms of its model.
    """
    needs = config["needs"]
    bundle = {"CPU": needs["cpus"], "GPU": needs["gpus"], "memory": needs["memory_gib"] * GIB + needs["apart"] * MIB}
    asked = {name: amount for name, amount in bundle.items() if amount}
    strategy = "STRICT_SPREAD" if needs["n_nodes"] > 1 else "PACK"
    return PlacementGroupFactory([asked] * needs["n_nodes"], strategy=strategy)
