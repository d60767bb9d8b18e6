"""The driver: Ray Tune runs a study's trials, each start a new Tuner over a searcher rebuilt from the trial files."""

import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune import Callback
from ray.tune.execution.placement_groups import PlacementGroupFactory

from brainalign.artifacts import Store, TrialRow
from brainalign.errors import BrainalignError, ClusterError, StudyError
from brainalign.search.cluster import cluster
from brainalign.search.lease import lease
from brainalign.search.ledger import Ledger
from brainalign.search.optuna_mirror import OptunaMirror
from brainalign.search.preparation import Prepared, begin, describe_model, prepare
from brainalign.search.progress import Listener, Silent
from brainalign.search.searcher import StudySearcher
from brainalign.search.worker import Shared, TrialWorker, config_place, one_thread
from brainalign.study import Study
from brainalign.tracking import mirror as mirror_mlflow
from brainalign.trials import Context, trial_kind
from brainalign.zoo import model_facts

GIB = 1 << 30
MIRROR_REST_S = 1.0
MIRROR_REST = 4.0
"""Rest after mirroring, in times of what it took."""


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
        Ctrl-C, or the cap on wall time.
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
        The study's name is taken by other settings or data, or another driver holds it.
    """
    started = time.monotonic()
    store = store if isinstance(store, Store) else Store(store)
    heard = listener or Silent()
    ready = prepare(study, store, betas)
    with lease(store.study_folder(study.name)):
        begin(ready)
        ledger, optuna = reopen(study, store, heard, retry_failed=retry_failed)
        interrupted = False
        heard.begin(ledger.n_done, ledger.n_total)
        if ledger.next_place() is not None:
            with cluster(address):
                _check_room(study, address, heard)
                describe_models(ready, heard)
                interrupted = _tune(ready, ledger, StudySearcher(ledger, optuna, store), heard)
            _mirror(store, study.name, heard)
        n_failed = sum(row.state == "FAILED" for row in ledger.rows.values())
    seconds = time.monotonic() - started
    counts = (ledger.n_done, ledger.n_total, n_failed, ledger.n_new, len(ledger.lost))
    return StudyRun(study.name, store.root, *counts, interrupted, seconds)


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


def _check_room(study: Study, address: str | None, heard: Listener) -> None:
    """Refuse, before the start, trials that this machine has no room for; a cluster may still grow, so there say so."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for kind in study.kinds:
        for model in study.models:
            needs = _bundle(kind, model)
            if not any(all(node.get(name, 0) >= amount for name, amount in needs.items()) for node in nodes):
                wanted = f"{needs.get('CPU', 0):g} CPU, {needs.get('GPU', 0):g} GPU, {needs['memory'] / GIB:.1f} GiB"
                message = (
                    f"expected a node with room for a {kind} trial of {model} ({wanted}), found none of {len(nodes)}"
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


def describe_models(ready: Prepared, heard: Listener) -> None:
    """Note in the manifest what each model is and answers unsteered, and leave its activations in the store."""
    manifest = ready.store.read_manifest(ready.study.name)
    missing = [model for model in ready.study.models if model not in manifest["models"]]
    for model in missing:
        heard.note(f"{model}: loading, and reading its states on {len(ready.dataset.problems)} problems")
        context = Context(ready.store, ready.dataset, ready.split, model)
        task = ray.remote(num_cpus=1, memory=int(model_facts(model).memory_gib * GIB))(_describe)
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


def _tune(ready: Prepared, ledger: Ledger, searcher: StudySearcher, heard: Listener) -> bool:
    """Run Ray Tune until nothing is left; True where it was interrupted before that."""
    study, store = ready.study, ready.store
    shared = ray.put(Shared(study, str(store.root), ready.dataset, ready.split))
    trainable = tune.with_resources(tune.with_parameters(TrialWorker, shared=shared), _resources)
    scratch = Path(tempfile.mkdtemp(prefix="brainalign-tune-"))
    hook = _Hook(ledger, searcher, heard, study, lambda: _mirror(store, study.name, heard))
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher, num_samples=-1, reuse_actors=True, max_concurrent_trials=study.execution.workers
        ),
        run_config=tune.RunConfig(
            name=study.name,
            storage_path=str(scratch),
            callbacks=[hook],
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            failure_config=tune.FailureConfig(max_failures=study.execution.worker_failures),
        ),
    )
    try:
        tuner.fit()
    except KeyboardInterrupt:
        return True
    finally:
        hook.close()
        shutil.rmtree(scratch, ignore_errors=True)
    if searcher.fault is not None:
        raise StudyError(searcher.fault)
    return not ledger.complete and not ledger.lost


def _resources(config: dict[str, Any]) -> PlacementGroupFactory:
    """State a trial's resources; a model's own memory keeps actors of different models apart."""
    return PlacementGroupFactory([_bundle(config["kind"], config["model"])])


def _bundle(kind: str, model: str) -> dict[str, float]:
    needs = trial_kind(kind).resources(model_facts(model))
    bundle = {"CPU": needs.cpus, "GPU": needs.gpus, "memory": needs.memory_gib * GIB}
    return {name: amount for name, amount in bundle.items() if amount}


class _Hook(Callback):  # type: ignore[misc]
    """Passes finished trials on: to the listener at once, to MLflow in the background."""

    def __init__(
        self, ledger: Ledger, searcher: StudySearcher, heard: Listener, study: Study, mirror: Callable[[], Any]
    ) -> None:
        self._ledger, self._searcher, self._heard = ledger, searcher, heard
        self._wall_s = (study.budget.wall_minutes or float("inf")) * 60
        self._began = time.monotonic()
        self._mirror = mirror
        self._rest_until = 0.0
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._mirroring: Future[Any] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {}  # goes into Tune's snapshot, which is never read

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._pass_on(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        reason = str(trial.get_error() or "its worker died").strip().splitlines()[-1]
        self._heard.note(f"{config_place(trial.config)} is not done and will be asked again by resume: {reason}")
        self._pass_on(trial)

    def _pass_on(self, trial: Any) -> None:
        row = self._ledger.rows.get(config_place(trial.config))
        if row is not None:
            self._heard.finished(row, self._ledger.n_done, self._ledger.n_total)
        if time.monotonic() - self._began > self._wall_s:
            self._searcher.stopped = True
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
