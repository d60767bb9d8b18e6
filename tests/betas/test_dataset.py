"""Data sets: aligned by stimulus id or refused, and selections that keep rows and names together."""

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest

from brainalign.betas import Betas, FmriDataset, SimulatorConfig, simulate_dataset
from brainalign.errors import InputError


@pytest.fixture(scope="module")
def dataset() -> FmriDataset:
    return simulate_dataset(SimulatorConfig(n_subjects=3, n_problems_per_type=8))


def test_selection_keeps_rows_answers_and_names_together(dataset: FmriDataset) -> None:
    ids = dataset.problems.ids[5:1:-1]
    part = dataset.select(["sim-03", "sim-01"], ids)
    assert part.problems.ids == part.betas.stimulus_ids == ids
    assert part.betas.subjects == ("sim-03", "sim-01")
    np.testing.assert_array_equal(part.betas.values["md"]["sim-03"], dataset.betas.values["md"]["sim-03"][5:1:-1])
    np.testing.assert_array_equal(part.betas.correct, dataset.betas.correct[[2, 0]][:, 5:1:-1])
    assert part.source == dataset.source


def test_selection_by_number_takes_the_first(dataset: FmriDataset) -> None:
    assert dataset.select(2).betas.subjects == ("sim-01", "sim-02")
    assert dataset.select().betas.subjects == dataset.betas.subjects


@pytest.mark.parametrize(("subjects", "ids"), [(7, None), (["sub-1001"], None), (None, ["syl-0"])])
def test_what_is_not_there_cannot_be_selected(dataset: FmriDataset, subjects: object, ids: object) -> None:
    with pytest.raises(InputError, match="expected"):
        dataset.select(subjects, ids)  # type: ignore[arg-type]


def test_rows_that_are_not_aligned_are_refused(dataset: FmriDataset) -> None:
    betas = dataset.betas
    with pytest.raises(InputError, match=r"align them with Betas\.select"):
        dataclasses.replace(dataset, betas=betas.select(stimulus_ids=betas.stimulus_ids[::-1]))
    with pytest.raises(InputError, match="answers as bool"):
        dataclasses.replace(betas, correct=betas.correct[:, 1:])
    with pytest.raises(InputError, match="use one order"):
        Betas(betas.stimulus_ids, betas.subjects[::-1], betas.values, betas.correct, betas.source)
    short = {"md": {name: array[1:] for name, array in betas.values["md"].items()}}
    with pytest.raises(InputError, match="16 rows"):
        dataclasses.replace(betas, values=short)


def test_data_sets_travel_to_workers(dataset: FmriDataset) -> None:
    again = pickle.loads(pickle.dumps(dataset))
    assert again.problems == dataset.problems
    assert again.wording == dataset.wording
    np.testing.assert_array_equal(again.betas.values["md"]["sim-01"], dataset.betas.values["md"]["sim-01"])


def test_importing_betas_and_stimuli_loads_nothing_heavy() -> None:
    code = (
        "import sys, brainalign.stimuli, brainalign.betas; "
        "print([m for m in ('scipy', 'pandas', 'torch', 'sklearn', 'ray', 'transformers', 'pooch', 'requests') "
        "if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
