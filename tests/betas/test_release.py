"""The release's reader: on the real files, and on a made-up folder whose every value is known."""

import collections
import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest

from brainalign.betas import ROIS, FmriDataset, describe
from brainalign.betas.conversion import load_release
from brainalign.errors import DataNotFoundError, InputError
from brainalign.stimuli import contradicts, entails, split_problems

from . import synthetic_release as made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made.write_release(tmp_path / "release")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def real(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FmriDataset:
    return load_release(release_folder, tmp_path_factory.mktemp("cache"))


# The real files ------------------------------------------------------------------------------------------------------


def test_real_release_has_the_published_sizes(real: FmriDataset) -> None:
    assert len(real.problems) == 70
    assert real.betas.subjects == tuple(
        f"sub-{n}" for n in (1001, 1004, 1008, 1014, 1017, 1019, 1022, 1027, 1030, 1034)
    )
    assert real.betas.n_voxels == {"deductive_reasoning": 313, "language": 1359, "md": 3082}
    for by_subject in real.betas.values.values():
        assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in by_subject.values())


def test_solver_drops_exactly_the_two_problems_that_contradict_themselves(
    real: FmriDataset, release_folder: Path
) -> None:
    import pandas as pd

    tables = pd.read_pickle(release_folder / "neuroimaging_info" / "task_items.pkl")
    rows = [row for run in sorted(tables) for row in tables[run].itertuples(index=False)]
    found = [place for place, row in enumerate(rows) if contradicts(row[:3])]
    assert found == [36 + 7, 36 + 13]  # as published: rows 7 and 13 of the first transitive run
    assert real.n_dropped_problems == 2
    kept = [row for place, row in enumerate(rows) if place not in found]
    for problem, row in zip(real.problems, kept, strict=True):
        assert [*problem.premises, problem.conclusion] == [sentence.strip() for sentence in row[:4]]
        assert problem.label == ("true" in row[4]) == entails(row[:3], row[3])


def test_real_labels_are_counted(real: FmriDataset) -> None:
    counts = collections.Counter(zip(real.problems.types.tolist(), real.problems.labels.tolist(), strict=True))
    assert counts == {
        ("syllogisms", True): 24,
        ("syllogisms", False): 12,
        ("transitive", True): 22,  # 24 before the two contradictory ones, both labelled True
        ("transitive", False): 12,
    }


def test_real_rows_and_answers_are_those_of_the_files(real: FmriDataset, release_folder: Path) -> None:
    import pandas as pd
    from scipy.io import loadmat

    keep = np.delete(np.arange(72), [43, 49])
    for roi in ROIS:
        (path,) = release_folder.glob(f"fmri_data/*/*/all_extracted_beta_{roi}/sub-1022/sub-1022.mat")
        np.testing.assert_array_equal(real.betas.values[roi]["sub-1022"], loadmat(path)["all_voxels"][keep])
    events = pd.read_pickle(release_folder / "neuroimaging_info" / "events.pkl")
    for subject, row in zip(real.betas.subjects, real.betas.correct, strict=True):
        # In the release the tables happen to be in the items' order, so a plain stack is an independent reading.
        stacked = np.concatenate([events[subject][run]["accuracy"].to_numpy() for run in sorted(events[subject])])
        np.testing.assert_array_equal(row, stacked[keep] == 1)


def test_real_problems_split_in_halves(real: FmriDataset) -> None:
    split = split_problems(real.problems)
    assert abs(len(split.selection) - len(split.report)) <= 2


def test_real_release_loads_within_a_second_after_conversion(release_folder: Path, tmp_path: Path) -> None:
    first = load_release(release_folder, tmp_path)
    start = time.perf_counter()
    again = load_release(release_folder, tmp_path)
    assert time.perf_counter() - start < 1.0
    assert again.problems == first.problems
    assert again.source == first.source


# A folder whose every value is known ---------------------------------------------------------------------------------


def test_rows_columns_and_answers_are_aligned_by_stimulus_id(folder: Path, cache: Path) -> None:
    dataset = load_release(folder, cache)
    keep = np.delete(np.arange(16), made.CYCLE_ROW)
    assert dataset.betas.subjects == made.SUBJECTS
    assert dataset.wording.source == "release"
    rows = [row for rows in made.item_rows().values() for row in rows]
    assert [p.conclusion for p in dataset.problems] == [rows[row][3].strip() for row in keep]
    for roi in ROIS:
        for subject in made.SUBJECTS:
            np.testing.assert_array_equal(dataset.betas.values[roi][subject], made.voxels(roi, subject)[keep])
    for subject, found in zip(made.SUBJECTS, dataset.betas.correct, strict=True):
        np.testing.assert_array_equal(found, made.answers(subject)[keep] == 1)  # NaN is not right


def test_columns_with_nan_in_any_subject_are_dropped_in_all_and_named(folder: Path, cache: Path) -> None:
    for subject, column in (("sub-02", 1), ("sub-03", 4)):
        values = made.voxels("language", subject)
        values[3, column] = np.nan
        made.write_voxels(folder, "language", subject, values)
    dataset = load_release(folder, cache)
    assert dataset.betas.n_voxels == {"deductive_reasoning": 5, "language": 5, "md": 9}
    keep = np.delete(np.arange(16), made.CYCLE_ROW)
    expected = np.delete(made.voxels("language", "sub-01")[keep], [1, 4], axis=1)
    np.testing.assert_array_equal(dataset.betas.values["language"]["sub-01"], expected)
    assert "language: 2 of 7 voxels hold NaN in sub-02, sub-03" in dataset.betas.dropped


def test_conversion_is_found_again_and_made_anew_when_a_file_changes(folder: Path, cache: Path) -> None:
    first = load_release(folder, cache)
    n_files = len(list(cache.rglob("*.safetensors")))
    again = load_release(folder, cache)
    assert len(list(cache.rglob("*.safetensors"))) == n_files == 1
    assert (again.problems, again.source, again.betas.dropped) == (first.problems, first.source, first.betas.dropped)
    np.testing.assert_array_equal(again.betas.correct, first.betas.correct)
    changed = made.voxels("md", "sub-02") + 1
    made.write_voxels(folder, "md", "sub-02", changed)
    path = made.voxel_path(folder, "md", "sub-02")
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 10**9))
    other = load_release(folder, cache)
    assert other.source.content_hash != first.source.content_hash
    np.testing.assert_array_equal(
        other.betas.values["md"]["sub-02"], np.delete(changed, made.CYCLE_ROW, axis=0).astype(np.float32)
    )


def test_content_hash_does_not_depend_on_where_the_folder_stands(tmp_path: Path, cache: Path) -> None:
    hashes = {load_release(made.write_release(tmp_path / name), cache).source.content_hash for name in ("a", "b")}
    assert len(hashes) == 1


def test_a_damaged_or_unwritable_cache_is_no_obstacle(folder: Path, cache: Path, tmp_path: Path) -> None:
    first = load_release(folder, cache)
    (kept,) = cache.rglob("*.safetensors")
    kept.write_bytes(b"damaged")
    assert load_release(folder, cache).source == first.source
    assert load_release(folder, cache).source == first.source
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert load_release(folder, blocked / "cache").source == first.source


def test_few_subjects_are_loaded_by_number_or_by_name(folder: Path, cache: Path) -> None:
    assert load_release(folder, cache, 2).betas.subjects == ("sub-01", "sub-02")
    assert load_release(folder, cache, ["03", "sub-01"]).betas.subjects == ("sub-03", "sub-01")
    for wanted in (0, 4, ["sub-09"], [], ["sub-01", "01"]):
        with pytest.raises(InputError, match="sub-01"):
            load_release(folder, cache, wanted)


def test_description_counts_what_is_there(folder: Path, cache: Path) -> None:
    facts = describe(load_release(folder, cache))
    assert facts["source"] == "release"
    assert facts["simulated"] is False
    assert facts["n_problems"] == 15 == facts["n_true"] + facts["n_false"]
    assert facts["labels"]["syllogisms"] == {"true": 4, "false": 4}
    assert facts["n_dropped_problems"] == 1
    assert "contradict themselves" in facts["dropped"][0]
    keep = np.delete(np.arange(16), made.CYCLE_ROW)
    expected = (made.answers("sub-02")[keep] == 1).mean()
    assert facts["subjects"][1]["accuracy"] == pytest.approx(expected)


# Broken input --------------------------------------------------------------------------------------------------------


def test_missing_folder_and_missing_files_are_named(folder: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"no-such.*found nothing.*brainalign data fetch"):
        load_release(tmp_path / "no-such", cache)
    made.voxel_path(folder, "md", "sub-02").unlink()
    with pytest.raises(InputError, match="sub-02 in only one of deductive_reasoning and md"):
        load_release(folder, cache)
    (folder / "neuroimaging_info" / "events.pkl").unlink()
    with pytest.raises(InputError, match=r"events\.pkl.*only fmri_data"):
        load_release(folder, cache)


def test_an_roi_that_stands_there_twice_is_refused(folder: Path, cache: Path) -> None:
    other = folder / "fmri_data" / "preprocessed" / "top-20%" / "all_extracted_beta_md"
    other.mkdir(parents=True)
    with pytest.raises(InputError, match=r"one folder all_extracted_beta_md.*top-10%.*top-20%"):
        load_release(folder, cache)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((15, 5), np.float32), r"float \(16, n voxels\).*found float32 \(15, 5\).*sub-02\.mat"),
        (np.zeros((16, 4), np.float32), r"5 voxels of deductive_reasoning as in sub-01, found 4.*sub-02\.mat"),
        (np.zeros((16, 5), np.int32), r"found int32"),
        (np.full((16, 5), np.nan), r"found NaN only.*--subjects"),
    ],
)
def test_betas_of_another_shape_or_without_values_name_the_file(
    folder: Path, cache: Path, values: np.ndarray, message: str
) -> None:
    made.write_voxels(folder, "deductive_reasoning", "sub-02", values)
    with pytest.raises(InputError, match=message):
        load_release(folder, cache)
    # The way out that the message names works.
    assert load_release(folder, cache, ["sub-01", "sub-03"]).betas.subjects == ("sub-01", "sub-03")


def test_a_trial_without_any_value_leaves_no_voxel_and_names_the_subject(folder: Path, cache: Path) -> None:
    values = made.voxels("md", "sub-03")
    values[0] = np.nan
    made.write_voxels(folder, "md", "sub-03", values)
    with pytest.raises(InputError, match=r"none left \(9 of 9 hold NaN in .*sub-03\.mat\)"):
        load_release(folder, cache)


@pytest.mark.parametrize("content", [b"", b"no MATLAB file at all" * 20])
def test_a_file_that_is_no_matlab_file_is_named(folder: Path, cache: Path, content: bytes) -> None:
    made.voxel_path(folder, "md", "sub-01").write_bytes(content)
    with pytest.raises(InputError, match=r"MATLAB file .*sub-01\.mat"):
        load_release(folder, cache)


def test_a_truncated_matlab_file_is_named(folder: Path, cache: Path) -> None:
    path = made.voxel_path(folder, "md", "sub-01")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"sub-01\.mat"):
        load_release(folder, cache)


def test_pickles_cannot_run_code(folder: Path, cache: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(trace),)

    (folder / "neuroimaging_info" / "task_items.pkl").write_bytes(pickle.dumps({"run": Harmful()}))
    with pytest.raises(InputError, match=r"task_items\.pkl.*mkdir"):
        load_release(folder, cache)
    assert not trace.exists()


def test_tables_of_another_shape_are_named(folder: Path, cache: Path) -> None:
    rows = made.item_rows()
    for tables, message in (
        ([1, 2], "dict of tables"),
        ({"task-Modal_run-01": made.table(rows[made.RUNS[0]], made.COLUMNS)}, "Syllogisms or Transitive"),
        ({made.RUNS[0]: made.table([row[:4] for row in rows[made.RUNS[0]]], made.COLUMNS[:4])}, "no trial_type"),
    ):
        made.write_pickle(folder, "task_items.pkl", tables)
        with pytest.raises(InputError, match=message):
            load_release(folder, cache)


def test_a_label_that_logic_denies_is_refused(folder: Path, cache: Path) -> None:
    rows = made.item_rows()
    first = rows[made.RUNS[0]][0]
    first[4] = first[4].replace("true", "false")
    made.write_pickle(folder, "task_items.pkl", {run: made.table(found, made.COLUMNS) for run, found in rows.items()})
    with pytest.raises(InputError, match="trial_type to say whether the conclusion follows"):
        load_release(folder, cache)


def test_missing_answers_are_remarked_and_a_subject_without_any_is_refused(folder: Path, cache: Path) -> None:
    events = {subject: made.event_tables(subject) for subject in made.SUBJECTS}
    del events["sub-02"][made.RUNS[0]]
    made.write_pickle(folder, "events.pkl", events)
    dataset = load_release(folder, cache)
    assert "sub-02: 4 problems without a recorded answer count as not solved" in dataset.betas.dropped
    assert not dataset.betas.correct[1, :4].any()
    del events["sub-02"]
    made.write_pickle(folder, "events.pkl", events)
    with pytest.raises(InputError, match=r"answers of sub-02.*--subjects"):
        load_release(folder, cache)
