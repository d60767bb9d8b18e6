"""What a window costs in time: measured on sleeping trials by real workers, beside a simulation of the same."""

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brainalign.artifacts import Store, TrialRow
from brainalign.planning import Chain, Cluster, Node, window_cost
from brainalign.search.driver import run_study
from brainalign.search.overhead import Dummy, dummy_ray
from brainalign.search.progress import Silent
from brainalign.study import Branch, parse_study
from brainalign.trials import Resources

WINDOW, N_WORKERS = 2, 4
_SLEEP_S = (0.2, 1.8)


@dataclass(frozen=True)
class WindowBenchmark:
    """One branch with a window that is narrower than the cluster, so that workers wait: the worst case.

    Attributes
    ----------
    n_trials, window, n_workers : int
    with_s, without_s : float
        From the first trial that ended to the last, with the window and with every result used at once, s.
    measured_ratio, simulated_ratio : float
        ``with_s / without_s``, and the same of the scheduler's simulation.
    """

    n_trials: int
    window: int
    n_workers: int
    with_s: float
    without_s: float
    measured_ratio: float
    simulated_ratio: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain numbers."""
        return asdict(self)


class _Span(Silent):
    """Notes when trials ended, and how long they slept."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.sleeps: dict[int, float] = {}

    def finished(self, row: TrialRow, n_done: int, n_total: int) -> None:
        """Note one."""
        assert row.state == "COMPLETE", row.error
        self.ends.append(time.perf_counter())
        self.sleeps[row.number] = float(row.setting["sleep_s"])

    @property
    def seconds(self) -> float:
        """Time from the first end to the last, s."""
        return self.ends[-1] - self.ends[0]


def benchmark_window(n_trials: int = 40) -> WindowBenchmark:
    """Run the same sleeping trials with and without a window; settings are drawn by number, so both sleep alike."""
    with dummy_ray(N_WORKERS), tempfile.TemporaryDirectory(prefix="brainalign-bench-") as folder:
        bound, free = (_run(Path(folder), n_trials, reproducible=which) for which in (True, False))
    assert bound.sleeps == free.sleeps
    seconds = [bound.sleeps[number] for number in range(n_trials)]
    waits = [max(0, number - WINDOW + 1) for number in range(n_trials)]
    chain = Chain(Branch("tiny-random-llama", Dummy.name, "guided"), Resources(1, 0, 0.01), seconds, waits, None)
    return WindowBenchmark(
        n_trials=n_trials,
        window=WINDOW,
        n_workers=N_WORKERS,
        with_s=bound.seconds,
        without_s=free.seconds,
        measured_ratio=bound.seconds / free.seconds,
        simulated_ratio=window_cost([chain], Cluster((Node(N_WORKERS),)), {}).ratio,
    )


def _run(folder: Path, n_trials: int, *, reproducible: bool) -> _Span:
    low, high = _SLEEP_S
    name = "window" if reproducible else "no-window"
    space = {"x": {"low": 0, "high": 10}, "sleep_s": {"low": low, "high": high}}
    search = {"startup_trials": n_trials, "window": WINDOW, "reproducible": reproducible}
    raw = {
        "name": name,
        "models": ["tiny-random-llama"],
        "betas": {"source": "simulated", "simulator": {"n_subjects": 1, "n_problems_per_type": 10}},
        "search": search,
        "kinds": {Dummy.name: {"trials": n_trials, "space": space}},
        "execution": {"workers": N_WORKERS},
    }
    span = _Span()
    run_study(parse_study(raw, "benchmark"), store=Store(folder / name), listener=span)
    return span
