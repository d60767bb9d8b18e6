"""What may change in a study that has finished trials, and what is said where something may not."""

from dataclasses import replace
from typing import Any

import pytest

from brainalign.artifacts import Store, TrialRow
from brainalign.errors import InputError, StudyError
from brainalign.search import run_study
from brainalign.search.ledger import Ledger, stored_study
from brainalign.search.preparation import begin, check_extends, prepare
from brainalign.search.status import study_status
from brainalign.search.suggestion import Suggester
from brainalign.study import Study, parse_study
from tests.search.test_ledger import SPACE, play

NARI: dict[str, Any] = {"arms": ["guided", "bias"], "trials": 4, "window": 2, "startup_trials": 1, "space": SPACE}


def study(nari: dict[str, Any] | None = None, **changes: Any) -> Study:
    raw: dict[str, Any] = {
        "name": "s",
        "models": ["tiny-random-llama"],
        "betas": {"source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 10}},
        "kinds": {"nari": {**NARI, **(nari or {})}},
    }
    return parse_study({**raw, **changes}, "study.yaml")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with a finished study whose trials were made up."""
    store = Store(tmp_path_factory.mktemp("begun"))
    ready = prepare(study(), store)
    begin(ready)
    for row in play(ready.study, 2, 0).values():
        store.write_trial(replace(row, study="s", result_key=None))
    return store


def manifest_of(changed: Study, begun: Store) -> dict[str, Any]:
    """The manifest that a changed study would have on the same data."""
    versions = dict.fromkeys(changed.kinds, 1)
    return {**begun.read_manifest("s"), "study": changed.model_dump(mode="json"), "versions": versions}


@pytest.mark.parametrize(
    "changes",
    [
        {"nari": {"trials": 9}},
        {"models": ["tiny-random-llama", "tiny-random-qwen2"]},
        {"kinds": {"nari": NARI, "predictivity": {"trials": 2}}},
        {"nari": {"arms": ["guided", "bias", "random_betas"]}},
        {"description": "other words", "execution": {"workers": 1}, "budget": {"trials": 7}},
        {"kinds": {"nari": NARI | {"objective": ["net_balanced_accuracy"]}}},
    ],
)
def test_a_study_may_grow(begun: Store, changes: dict[str, Any]) -> None:
    check_extends(begun, "s", manifest_of(study(**changes), begun))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"seeds": {"search": 5}}, r"seeds\.search"),
        ({"problems": {"selection_share": 0.4}}, r"problems\.selection_share"),
        ({"betas": {"source": "simulated", "subjects": 1}}, r"betas\."),
        ({"nari": {"sampler": "gp"}}, r"kinds\.nari\.sampler"),
        ({"nari": {"window": 3}}, r"kinds\.nari\.window"),
        ({"nari": {"reproducible": False}}, r"kinds\.nari\.reproducible"),
        ({"nari": {"objective": "net_accuracy"}}, r"kinds\.nari\.objective"),
        ({"nari": {"objective": ["net_balanced_accuracy", "broken"]}}, r"kinds\.nari\.objective"),
        ({"nari": {"constraints": {"invalid": {"at_most": 0.1}}}}, r"kinds\.nari\.constraints\.invalid"),
        ({"nari": {"enqueue": "release"}}, r"kinds\.nari\.enqueue"),
        ({"nari": {"space": {**SPACE, "alpha": 3}}}, r"kinds\.nari\.space\.alpha\.high"),
        ({"nari": {"trials": 3}}, r"kinds\.nari\.trials: trial 3 is done"),
        ({"nari": {"arms": ["guided"]}}, r"kinds\.nari\.arms: bias is gone"),
        ({"models": ["tiny-random-qwen2"]}, "models: tiny-random-llama is gone"),
        ({"kinds": {"predictivity": None}}, r"kinds\.nari"),
    ],
)
def test_what_finished_trials_stand_on_may_not_change(begun: Store, changes: dict[str, Any], key: str) -> None:
    before = {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()}
    with pytest.raises(StudyError, match=rf"changed: .*{key}.*--as NAME") as caught:
        check_extends(begun, "s", manifest_of(study(**changes), begun))
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in begun.root.rglob("*") if path.is_file()} == before


def test_a_grown_study_keeps_its_rows_its_name_in_mirrors_and_the_settings_it_would_have_had(
    begun: Store, tmp_path: Any
) -> None:
    import shutil

    store = Store(shutil.copytree(begun.root, tmp_path / "copy"))
    old, rows = store.read_manifest("s"), store.read_trials("s")
    ready = prepare(study({"trials": 7, "arms": ["guided", "bias", "random_betas"]}), store)
    begin(ready)
    grown = store.read_manifest("s")
    assert (grown["identity"], grown["uid"]) == (old["identity"], old["uid"])
    assert stored_study(store, "s").n_trials("nari") == 7
    assert store.read_trials("s") == rows
    status = study_status(store, "s")
    assert {branch["branch"].split("/")[2]: branch["n_done"] for branch in status["branches"]} == {
        "guided": 4,
        "bias": 4,
        "random_betas": 0,
    }

    def settings(found: dict) -> dict[str, Any]:
        return {str(place): dict(row.setting) for place, row in found.items() if place.part == "selection"}

    selection: list[TrialRow] = [row for row in rows if row.part == "selection"]
    assert settings(play(ready.study, 2, 1, tuple(selection))) == settings(play(ready.study, 1, 0))
    begin(prepare(ready.study.model_copy(update={"execution": ready.study.execution}), store))
    assert store.read_manifest("s") == grown


def test_failed_trials_are_tried_again_with_their_settings(begun: Store) -> None:
    rows = begun.read_trials("s")
    old = next(row for row in rows if (row.part, row.arm, row.number) == ("selection", "guided", 1))
    failed = replace(old, state="FAILED", objective=None)
    ledger = Ledger(study(), [row for row in rows if row != old], again=[failed])
    place = ledger.next_place()
    assert place is not None
    assert (place.number, place.branch.arm) == (1, "guided")
    assert ledger.setting(place.branch, 1) == failed.setting
    assert Suggester(ledger).suggest(place) == dict(failed.setting)


HCP = {"dataset": "hcp", "source": "simulated", "simulator": {"n_subjects": 2, "n_problems_per_type": 36}}


@pytest.mark.parametrize(
    ("kind", "space", "message"),
    [
        ("nari", {"roi": ["md", "language"]}, "kinds.nari: roi: expected one of md, which the data set hcp has"),
        ("predictivity", {"subset": ["transitive"]}, "subset: expected one of all, relational, .* found 'transitive'"),
    ],
)
def test_regions_and_types_that_the_data_lack_start_nothing(
    store: Store, kind: str, space: dict[str, list[str]], message: str
) -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "betas": HCP, "kinds": {kind: {"space": space}}}
    with pytest.raises(InputError, match=message):
        run_study(parse_study(raw, "s"), store=store)
    assert store.studies() == []


def test_the_manifest_says_what_problems_and_voxels_there_are(store: Store) -> None:
    raw = {"name": "s", "models": ["tiny-random-llama"], "betas": HCP, "kinds": {"nari": {}}}
    ready = prepare(parse_study(raw, "s"), store)
    begin(ready)
    data = store.read_manifest("s")["data"]
    assert data["problem_types"] == {"relational": 36}
    assert data["n_voxels"] == {"md": {"sim-01": 200, "sim-02": 199}}
    assert data["wording_hash"] == ready.dataset.wording.hash_of(["relational"])
