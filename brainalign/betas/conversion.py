"""Convert a release folder once; later loads read one safetensors file of the user cache."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from brainalign.artifacts import Store, content_key
from brainalign.betas.dataset import ROIS, Betas, DataSource, FmriDataset, choose_subjects
from brainalign.betas.release import read_release
from brainalign.betas.release_layout import ReleaseFiles, find_release_files
from brainalign.errors import StudyError
from brainalign.stimuli import Problem, ProblemSet, release_wording

VERSION = 1
_STAGE = "release-betas"
_log = logging.getLogger(__name__)


def load_release(folder: Path | str, cache: Path, subjects: int | Iterable[str] | None = None) -> FmriDataset:
    """Load the release from a folder, from the cache where it was converted before.

    Parameters
    ----------
    folder : Path or str
        Root of the release.
    cache : Path
        Where conversions are kept, found again by the names, sizes and times of the files.
    subjects : int or iterable of str, optional
        Only these subjects; no other file is opened.

    Raises
    ------
    InputError
        The folder is not what it must be.
    """
    files = find_release_files(folder)
    wording = release_wording(files.root)
    names = choose_subjects(files.subjects, subjects)
    key = content_key(_STAGE, VERSION, {"files": files.fingerprint(names), "subjects": list(names)})
    store = Store(cache)
    problems, betas, n_dropped = _recall(store, key, files) or _convert(store, key, files, names)
    return FmriDataset(problems, betas, wording, betas.source, n_dropped)


def _convert(store: Store, key: str, files: ReleaseFiles, names: tuple[str, ...]) -> tuple[ProblemSet, Betas, int]:
    problems, betas = read_release(files, names)
    n_dropped = sum(reason.startswith("problem ") for reason in betas.dropped)
    arrays = {f"{roi}/{name}": betas.values[roi][name] for roi in ROIS for name in names}
    metadata = {
        "problems": [asdict(problem) for problem in problems],
        "subjects": list(names),
        "description": betas.source.description,
        "content_hash": betas.source.content_hash,
        "dropped": list(betas.dropped),
        "n_dropped_problems": n_dropped,
    }
    try:
        store.save_arrays(_STAGE, key, {**arrays, "correct": betas.correct}, metadata)
    except StudyError as error:
        _log.warning("the converted betas cannot be kept, so they are converted each time: %s", error)
    return problems, betas, n_dropped


def _recall(store: Store, key: str, files: ReleaseFiles) -> tuple[ProblemSet, Betas, int] | None:
    try:
        arrays = store.load_arrays(_STAGE, key)
        facts = store.array_metadata(_STAGE, key)
    except StudyError as error:
        _log.warning("the converted betas are converted anew: %s", error)
        return None
    if arrays is None or facts is None:
        return None
    problems = ProblemSet(tuple(_problem(fields) for fields in facts["problems"]), "release")
    source = DataSource("release", facts["description"], str(files.root), facts["content_hash"])
    values: dict[str, dict[str, np.ndarray]] = {
        roi: {name: arrays[f"{roi}/{name}"] for name in facts["subjects"]} for roi in ROIS
    }
    betas = Betas(problems.ids, tuple(facts["subjects"]), values, arrays["correct"], source, tuple(facts["dropped"]))
    return problems, betas, int(facts["n_dropped_problems"])


def _problem(fields: dict[str, Any]) -> Problem:
    return Problem(**{**fields, "premises": tuple(fields["premises"])})
