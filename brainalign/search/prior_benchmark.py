"""What settings carried from a small model are worth on a larger one: real searches on both, with and without."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.artifacts import Store
from brainalign.search.cluster import cluster
from brainalign.search.driver import run_study
from brainalign.study import parse_study

MODELS = ("nano-llama-0.9m", "nano-llama-1.9m")
"""Both can be moved: the smaller ones of the family keep to their answers, so that nothing could be gained there."""
CARRY, WINDOW = 2, 2
SPACE = {
    "layers": {"start": {"low": 0.0, "high": 0.75}, "width": {"low": 0.05, "high": 0.5}},
    "alpha": {"low": 0.3, "high": 10, "log": True},
    "learning_rate": {"low": 0.01, "high": 0.3, "log": True},
    "n_steps": 50,
}


@dataclass(frozen=True)
class PriorBenchmark:
    """Best objective of the larger model's guided arm after so many trials, selection part.

    Attributes
    ----------
    models : tuple of str
        The one that settings are carried from, and the one they are carried to.
    n_trials, carry, n_seeds : int
        Trials an arm, carried settings, and searches of each sort, each with a seed of its own.
    best_with, best_without : tuple of float
        Mean over seeds of the best after 1, 2, … trials.
    gain, gain_sd : float
        Mean over seeds and trials of the first minus the second, and its standard deviation over seeds (None of
        one); a gain within one or two of them shows nothing.
    gain_last : float
        The same after all trials.
    """

    models: tuple[str, ...]
    n_trials: int
    carry: int
    n_seeds: int
    best_with: tuple[float, ...]
    best_without: tuple[float, ...]
    gain: float
    gain_sd: float | None
    gain_last: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def benchmark_priors(n_trials: int = 12, n_seeds: int = 5, models: Sequence[str] = MODELS) -> PriorBenchmark:
    """Search two models with every seed, once with settings carried to the larger one and once without.

    Betas are simulated with a planted effect. What both sorts of search share is found by its key, so it is made once.
    """
    with tempfile.TemporaryDirectory(prefix="brainalign-bench-") as folder, cluster(None):
        store = Store(Path(folder) / "store")
        found = {
            carry: [_best(store, models, n_trials, carry, seed) for seed in range(n_seeds)] for carry in (CARRY, 0)
        }
    carried, plain = np.array(found[CARRY]), np.array(found[0])
    gains = carried - plain
    by_seed = gains.mean(axis=1)
    return PriorBenchmark(
        models=tuple(models),
        n_trials=n_trials,
        carry=CARRY,
        n_seeds=n_seeds,
        best_with=tuple(carried.mean(axis=0).tolist()),
        best_without=tuple(plain.mean(axis=0).tolist()),
        gain=float(by_seed.mean()),
        gain_sd=float(by_seed.std(ddof=1)) if n_seeds > 1 else None,
        gain_last=float(gains[:, -1].mean()),
    )


def _best(store: Store, models: Sequence[str], n_trials: int, carry: int, seed: int) -> list[float]:
    """Run a study; the best objective so far of the larger model's trials, by number."""
    name = f"carry-{carry}-seed-{seed}"
    raw = {
        "name": name,
        "models": list(models),
        "betas": {
            "source": "simulated",
            "simulator": {"n_subjects": 2, "n_problems_per_type": 10, "planted_effect": True},
        },
        "seeds": {"search": seed},
        "search": {"carry": carry, "window": WINDOW, "startup_trials": max(3, n_trials // 3)},
        "kinds": {"nari": {"arms": ["guided"], "trials": n_trials, "space": SPACE}},
    }
    run_study(parse_study(raw, "benchmark"), store=store)
    rows = [row for row in store.read_trials(name) if row.model == models[-1] and row.part == "selection"]
    scores = [-np.inf if row.objective is None else row.objective for row in sorted(rows, key=lambda row: row.number)]
    return list(np.maximum.accumulate(scores).tolist())
