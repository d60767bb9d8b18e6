"""Read the public release: problems, answers and betas, aligned and cleaned."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from brainalign.betas.dataset import Betas, DataSource, choose_subjects, dataset_hash
from brainalign.betas.release_layout import ReleaseFiles
from brainalign.betas.release_tables import read_answers, read_items
from brainalign.betas.voxels import drop_columns, read_voxels
from brainalign.errors import InputError
from brainalign.stimuli import Problem, ProblemSet, contradicts


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
        raw = {name: read_voxels(paths[name], len(items), files.items.name)[kept] for name in names}
        values[roi], reasons = drop_columns(roi, raw, paths)
        dropped.extend(reasons)
    correct, remarks = _align_answers(read_answers(files.events), names, problems, files.events)
    description = f"public release of fMRI betas, {len(names)} subjects, {len(problems)} problems"
    content_hash = dataset_hash(problems, values, correct, names)
    source = DataSource("release", description, str(files.root), content_hash)
    return problems, Betas(problems.ids, names, values, correct, source, (*dropped, *remarks))


def _why_dropped(problem: Problem) -> str:
    return f"problem {problem.stimulus_id}: its premises contradict themselves ({'; '.join(problem.premises)})"


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
