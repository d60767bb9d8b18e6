"""Seconds a trial costs beyond its own work, beside Ray Tune with OptunaSearch and MLflowLoggerCallback by hand."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.search.optuna import OptunaSearch

from brainalign.artifacts import Result, Store, TrialRow
from brainalign.search.cluster import cluster
from brainalign.search.driver import run_study
from brainalign.search.progress import Silent
from brainalign.spaces import Range, Space
from brainalign.study import parse_study
from brainalign.trials import KINDS, Ask, DataSize, Resources, RungUnit, TrialKind, Work

if TYPE_CHECKING:
    from brainalign.trials import Context
    from brainalign.zoo import ModelFacts

N_WORKERS = 2


@dataclass(frozen=True)
class OverheadBenchmark:
    """Trials that do nothing; wall seconds a trial, from the first finished one to the end of the run.

    Attributes
    ----------
    n_trials, n_reused, n_plain : int
        Dummy trials of `ours_s`, of `reused_s` and of `plain_s`.
    ours_s : float
        A study of this platform, with rows, Optuna's storage and MLflow written.
    reused_s, plain_s : float
        Ray Tune with OptunaSearch and MLflowLoggerCallback, with and without ``reuse_actors``.
    ratio_reused, ratio_plain : float
        ``ours_s`` over each.
    n_workers : int
    """

    n_trials: int
    n_reused: int
    n_plain: int
    ours_s: float
    reused_s: float
    plain_s: float
    ratio_reused: float
    ratio_plain: float
    n_workers: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


class Dummy:
    """A kind whose trials do nothing, or sleep as their setting says: what is left is the platform's own time."""

    name = "dummy"
    version = 1
    arms: tuple[str, ...] = ("guided",)
    default_arms: tuple[str, ...] = ("guided",)
    objectives: tuple[str, ...] = ("score",)
    minimised: tuple[str, ...] = ()
    selects = False
    batched = False
    rung_unit: RungUnit | None = None

    def default_setting(self) -> dict[str, Any]:
        return {"x": 1.0, "y": 1.0, "sleep_s": 0.0}

    def default_space(self) -> Space:
        return {"x": Range(low=0, high=10), "y": Range(low=0.1, high=10, log=True)}

    def check(self, space: Space, model: "ModelFacts", n_subjects: int) -> None:
        pass

    def resources(self, model: "ModelFacts") -> Resources:
        return Resources(cpus=1, gpus=0, memory_gib=0.01)

    def work(self, ask: Ask, model: "ModelFacts", data: DataSize) -> Work:
        return Work(flops=0, passes=0, kept_bytes=10_000)

    def identity(self, ask: Ask, context: "Context") -> dict[str, Any]:
        return dict(ask.setting)

    def run(self, ask: Ask, context: "Context", key: str) -> Result:
        time.sleep(float(ask.setting.get("sleep_s", 0)))
        return Result(key, self.name, ask.arm, {"score": _score(ask.setting)})

    def rung_values(self, ask: Ask, result: Result) -> dict[int, float]:
        return {}


def _score(config: Any) -> float:
    return float(-abs(config["x"] - 2) - abs(config["y"] - 1))


def register_dummy() -> None:
    """Make the dummy kind known in this process; Ray calls it in each worker of the benchmark."""
    kind: TrialKind = Dummy()
    KINDS[kind.name] = kind


def benchmark_overhead(n_trials: int = 500, n_plain: int = 60) -> OverheadBenchmark:
    """Time dummy trials three ways, one after another on one Ray.

    Parameters
    ----------
    n_trials : int
        Trials of this platform, and of Ray Tune with reused actors.
    n_plain : int
        Trials of Ray Tune without; their time does not depend on how many there are, and is long.
    """
    with dummy_ray(N_WORKERS), tempfile.TemporaryDirectory(prefix="brainalign-bench-") as folder:
        ours_s = _ours(Path(folder), n_trials)
        reused_s = _by_hand(Path(folder) / "reused", n_trials, reuse_actors=True)
        plain_s = _by_hand(Path(folder) / "plain", n_plain, reuse_actors=False)
    return OverheadBenchmark(
        n_trials=n_trials,
        n_reused=n_trials,
        n_plain=n_plain,
        ours_s=ours_s,
        reused_s=reused_s,
        plain_s=plain_s,
        ratio_reused=ours_s / reused_s,
        ratio_plain=ours_s / plain_s,
        n_workers=N_WORKERS,
    )


@contextmanager
def dummy_ray(n_workers: int) -> Iterator[None]:
    """Start a local Ray of so many places whose workers know the dummy kind."""
    with cluster(None, n_cpus=n_workers, setup=f"{__name__}.{register_dummy.__name__}"):
        register_dummy()
        try:
            yield
        finally:
            KINDS.pop(Dummy.name, None)


class _Clock(Silent):
    """Notes when the first trial finished."""

    def __init__(self) -> None:
        self.first: float | None = None

    def finished(self, row: TrialRow, n_done: int, n_total: int) -> None:
        """Note the first."""
        assert row.state == "COMPLETE", row.error
        self.first = self.first or time.perf_counter()


class _TuneClock(tune.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        self.first: float | None = None

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.first = self.first or time.perf_counter()


def _per_trial(first: float | None, n_trials: int) -> float:
    assert first is not None
    return (time.perf_counter() - first) / (n_trials - 1)


def _ours(folder: Path, n_trials: int) -> float:
    simulator = {"n_subjects": 1, "n_problems_per_type": 10}
    raw = {
        "name": "overhead",
        "models": ["tiny-random-llama"],
        "betas": {"source": "simulated", "simulator": simulator},
        "kinds": {Dummy.name: {"trials": n_trials}},
        "execution": {"workers": N_WORKERS},
    }
    clock = _Clock()
    run_study(parse_study(raw, "benchmark"), store=Store(folder / "store"), listener=clock)
    return _per_trial(clock.first, n_trials)


def _by_hand(folder: Path, n_trials: int, *, reuse_actors: bool) -> float:
    folder.mkdir()
    clock, uri = _TuneClock(), f"sqlite:///{folder}/mlflow.db"
    space = {
        "x": optuna.distributions.FloatDistribution(0, 10),
        "y": optuna.distributions.FloatDistribution(0.1, 10, log=True),
    }
    search = OptunaSearch(space, metric="score", mode="max", seed=0)
    tuner = tune.Tuner(
        _report,
        tune_config=tune.TuneConfig(
            search_alg=search, num_samples=n_trials, reuse_actors=reuse_actors, max_concurrent_trials=N_WORKERS
        ),
        run_config=tune.RunConfig(
            name="by-hand",
            storage_path=str(folder),
            callbacks=[clock, MLflowLoggerCallback(tracking_uri=uri, experiment_name="by-hand")],
            verbose=0,
        ),
    )
    found = tuner.fit()
    assert found.num_terminated == n_trials, found.errors
    return _per_trial(clock.first, n_trials)


def _report(config: dict[str, Any]) -> None:
    tune.report({"score": _score(config)})
