"""Trained weights stay within a study's budget, and the best of an arm is never deleted."""

import pytest

from brainalign.artifacts import Result, Store
from brainalign.search.kept_weights import keep_weights
from brainalign.search.ledger import Ledger
from brainalign.study import parse_study
from tests.artifacts.test_store import trial_row

N_BYTES = 2**20
MODEL = "tiny-random-llama"


def ledger(store: Store, objectives: list[float], weights_gib: float | None, objective: str | None = None) -> Ledger:
    """A study of trainings by the answers alone, each with a MiB of weights."""
    label = {"trials": 4, "sampler": "random", **({"objective": objective} if objective else {})}
    study = parse_study(
        {"name": "s", "models": [MODEL], "kinds": {"label": label}, "execution": {"weights_gib": weights_gib}}, "s"
    )
    rows = []
    for number, value in enumerate(objectives):
        store.write_result(Result(f"r{number}", "label", "label", {}, stands_on=(f"t{number}", "states")))
        folder = store.checkpoint_folder(f"t{number}")
        folder.mkdir(parents=True)
        (folder / "best.safetensors").write_bytes(bytes(N_BYTES))
        rows.append(trial_row(number, model=MODEL, kind="label", arm="label", result_key=f"r{number}", objective=value))
    return Ledger(study, rows)


def left(store: Store) -> list[str]:
    return sorted(path.name for path in store.checkpoints.iterdir())


@pytest.mark.parametrize(
    ("mib", "kept"), [(4, ["t0", "t1", "t2", "t3"]), (2.5, ["t1", "t3"]), (1, ["t3"]), (0.1, ["t3"])]
)
def test_the_worst_go_first_and_the_best_stays_whatever_the_budget(store: Store, mib: float, kept: list[str]) -> None:
    deleted = keep_weights(ledger(store, [0.1, 0.3, 0.2, 0.4], mib / 1024), store)
    assert left(store) == kept
    assert sorted((*deleted, *kept)) == ["t0", "t1", "t2", "t3"]


def test_without_a_budget_everything_stays(store: Store) -> None:
    assert keep_weights(ledger(store, [0.1, 0.3], None), store) == ()
    assert left(store) == ["t0", "t1"]


def test_where_less_is_better_the_least_stays(store: Store) -> None:
    keep_weights(ledger(store, [0.1, 0.3], 0.5 / 1024, objective="broken"), store)
    assert left(store) == ["t0"]


def test_weights_of_a_running_trial_and_of_another_study_are_left_alone(store: Store) -> None:
    found = ledger(store, [0.1, 0.3], 0.1 / 1024)
    (store.checkpoints / "running").mkdir()
    keep_weights(found, store)
    assert left(store) == ["running", "t1"]
