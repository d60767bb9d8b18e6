"""Read the HCP relational processing data: stimuli, answers and betas, one row a stimulus.

Subjects saw different lists of stimuli, so the rows are all stimuli that one of them saw, NaN where a subject had no
trial. A stimulus that a subject saw twice is one row: a second row would let a fold be tested on what it was trained
on. Its betas are the mean of the trials, and it counts as solved where every trial was.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainalign.betas.dataset import HCP_ROIS, Betas, DataSource, choose_subjects, dataset_hash
from brainalign.betas.hcp_layout import HcpFiles
from brainalign.betas.voxels import drop_columns, read_voxels
from brainalign.errors import InputError
from brainalign.stimuli import Problem, ProblemSet, decide, read_records, scanner_picture_problem


@dataclass(frozen=True)
class _Subject:
    """Trials of one subject by stimulus id: rows of the betas and whether each answer was right."""

    rows: Mapping[str, list[int]]
    right: Mapping[str, list[bool]]
    n_trials: int


def read_hcp(files: HcpFiles, subjects: int | Iterable[str] | None = None) -> tuple[ProblemSet, Betas]:
    """Read problems and betas.

    Voxels were chosen in each subject by itself, so columns differ between subjects, and a column with NaN is dropped
    in its own subject alone.

    Parameters
    ----------
    files : HcpFiles
    subjects : int or iterable of str, optional
        Only these subjects are opened: the way round a broken file.

    Returns
    -------
    problems : ProblemSet
        Stimuli that one of the subjects saw, in the order of the stimulus file.
    betas : Betas
        Rows in the order of the problems.

    Raises
    ------
    InputError
        A file that cannot be read or has another shape, a trial whose stimulus is not described, or a stimulus whose
        name says another answer than its pictures.
    """
    names = choose_subjects(files.subjects, subjects)
    stimuli = _read_stimuli(files.stimuli)
    trials = {name: _read_trials(files.trials[name], stimuli) for name in names}
    seen = {stimulus_id for found in trials.values() for stimulus_id in found.rows}
    problems = ProblemSet(
        tuple({p.stimulus_id: p for p in stimuli.values() if p.stimulus_id in seen}.values()), "release"
    )
    (roi,) = HCP_ROIS
    values, remarks = {}, []
    for name in names:
        raw = {name: read_voxels(files.betas[name], trials[name].n_trials, files.trials[name].name)}
        kept, reasons = drop_columns(roi, raw, files.betas)
        values[name] = _by_stimulus(kept[name], trials[name], problems.ids)
        remarks += [*reasons, *_remarks(name, trials[name])]
    correct = np.array([[all(trials[name].right.get(i, [False])) for i in problems.ids] for name in names], dtype=bool)
    content_hash = dataset_hash(problems, {roi: values}, correct, names)
    description = f"HCP relational processing of the public release, {len(names)} subjects, {len(problems)} problems"
    source = DataSource("release", description, str(files.root), content_hash)
    return problems, Betas(problems.ids, names, {roi: values}, correct, source, tuple(remarks))


def _read_stimuli(path: Path) -> dict[str, Problem]:
    """Problems by the name of their stimulus file; some files show the same pictures and are one problem."""
    stimuli: dict[str, Problem] = {}
    first: dict[str, Problem] = {}
    for record in read_records(path):
        problem = scanner_picture_problem(record)
        if problem is None:
            continue
        if decide(problem) != problem.label:
            raise InputError(
                f"expected {record.text('stimulus_file')} to be named by the answer that its pictures have, found "
                f"{problem.premises} in {record.place}: correct the file"
            )
        stimuli[record.text("stimulus_file")] = first.setdefault(problem.stimulus_id, problem)
    return stimuli


def _read_trials(path: Path, stimuli: Mapping[str, Problem]) -> _Subject:
    rows: dict[str, list[int]] = defaultdict(list)
    right: dict[str, list[bool]] = defaultdict(list)
    records = read_records(path)
    for row, record in enumerate(records):
        name = record.text("Stimulus").strip().rpartition("/")[2]
        if name not in stimuli:
            raise InputError(
                f"expected a stimulus that stimuli_mapping_final.jsonl describes by four pictures, found {name!r} in "
                f"{record.place}: restore the file, or leave the subject out with --subjects"
            )
        stimulus_id = stimuli[name].stimulus_id
        rows[stimulus_id].append(row)
        right[stimulus_id].append(record.key("ACC"))
    return _Subject(dict(rows), dict(right), len(records))


def _by_stimulus(voxels: np.ndarray, trials: _Subject, ids: tuple[str, ...]) -> np.ndarray:
    """Mean over the trials of each stimulus, float32 (n_stimuli, n_voxels), NaN where there was none."""
    values = np.full((len(ids), voxels.shape[1]), np.nan, dtype=np.float32)
    for place, stimulus_id in enumerate(ids):
        rows = trials.rows.get(stimulus_id)
        if rows:
            values[place] = voxels[rows].mean(axis=0, dtype=np.float64)
    return values


def _remarks(name: str, trials: _Subject) -> list[str]:
    repeated = sum(len(rows) > 1 for rows in trials.rows.values())
    if not repeated:
        return []
    return [f"{name}: {repeated} of {len(trials.rows)} stimuli shown again, their betas are the mean of the trials"]
