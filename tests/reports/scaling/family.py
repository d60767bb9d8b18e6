"""Studies of several sizes and seeds, drawn from a seeded generator and written through the real `Store`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from brainalign.artifacts import Result, Store
from brainalign.steering.outcomes import summarise
from brainalign.study import parse_study, repeats

from ..synthetic import Plan, layer_detail, manifest, outcomes, trial

SIZES = {
    "nano-llama-0.1m": 112_000,
    "nano-llama-0.4m": 447_000,
    "nano-llama-1.9m": 1_900_000,
    "nano-llama-7.4m": 7_400_000,
    "nano-qwen3-0.2m": 250_000,
    "nano-qwen3-0.9m": 900_000,
}
ARMS = ("guided", "random_direction", "bias")


@dataclass(frozen=True)
class Family:
    """What the studies hold: models that have run (`run`), and how a guided setting's success grows with size."""

    name: str = "family"
    n_seeds: int = 2
    models: tuple[str, ...] = tuple(SIZES)
    run: tuple[str, ...] = tuple(SIZES)
    arms: tuple[str, ...] = ARMS
    n_trials: int = 2
    n_subjects: int = 4
    n_problems: int = 14
    started_at: str = "2026-11-24T22:00:00+00:00"
    source: str = "simulated"
    rises: Mapping[str, float] = field(default_factory=lambda: {"guided": 0.5, "random_direction": 0.0, "bias": 0.0})


def content(family: Family) -> dict[str, Any]:
    """The study file."""
    space = {
        "alpha": {"low": 0.3, "high": 10, "log": True},
        "layers": {"start": {"low": 0, "high": 0.7}, "width": 0.3},
    }
    kinds = {
        "predictivity": {"arms": ["measured", "shuffled"], "trials": 2, "space": {"features": [0, 40]}},
        "nari": {"arms": list(family.arms), "trials": family.n_trials, "space": space},
    }
    return {"name": family.name, "models": list(family.models), "kinds": kinds}


def build(store: Store, family: Family) -> list[str]:
    """Write all studies of a family; gives their names."""
    studies = repeats(parse_study(content(family), "synthetic"), family.n_seeds)
    for seed, study in enumerate(studies):
        plan = Plan(name=study.name, source=family.source, n_subjects=family.n_subjects, n_problems=family.n_problems)
        models = {name: {"n_layers": 30, "hidden_size": 64, "n_parameters": SIZES[name]} for name in family.run}
        baseline = {name: manifest(plan)["baseline"]["smollm2-135m"] for name in family.run}
        shortcut = {
            "syllogisms": {"balanced_accuracy": 0.6, "n": 10},
            "transitive": {"balanced_accuracy": 0.5, "n": 30},
        }
        facts = {"models": models, "baseline": baseline, "shortcut": shortcut, "identity": study.identity}
        store.write_manifest(study.name, {**manifest(plan), **facts, "study": study.model_dump(mode="json")})
        add_models(store, family, plan, family.run, seed)
    return [study.name for study in studies]


def add_models(store: Store, family: Family, plan: Plan, models: Sequence[str], seed: int) -> None:
    """Write all rows of some models of one study."""
    for model in models:
        rng = np.random.default_rng([seed, SIZES[model]])
        rise = np.log(SIZES[model] / 1e5) / np.log(1e2)
        success = {arm: (0.1 + family.rises.get(arm, 0.0) * rise, 0.1) for arm in family.arms}
        own = replace(plan, success=success)
        for arm in family.arms:
            rows = [
                _nari(store, family, own, model, arm, number, "selection", rng) for number in range(family.n_trials)
            ]
            best = max(rows, key=lambda row: (row.objective, -row.number))
            _nari(store, family, own, model, arm, best.number, "report", rng, best.setting)
        for arm in ("measured", "shuffled"):
            for number, features in enumerate((0, 40)):
                _predictivity(store, family, own, model, arm, number, features, rng)


def _nari(
    store: Store, family: Family, plan: Plan, model: str, arm: str, number: int, part: str,
    rng: np.random.Generator, setting: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    key = f"{plan.name}-{model}-{arm}-{number}-{part}"
    drawn = {"alpha": float(rng.uniform(0.5, 8)), "layers": {"start": float(rng.uniform(0, 0.7)), "width": 0.3}}
    table = outcomes(plan, key, arm, part, rng)
    metrics = summarise(table, n_resamples=2).metrics()
    store.write_result(Result(key=key, kind="nari", arm=arm, metrics=metrics, outcomes=table))
    row = trial(
        plan, "nari", arm, number, part=part, model=model, setting=dict(setting or drawn), result_key=key,
        metrics=metrics, objective=metrics["net_balanced_accuracy"], started_at=family.started_at,
    )  # fmt: skip
    store.write_trial(row)
    return row


def _predictivity(
    store: Store, family: Family, plan: Plan, model: str, arm: str, number: int, features: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    key = f"{plan.name}-{model}-{arm}-{features}"
    detail = layer_detail(plan, (0.2 if arm == "measured" else 0.05) * (1 + (features == 0)), rng)
    metrics = {"score": detail["score"]}
    store.write_result(Result(key=key, kind="predictivity", arm=arm, metrics=metrics, detail=detail))
    setting = {"roi": "deductive_reasoning", "subset": "all", "fold_seed": 1, "features": features}
    facts = {"setting": setting, "result_key": key, "metrics": metrics, "objective": detail["score"]}
    store.write_trial(trial(plan, "predictivity", arm, number, model=model, started_at=family.started_at, **facts))
