"""The reader of HCP relational processing: on the real files, and on a made-up folder whose every value is known."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from brainalign.betas import FmriDataset, describe, load_betas
from brainalign.betas.conversion import load_release
from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli import decide, split_problems

from . import synthetic_hcp as made
from . import synthetic_release


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made.write_hcp(tmp_path / "release")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def real(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FmriDataset:
    if not (release_folder / "hcp_fmri_results").is_dir():
        pytest.skip("needs the HCP betas: fetch the release again with `brainalign data fetch`")
    return load_release(release_folder, tmp_path_factory.mktemp("cache"), dataset="hcp")


# The real files ------------------------------------------------------------------------------------------------------


def test_real_data_have_the_published_sizes(real: FmriDataset) -> None:
    assert len(real.betas.subjects) == 20
    assert list(real.betas.values) == ["md"]
    assert (len(real.problems), int(real.problems.labels.sum())) == (47, 21)
    # Three lists: 24 stimuli, or 24 trials with one stimulus shown twice.
    lists = {seen.tobytes(): int(seen.sum()) for seen in real.betas.seen}
    assert sorted(lists.values()) == [23, 23, 24]
    assert all(decide(problem) == problem.label for problem in real.problems)
    split = split_problems(real.problems)
    assert abs(len(split.selection) - len(split.report)) <= 2


def test_real_rows_and_answers_are_those_of_the_files(real: FmriDataset, release_folder: Path) -> None:
    from scipy.io import loadmat

    named = {}
    for line in (release_folder / "stimuli_mapping_final.jsonl").read_text().splitlines():
        item = json.loads(line)
        if item["n_objects"] == 4:
            named[item["stimulus_file"]] = item["positions"]["TopLeft"]
    (path,) = release_folder.glob("hcp_fmri_results/*/*/984472.mat")
    with path.with_name("984472_trialinfo.csv").open(newline="") as lines:
        trials = list(csv.DictReader(lines))
    betas, place = loadmat(path)["all_voxels"], real.betas.subjects.index("984472")
    assert len({row["Stimulus"] for row in trials}) == 24 == real.betas.seen[place].sum()
    # Each row of the file stands where its pictures are: found again by the row itself, then told by the pictures.
    values = real.betas.values["md"]["984472"]
    for row, trial in zip(betas, trials, strict=True):
        (found,) = np.flatnonzero((values == row).all(axis=1))
        problem = real.problems[int(found)]
        assert problem.label == ("_YES_" in trial["Stimulus"])
        assert problem.category == trial["Stimulus"].partition(".")[0]
        assert real.betas.correct[place, found] == (trial["ACC"] == "1")
        shapes = ("circle", "cross", "triangle", "square", "star", "hexagon")
        assert f"shape is {shapes[named[trial['Stimulus']]['shape_id'] - 1]}" in problem.premises[0]


def test_real_wording_is_the_experiments_own(real: FmriDataset, release_folder: Path) -> None:
    if not (release_folder / "prompts.json").is_file():
        pytest.skip("a download of the release has no prompts.json")
    texts = json.loads((release_folder / "prompts.json").read_text())["hcp_relational"]
    task, answer, body = real.wording.messages(real.problems[0])
    assert (task["content"], answer["content"]) == (texts["instruction"], texts["acknowledgement"])
    lines = [f"{place}. {sentence}" for place, sentence in enumerate(real.problems[0].premises, start=1)]
    assert body["content"] == ".\n".join(lines) + texts["question"]


# A folder whose every value is known ---------------------------------------------------------------------------------


def test_one_row_a_stimulus_the_mean_of_its_trials_and_nan_without_one(folder: Path, cache: Path) -> None:
    dataset = load_release(folder, cache, dataset="hcp")
    betas = dataset.betas
    assert betas.subjects == ("100001", "100002")
    assert [problem.category for problem in dataset.problems] == [
        name.partition(".")[0] for name in list(made.STIMULI)[:6] if "SHA.3" not in name
    ]
    first, second = (betas.values["md"][name] for name in ("100002", "100001"))
    raw = made.voxels("100002")
    np.testing.assert_array_equal(first[1:4], raw[1:4])
    np.testing.assert_allclose(first[0], (raw[0].astype(float) + raw[4]) / 2, rtol=1e-6)
    assert np.isnan(first[4:]).all()
    other = made.voxels("100001")
    np.testing.assert_allclose(second[0], (other[0].astype(float) + other[1]) / 2, rtol=1e-6)  # the same pictures
    assert np.isnan(second[1]).all()
    np.testing.assert_array_equal(second[2:], other[2:])
    np.testing.assert_array_equal(betas.seen, [[1, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    # Solved only where every trial was, and never without a trial.
    np.testing.assert_array_equal(betas.correct, [[1, 0, 0, 1, 0, 1], [0, 1, 1, 1, 0, 0]])
    assert betas.n_voxels == {"md": {"100001": 4, "100002": 6}}
    assert betas.dropped[1] == "100002: 1 of 4 stimuli shown again, their betas are the mean of the trials"


def test_subjects_alone_have_their_own_problems_read_or_selected(folder: Path, cache: Path) -> None:
    whole, alone = (load_release(folder, cache, subjects, "hcp") for subjects in (None, ["100002"]))
    assert len(alone.problems) == 4
    assert whole.select(["100002"]).problems.ids == alone.problems.ids
    assert whole.select(stimulus_ids=whole.problems.ids).problems == whole.problems
    with pytest.raises(InputError, match="expected subjects among 100001, 100002, found 7: "):
        load_release(folder, cache, ["7"], "hcp")


def test_columns_with_nan_go_in_their_own_subject_alone(folder: Path, cache: Path) -> None:
    values = made.voxels("100002")
    values[2, 1] = np.nan
    made.write_voxels(folder, "100002", values)
    dataset = load_release(folder, cache, dataset="hcp")
    assert dataset.betas.n_voxels == {"md": {"100001": 4, "100002": 5}}
    assert "md: 1 of 6 voxels hold NaN in 100002" in dataset.betas.dropped
    np.testing.assert_array_equal(dataset.betas.values["md"]["100002"][1], np.delete(values[1], 1))


def test_the_conversion_is_found_again_whole_and_apart_from_the_other_data(folder: Path, cache: Path) -> None:
    first, again = (load_release(folder, cache, dataset="hcp") for _ in range(2))
    assert (again.problems, again.source, again.betas.dropped) == (first.problems, first.source, first.betas.dropped)
    np.testing.assert_array_equal(again.betas.values["md"]["100001"], first.betas.values["md"]["100001"])
    assert len(list(cache.rglob("*.safetensors"))) == 1
    deductive = load_release(folder, cache)
    assert deductive.betas.subjects == synthetic_release.SUBJECTS
    assert len(list(cache.rglob("*.safetensors"))) == 2
    moved = load_release(made.write_hcp(folder.parent / "elsewhere"), cache, dataset="hcp")
    assert moved.source.content_hash == first.source.content_hash


def test_texts_come_from_the_script_and_their_hash_is_the_data_sets(folder: Path, cache: Path) -> None:
    dataset = load_release(folder, cache, dataset="hcp")
    task, answer, body = dataset.wording.messages(dataset.problems[0])
    assert task["content"].endswith("Say if the shapes or the textures differ. ")
    assert answer["content"].startswith("Understood")
    assert body["content"].endswith(
        "4. Image D: shape is square; texture is angular_ticks.\nDo C and D differ as A and B (in shape or texture)?"
    )
    assert dataset.wording_hash == dataset.wording.hash_of(["relational"])
    assert load_release(folder, cache).wording_hash == dataset.wording.content_hash
    (folder / "hcp_get_activations.py").unlink()
    with pytest.raises(InputError, match="'relational' in the release wording"):
        load_release(folder, cache, dataset="hcp")


def test_description_counts_the_trials_that_there_were(folder: Path, cache: Path) -> None:
    facts = describe(load_release(folder, cache, dataset="hcp"))
    assert facts["labels"] == {"relational": {"true": 3, "false": 3}}
    one, two = facts["subjects"]
    assert (one["n_problems"], one["n_correct"], one["accuracy"]) == (5, 3, pytest.approx(3 / 5))
    assert (two["n_problems"], two["accuracy_by_type"]) == (4, {"relational": pytest.approx(3 / 4)})


def test_one_folder_gives_either_data_set(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert load_betas(folder, dataset="hcp", subjects=1).betas.subjects == ("100001",)
    assert load_betas(folder, subjects=1).betas.subjects == ("sub-01",)
    assert load_betas(dataset="hcp", fallback_simulated=True).betas.seen.mean() < 1
    with pytest.raises(InputError, match=r"data set of deductive, hcp, found 'hpc'"):
        load_betas(folder, dataset="hpc")  # type: ignore[arg-type]


# Broken input --------------------------------------------------------------------------------------------------------


def test_missing_files_are_named(folder: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no-such"):
        load_release(tmp_path / "no-such", cache, dataset="hcp")
    with pytest.raises(InputError, match=r"stimuli_mapping_final\.jsonl.*brainalign data fetch"):
        load_release(synthetic_release.write_release(tmp_path / "old"), cache, dataset="hcp")
    made.trials_path(folder, "100002").unlink()
    with pytest.raises(InputError, match=r"100002_trialinfo\.csv beside"):
        load_release(folder, cache, dataset="hcp")
    twice = folder / "hcp_fmri_results" / "stimdurMeanRT" / "90+"
    twice.mkdir()
    made.voxel_path(folder, "100001").rename(twice / "100002.mat")
    with pytest.raises(InputError, match="each subject once"):
        load_release(folder, cache, dataset="hcp")


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        ([("int_unknown_YES.1.bmp", 1)] * 5, r"found 'int_unknown_YES\.1\.bmp'.*line 2.*--subjects"),
        ([(made.FIRST, 1)] * 4, r"float \(4, n voxels\), one row a row of 100002_trialinfo\.csv.*\(5, 6\)"),
        ([(made.FIRST, 7)] * 5, "True or False in the field 'ACC'"),
    ],
)
def test_trials_that_do_not_fit_are_named_and_others_still_load(
    folder: Path, cache: Path, trials: list[tuple[str, int]], message: str
) -> None:
    made.write_trials(folder, "100002", trials)
    with pytest.raises(InputError, match=message):
        load_release(folder, cache, dataset="hcp")
    assert load_release(folder, cache, ["100001"], "hcp").betas.subjects == ("100001",)


def test_a_stimulus_named_by_another_answer_than_its_pictures_have_is_refused(folder: Path, cache: Path) -> None:
    path = folder / "stimuli_mapping_final.jsonl"
    path.write_text(path.read_text().replace("int_x_NO_SHA.2", "int_x_YES_SHA.9"))
    with pytest.raises(InputError, match="named by the answer that its pictures have"):
        load_release(folder, cache, dataset="hcp")
