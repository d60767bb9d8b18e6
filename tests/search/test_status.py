"""How far a study is, with Pareto fronts and constraints that nothing meets."""

from dataclasses import replace
from pathlib import Path

from brainalign.artifacts import Store
from brainalign.search.status import study_status
from tests.search.test_ledger import make_study, play


def kept(store: Store, **section: object) -> dict:
    study = make_study(trials=6, **section)
    data = {"source": "simulated", "description": "made up"}
    store.write_manifest("s", {"study": study.model_dump(mode="json"), "data": data})
    for row in play(study, 2, 0).values():
        store.write_trial(replace(row, study="s"))
    return study_status(store, "s")


def guided(status: dict) -> dict:
    return next(branch for branch in status["branches"] if branch["branch"].endswith("/nari/guided"))


def test_one_objective_has_a_best_and_no_front(store: Store) -> None:
    status = kept(store)
    rows = [row for row in store.read_trials("s") if row.part == "selection"]
    assert (status["n_done"], status["n_total"]) == (3 + 2 * 7, 3 + 2 * 7)
    for branch in status["branches"]:
        own = [row.objective for row in rows if f"{row.model}/{row.kind}/{row.arm}" == branch["branch"]]
        assert branch["best"] == max(value for value in own if value is not None)
        assert branch["n_failed"] == own.count(None)
        assert "front" not in branch


def test_several_objectives_have_a_front(store: Store) -> None:
    status = kept(store, objective=["net_balanced_accuracy", "broken"])
    branch = guided(status)
    assert branch["front"][0]["objectives"]["net_balanced_accuracy"] == branch["best"]
    assert all(set(one) == {"number", "setting", "objectives", "feasible"} for one in branch["front"])


def test_constraints_that_no_trial_meets_are_named(tmp_path: Path) -> None:
    never = kept(Store(tmp_path / "a"), constraints={"invalid": {"at_most": 0.0}})
    assert guided(never)["missed"] == ["invalid at most 0"]
    always = kept(Store(tmp_path / "b"), constraints={"invalid": {"at_most": 1}})
    assert guided(always)["missed"] == []
