"""Which studies a name stands for, and what is said of gaps."""

from dataclasses import replace

import pytest

from brainalign.artifacts import Store
from brainalign.errors import InputError, StudyError
from brainalign.reports.scaling.studies import gaps, read_studies, study_names

from .conftest import Reported
from .family import Family, build


def test_a_name_stands_for_its_seeds_in_their_order(store: Store) -> None:
    build(store, Family(n_seeds=11, run=()))
    assert study_names(store, "family") == [f"family-seed{k}" for k in range(11)]
    assert study_names(store, "family-seed3") == ["family-seed3"]
    with pytest.raises(StudyError, match="expected study 'absent'"):
        read_studies(store, ["absent"])


def test_studies_of_other_data_make_no_common_curve(store: Store) -> None:
    build(store, Family(run=()))
    other = store.read_manifest("family-seed1")
    store.write_manifest("family-seed1", {**other, "data": {**other["data"], "content_hash": "another"}})
    with pytest.raises(InputError, match="another data in family-seed1"):
        read_studies(store, ["family"])


def test_a_store_of_another_version_is_refused(store: Store) -> None:
    build(store, Family(run=()))
    store.write_manifest("family-seed0", {**store.read_manifest("family-seed0"), "schema_version": 0})
    with pytest.raises(StudyError, match="expected schema version 1"):
        read_studies(store, ["family"])


def test_one_size_is_no_curve(store: Store) -> None:
    build(store, Family(models=("nano-llama-0.1m",), run=("nano-llama-0.1m",), n_seeds=1))
    told = gaps(read_studies(store, ["family"]))
    assert any("All models have one size (nano-llama-0.1m): there is no curve" in line for line in told)
    assert any(line.startswith("One seed") for line in told)


def test_a_finished_family_has_no_gaps(reported: Reported) -> None:
    assert gaps(reported.found.studies) == []


def test_missing_controls_and_seeds_are_named(store: Store) -> None:
    family = Family(run=("nano-llama-0.1m", "nano-llama-0.4m"), n_trials=1)
    build(store, family)
    rows = store.read_trials("family-seed1")
    lost = next(r for r in rows if (r.model, r.arm, r.part) == ("nano-llama-0.1m", "bias", "report"))
    store.write_trial(replace(lost, state="FAILED", objective=None, result_key=None, error="lost"))
    gone = next(r for r in rows if (r.model, r.arm, r.part) == ("nano-llama-0.4m", "guided", "report"))
    store.write_trial(replace(gone, state="FAILED", objective=None, result_key=None, error="lost"))
    told = gaps(read_studies(store, ["family"]))
    assert "nari on nano-llama-0.1m in family-seed1 lacks its control bias on the report part." in told
    assert any("family-seed1 has no figure of nari for nano-llama-0.4m" in line for line in told)
    assert any("family-seed0 is not finished" in line for line in told)


def test_a_method_without_any_control_is_named(store: Store) -> None:
    build(store, Family(arms=("guided",), n_seeds=1, n_trials=1, run=("nano-llama-0.1m",)))
    told = gaps(read_studies(store, ["family"]))
    assert any("nari on nano-llama-0.1m in family ran without a control." in line for line in told)
