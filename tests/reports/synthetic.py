"""Stores that look as a real run leaves them, drawn from a seeded generator and written through the real `Store`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA, Result, Store, TrialRow
from brainalign.steering.outcomes import summarise
from brainalign.study import parse_study

MODEL, N_LAYERS = "smollm2-135m", 30
TYPES = ("syllogisms", "transitive")
VERSIONS = {"torch": "2.13.0", "brainalign": "0.1.0"}


@dataclass(frozen=True)
class Plan:
    """What a synthetic study holds.

    ``success`` gives each arm's probability of mending a wrong pair and of breaking a right one.
    """

    name: str = "quickstart"
    description: str = "A synthetic study."
    n_subjects: int = 8
    n_problems: int = 30
    n_trials: int = 10
    success: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: {"guided": (0.6, 0.1), "random_direction": (0.25, 0.2), "bias": (0.55, 0.5)}
    )
    source: str = "simulated"
    with_predictivity: bool = True
    with_report: bool = True
    seed: int = 7


def study_content(plan: Plan) -> dict[str, Any]:
    """The study file of a plan."""
    kinds: dict[str, Any] = {}
    if plan.with_predictivity:
        kinds["predictivity"] = {"arms": ["measured", "shuffled"], "trials": 2, "sampler": "grid"}
    if plan.success:
        space = {
            "alpha": {"low": 0.3, "high": 10, "log": True},
            "layers": {"start": {"low": 0, "high": 0.7}, "width": 0.3},
        }
        kinds["nari"] = {"arms": list(plan.success), "trials": plan.n_trials, "space": space}
    return {"name": plan.name, "description": plan.description, "models": [MODEL], "kinds": kinds}


def manifest(plan: Plan) -> dict[str, Any]:
    """The manifest of a plan, as a run writes it."""
    study = parse_study(study_content(plan), "synthetic")
    baseline = {"accuracy": 0.6, "balanced_accuracy": 0.52, "share_true": 0.9, "invalid": 0.0, "n": plan.n_problems}
    ids = {part: stimulus_ids(plan, part) for part in ("selection", "report")}
    subjects = subject_names(plan)
    return {
        "study": study.model_dump(mode="json"),
        "identity": study.identity,
        "data": {
            "source": plan.source,
            "description": "betas of a simulator with noise ceiling 0.4"
            if plan.source == "simulated"
            else "public release",
            "content_hash": "0123456789abcdef",
            "location": None,
            "subjects": subjects,
            "n_problems": 2 * plan.n_problems,
            "n_voxels": {"deductive_reasoning": 120, "language": 90},
            "dropped": ["problem syl-x: contradictory"],
            "wording": "brainalign" if plan.source == "simulated" else "release",
        },
        "models": {
            MODEL: {
                "n_layers": N_LAYERS,
                "hidden_size": 576,
                "n_parameters": 134_515_008,
                "quantisation": "de-quantised from 4 bit",
                "weights_hash": "feedbeef",
            }
        },
        "split": ids,
        "baseline": {MODEL: {"selection": baseline, "report": {**baseline, "accuracy": 0.65}}},
        "provenance": {"host": "machine-a", "python": "3.11.9", "torch": "2.13.0", "commit": "abc123"},
        "created_at": "2026-11-24T22:00:00+00:00",
    }


def stimulus_ids(plan: Plan, part: str) -> list[str]:
    """Ids of a part's problems."""
    return [f"{part[:3]}-{i:04d}" for i in range(plan.n_problems)]


def subject_names(plan: Plan) -> list[str]:
    """Names of the subjects."""
    return [f"sub-{1001 + i}" for i in range(plan.n_subjects)]


def outcomes(plan: Plan, key: str, arm: str, part: str, rng: np.random.Generator) -> pa.Table:
    """Draw outcomes of one result; which pairs are targeted depends on the problem alone, not on the setting."""
    labels = np.random.default_rng(plan.seed).random(plan.n_problems) < 0.6
    wrong = np.random.default_rng(plan.seed + 1).random(plan.n_problems) < 0.45
    rows = []
    for subject in subject_names(plan):
        for i, stimulus_id in enumerate(stimulus_ids(plan, part)):
            success = bool(rng.random() < plan.success[arm][0 if wrong[i] else 1])
            n_checks = int(rng.integers(1, 12)) if success else 12
            rows.append(
                {
                    "result_key": key, "arm": arm, "subject": subject, "stimulus_id": stimulus_id, "order": 0,
                    "reasoning_type": TYPES[i % 2], "label": bool(labels[i]), "targeted": bool(wrong[i]),
                    "success": success, "first_check": n_checks - 1 if success else -1,
                    "radius": float(rng.random()) if success else np.nan,
                    "n_checks": n_checks, "n_invalid": int(rng.integers(0, n_checks)),
                    "margin_before": float(rng.normal()), "margin_after": float(rng.normal(-0.5)),
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=OUTCOME_SCHEMA)


def trial(plan: Plan, kind: str, arm: str, number: int, **changes: Any) -> TrialRow:
    """A finished row with plausible fields; `changes` replace some."""
    row = TrialRow(
        study=plan.name,
        model=MODEL,
        kind=kind,
        arm=arm,
        number=number,
        part="selection",
        setting={},
        state="COMPLETE",
        reused=False,
        result_key=None,
        objective=None,
        metrics={},
        error=None,
        search_seed=0,
        replicate=0,
        data_hash="0123456789abcdef",
        data_source=plan.source,
        started_at=f"2026-11-24T22:{number % 60:02d}:00+00:00",
        seconds=12.5,
        host="machine-a",
        versions=VERSIONS,
    )
    return replace(row, **changes)


@dataclass(frozen=True)
class Writer:
    """Writes results and rows of a plan, drawn from one generator."""

    store: Store
    plan: Plan
    rng: np.random.Generator

    def study(self) -> None:
        """Write manifest, all trials of all arms, and each winner's row on the report part."""
        self.store.write_manifest(self.plan.name, manifest(self.plan))
        for arm in self.plan.success:
            rows = [self.nari(arm, number, "selection") for number in range(self.plan.n_trials)]
            best = max(rows, key=lambda row: (row.objective, -row.number))
            if self.plan.with_report:
                self.nari(arm, best.number, "report", best.setting)
        if self.plan.with_predictivity:
            for arm in ("measured", "shuffled"):
                for number, roi in enumerate(("deductive_reasoning", "language")):
                    self.predictivity(arm, number, roi)

    def nari(self, arm: str, number: int, part: str, setting: Mapping[str, Any] | None = None) -> TrialRow:
        """Write one result of kind nari and its row."""
        key, rng = f"{self.plan.name}-{arm}-{number}-{part}", self.rng
        drawn = {
            "alpha": float(np.exp(rng.uniform(np.log(0.3), np.log(10)))),
            "layers": {"start": float(rng.uniform(0, 0.7)), "width": 0.3},
            "roi": "language" if rng.random() < 0.5 else "deductive_reasoning",
            "loss": "cosine",
        }
        table = outcomes(self.plan, key, arm, part, rng)
        metrics = summarise(table, n_resamples=2).metrics()
        self.store.write_result(Result(key=key, kind="nari", arm=arm, metrics=metrics, outcomes=table))
        objective = metrics["net_balanced_accuracy"]
        facts = {"setting": dict(setting or drawn), "result_key": key, "metrics": metrics, "objective": objective}
        row = trial(self.plan, "nari", arm, number, part=part, **facts)
        self.store.write_trial(row)
        return row

    def predictivity(self, arm: str, number: int, roi: str) -> None:
        """Write one result of kind predictivity and its row: a hump over layers, low where shuffled."""
        key = f"{self.plan.name}-{arm}-{roi}"
        detail = layer_detail(self.plan, 0.2 if arm == "measured" else 0.05, self.rng)
        metrics = {"score": detail["score"], "mad": detail["mad"], "best_layer": float(detail["best_layer"]["index"])}
        self.store.write_result(Result(key=key, kind="predictivity", arm=arm, metrics=metrics, detail=detail))
        setting = {"roi": roi, "subset": "all", "fold_seed": 1}
        facts = {"setting": setting, "result_key": key, "metrics": metrics, "objective": detail["score"]}
        self.store.write_trial(trial(self.plan, "predictivity", arm, number, **facts))


def layer_detail(plan: Plan, height: float, rng: np.random.Generator) -> dict[str, Any]:
    """Detail of a predictivity result: a hump of some height over layers, lower at the layer output."""
    depth = np.linspace(0, 1, N_LAYERS)
    hump = height * np.exp(-((depth - 0.55) ** 2) / 0.08)
    mean = np.concatenate([hump, 0.85 * hump])
    subjects = np.stack([mean * rng.uniform(0.6, 1.4) + rng.normal(0, 0.01, mean.size) for _ in subject_names(plan)])
    scores = np.median(subjects, axis=0)
    best = int(scores.argmax())
    return {
        "sites": ["attention", "layer"],
        "scores": scores.tolist(),
        "by_subject": dict(zip(subject_names(plan), subjects.tolist(), strict=True)),
        "score": float(scores[best]),
        "mad": float(np.median(np.abs(subjects[:, best] - scores[best]))),
        "best_layer": {"site": ("attention", "layer")[best // N_LAYERS], "index": best % N_LAYERS},
    }


def writer(store: Store, plan: Plan) -> Writer:
    """Give a writer with the plan's own generator."""
    return Writer(store, plan, np.random.default_rng(plan.seed))


def build(store: Store, plan: Plan) -> Plan:
    """Write a whole study and give its plan back."""
    writer(store, plan).study()
    return plan


def winners(store: Store, plan: Plan, arms: Sequence[str]) -> dict[str, TrialRow]:
    """Each arm's winner on the selection part, found here without the code under test."""
    rows = [row for row in store.read_trials(plan.name) if row.kind == "nari" and row.part == "selection"]
    return {arm: max((r for r in rows if r.arm == arm), key=lambda r: (r.objective, -r.number)) for arm in arms}
