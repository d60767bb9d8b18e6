"""A forecast is written once, cannot be changed unseen, and is scored by when it came."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from brainalign.artifacts import Store
from brainalign.errors import InputError, StudyError
from brainalign.reports.scaling.forecasts import Scored, freeze, scored
from brainalign.reports.scaling.page import find
from brainalign.statistics.scaling import crps

from ..synthetic import Plan
from .family import SIZES, Family, add_models, build

SMALLER = tuple(name for name in SIZES if name != "nano-llama-7.4m")
TARGET = "nano-llama-7.4m"
FAMILY = Family(run=SMALLER, n_trials=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family without its largest model; tests write to copies of it."""
    store = Store(tmp_path_factory.mktemp("smaller"))
    build(store, FAMILY)
    return store.root


@pytest.fixture
def smaller(built: Path, tmp_path: Path) -> Store:
    return Store(copytree(built, tmp_path / "copy"))


def later() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")


def run_target(store: Store, started_at: str) -> None:
    for seed in range(FAMILY.n_seeds):
        plan = Plan(name=f"family-seed{seed}", n_subjects=FAMILY.n_subjects, n_problems=FAMILY.n_problems)
        add_models(store, replace(FAMILY, started_at=started_at), plan, (TARGET,), seed)


def scores(store: Store) -> list[Scored]:
    return find(store, ["family"]).scored


def test_what_was_frozen_first_is_scored_against_what_came(smaller: Store) -> None:
    frozen = freeze(smaller, ["family"])
    assert frozen.models == (TARGET,)
    assert frozen.n_known == 0
    assert all(item.where == "not run yet" and item.frozen.startswith("no result yet") for item in scores(smaller))
    run_target(smaller, later())
    found = scores(smaller)
    assert len(found) == frozen.n_figures
    assert {item.model for item in found} == {TARGET}
    assert all(item.frozen.startswith("before the results") for item in found)
    content = json.loads(Path(frozen.path).read_text())
    curves = {curve.name: curve for curve in find(smaller, ["family"]).curves}
    for item, figure in zip(found, content["figures"], strict=True):
        assert item.crps == pytest.approx(crps(figure["points"], item.outcome))
        assert item.where == ("inside" if figure["low"] <= item.outcome <= figure["high"] else "outside")
        if item.place in curves:
            assert item.outcome == curves[item.place].points[-1].estimate.estimate
    assert np.mean([item.where == "inside" for item in found]) > 0.6


def test_freezing_after_the_run_is_told(smaller: Store) -> None:
    run_target(smaller, "2026-01-01T00:00:00+00:00")
    with pytest.raises(InputError, match="found results of all"):
        freeze(smaller, ["family"])
    frozen = freeze(smaller, ["family"], [TARGET])
    assert frozen.n_known > 0
    assert all(item.frozen.startswith("AFTER results were there") for item in scores(smaller))


def test_results_that_were_known_count_as_earlier_whatever_their_rows_say(smaller: Store) -> None:
    run_target(smaller, later())
    freeze(smaller, ["family"], [TARGET])
    assert all(item.frozen.startswith("AFTER") for item in scores(smaller))


def test_a_forecast_is_written_once(smaller: Store) -> None:
    first = Path(freeze(smaller, ["family"]).path)
    before = first.read_bytes()
    with pytest.raises(StudyError, match="it is written once"):
        freeze(smaller, ["family"])
    assert first.read_bytes() == before
    assert not [path for path in first.parent.iterdir() if path != first]
    other = freeze(smaller, ["family"], name="second")
    assert Path(other.path).name == "second.json"


def test_a_changed_forecast_does_not_count(smaller: Store) -> None:
    path = Path(freeze(smaller, ["family"]).path)
    content = json.loads(path.read_text())
    content["figures"][0]["low"] = -1.0
    path.chmod(0o644)
    path.write_text(json.dumps(content))
    assert {item.frozen for item in scores(smaller)} == {"CHANGED after it was frozen"}
    path.write_text("{")
    with pytest.raises(StudyError, match="expected a frozen forecast"):
        scored(smaller, [], [])


def test_two_sizes_foretell_nothing(store: Store) -> None:
    build(store, replace(FAMILY, run=("nano-llama-0.1m", "nano-qwen3-0.2m")))
    with pytest.raises(InputError, match="at least three sizes"):
        freeze(store, ["family"], [TARGET])
