"""Read the public release: problems, answers and betas, aligned and cleaned."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from brainalign.betas.dataset import Betas, DataSource, choose_subjects, dataset_hash
from brainalign.betas.release_layout import ReleaseFiles
from brainalign.betas.release_tables import read_answers, read_items
from brainalign.errors import InputError
from brainalign.stimuli import Problem, ProblemSet, contradicts

_VARIABLE = "all_voxels"


def read_release(files: ReleaseFiles, subjects: int | Iterable[str] | None = None) -> tuple[ProblemSet, Betas]:
    """Read problems and betas.

    Problems whose premises contradict themselves are dropped, and so are voxel columns with NaN in any of the subjects.

    Parameters
    ----------
    files : ReleaseFiles
    subjects : int or iterable of str, optional
        Only these subjects are opened: the way round a broken file.

    Returns
    -------
    problems : ProblemSet
    betas : Betas
        Rows in the order of the problems.

    Raises
    ------
    InputError
        A file that cannot be read or has another shape, a subject without betas or without answers.
    """
    names = choose_subjects(files.subjects, subjects)
    items = read_items(files.items)
    kept = [row for row, problem in enumerate(items) if not contradicts(problem.premises)]
    dropped = [_why_dropped(problem) for row, problem in enumerate(items) if row not in set(kept)]
    problems = ProblemSet(tuple(items[row] for row in kept), "release")
    values: dict[str, dict[str, np.ndarray]] = {}
    for roi, paths in files.betas.items():
        raw = {name: _read_voxels(paths[name], len(items))[kept] for name in names}
        values[roi], reasons = _drop_columns(roi, raw, paths)
        dropped.extend(reasons)
    correct, remarks = _align_answers(read_answers(files.events), names, problems, files.events)
    description = f"public release of fMRI betas, {len(names)} subjects, {len(problems)} problems"
    content_hash = dataset_hash(problems, values, correct, names)
    source = DataSource("release", description, str(files.root), content_hash)
    return problems, Betas(problems.ids, names, values, correct, source, (*dropped, *remarks))


def _why_dropped(problem: Problem) -> str:
    return f"problem {problem.stimulus_id}: its premises contradict themselves ({'; '.join(problem.premises)})"


def _read_voxels(path: Path, n_rows: int) -> np.ndarray:
    """Betas of one subject and ROI, float32 (n_rows, n_voxels)."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        contents = loadmat(path, variable_names=[_VARIABLE])
    except (OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, zlib.error, MatReadError) as error:
        raise InputError(f"expected a MATLAB file (version 5) in {path}, found {error}: restore the file") from error
    array = contents.get(_VARIABLE)
    if array is None:
        raise InputError(f"expected the variable {_VARIABLE} in {path}, found none: restore the release's file")
    if array.ndim != 2 or array.shape[0] != n_rows or array.shape[1] == 0 or array.dtype.kind != "f":
        raise InputError(
            f"expected {_VARIABLE} as float ({n_rows}, n voxels), one row a problem of task_items.pkl, found "
            f"{array.dtype} {array.shape} in {path}: restore the file, or leave the subject out with --subjects"
        )
    if not np.isfinite(array).any():
        raise InputError(
            f"expected betas in {path}, found NaN only: leave the subject out with --subjects, or remove its files"
        )
    return np.asarray(array, dtype=np.float32)


def _drop_columns(
    roi: str, raw: Mapping[str, np.ndarray], paths: Mapping[str, Path]
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Drop the columns that hold NaN (or infinity) in any subject; columns are the same voxels in all subjects."""
    first, *others = raw
    n_voxels = raw[first].shape[1]
    for subject in others:
        if raw[subject].shape[1] != n_voxels:
            raise InputError(
                f"expected {n_voxels} voxels of {roi} as in {first}, found {raw[subject].shape[1]} in "
                f"{paths[subject]}: restore the file, or leave the subject out with --subjects"
            )
    broken = {subject: ~np.isfinite(array).all(axis=0) for subject, array in raw.items()}
    keep = ~np.any(list(broken.values()), axis=0)
    if not keep.any():
        worst = max(broken, key=lambda subject: int(broken[subject].sum()))
        raise InputError(
            f"expected voxels of {roi} without NaN in every subject, found none left ({int(broken[worst].sum())} of "
            f"{n_voxels} hold NaN in {paths[worst]}): leave {worst} out with --subjects"
        )
    guilty = [subject for subject, columns in broken.items() if columns.any()]
    n_dropped = int((~keep).sum())
    reasons = [f"{roi}: {n_dropped} of {n_voxels} voxels hold NaN in {', '.join(guilty)}"] if n_dropped else []
    return {subject: np.ascontiguousarray(array[:, keep]) for subject, array in raw.items()}, reasons


def _align_answers(
    answers: Mapping[str, Mapping[str, bool]], subjects: Sequence[str], problems: ProblemSet, path: Path
) -> tuple[np.ndarray, list[str]]:
    """Answers as bool (n_subjects, n_problems), matched by stimulus id, with remarks on what was not recorded."""
    missing = [subject for subject in subjects if not set(answers.get(subject, ())) & set(problems.ids)]
    if missing:
        raise InputError(
            f"expected answers of {', '.join(missing)} in {path}, found none: leave them out with --subjects"
        )
    remarks = []
    for subject in subjects:
        n_unrecorded = len(set(problems.ids) - set(answers[subject]))
        if n_unrecorded:
            remarks.append(f"{subject}: {n_unrecorded} problems without a recorded answer count as not solved")
    correct = [[answers[subject].get(name, False) for name in problems.ids] for subject in subjects]
    return np.array(correct, dtype=bool), remarks
