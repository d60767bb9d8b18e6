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


class TestSubjectsWhoSawOtherProblems:
    """Data of the HCP shape: lists of their own, voxels of their own."""

    @pytest.fixture(scope="class")
    def ragged(self) -> FmriDataset:
        return simulate_dataset(SimulatorConfig(dataset="hcp", n_subjects=4, n_problems_per_type=36))

    def test_rows_without_a_trial_are_nan_and_not_solved(self, ragged: FmriDataset) -> None:
        seen = ragged.betas.seen
        assert seen.sum(axis=1).tolist() == [24, 24, 24, 24]
        assert seen[:2].all(axis=0).sum() == 12
        assert not (ragged.betas.correct & ~seen).any()
        for place, array in enumerate(ragged.betas.values["md"].values()):
            np.testing.assert_array_equal(np.isfinite(array), np.repeat(seen[place][:, None], array.shape[1], axis=1))
        assert ragged.types == ("relational",)
        assert ragged.betas.n_voxels == {"md": dict(zip(ragged.betas.subjects, (200, 199, 198, 200), strict=True))}

    def test_subjects_come_with_the_problems_that_one_of_them_saw(self, ragged: FmriDataset) -> None:
        one = ragged.select(1)
        assert len(one.problems) == 24
        assert one.betas.seen.all()
        assert len(ragged.select(2).problems) == 36
        assert one.problems.labels.mean() == 0.5

    def test_half_a_row_another_region_and_answers_without_a_trial_are_refused(self, ragged: FmriDataset) -> None:
        betas = ragged.betas
        values = {name: array.copy() for name, array in betas.values["md"].items()}
        values["sim-01"][0, 3] = np.nan
        with pytest.raises(InputError, match="NaN as a whole"):
            dataclasses.replace(betas, values={"md": values})
        whole = {name: np.zeros_like(array) for name, array in values.items()}
        with pytest.raises(InputError, match="the same in all regions"):
            dataclasses.replace(betas, values={**betas.values, "language": whole})
        with pytest.raises(InputError, match="only where there was a trial"):
            dataclasses.replace(betas, correct=np.ones_like(betas.correct))


def test_a_wording_without_the_problems_texts_is_refused(dataset: FmriDataset) -> None:
    pictures = simulate_dataset(SimulatorConfig(dataset="hcp", n_subjects=1, n_problems_per_type=8))
    without = dataclasses.replace(pictures.wording, others={})
    with pytest.raises(InputError, match="'relational'"):
        dataclasses.replace(pictures, wording=without)
    assert dataclasses.replace(dataset, wording=without).wording_hash == dataset.wording_hash
