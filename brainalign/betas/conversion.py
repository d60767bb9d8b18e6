"""Convert a release folder once; later loads read one safetensors file of the user cache."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from brainalign.artifacts import Store, content_key
from brainalign.betas.dataset import Betas, DatasetName, DataSource, FmriDataset, choose_subjects
from brainalign.betas.hcp import read_hcp
from brainalign.betas.hcp_layout import find_hcp_files
from brainalign.betas.release import read_release
from brainalign.betas.release_layout import find_release_files
from brainalign.errors import StudyError
from brainalign.stimuli import Problem, ProblemSet, release_wording

VERSION = 2
_STAGE = "release-betas"
_log = logging.getLogger(__name__)


class DatasetFiles(Protocol):
    """Files of one data set in a release folder."""

    @property
    def root(self) -> Path:
        """Release folder."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects with betas."""

    def paths(self, subjects: tuple[str, ...]) -> list[Path]:
        """Files that these subjects need."""

    def fingerprint(self, subjects: tuple[str, ...]) -> list[list[str | int]]:
        """Tell what a conversion depends on."""


@dataclass(frozen=True)
class _Format:
    """How the files of a data set are found and read."""

    find: Callable[[Path | str], Any]
    read: Callable[[Any, tuple[str, ...]], tuple[ProblemSet, Betas]]


_FORMATS: Mapping[DatasetName, _Format] = {
    "deductive": _Format(find_release_files, read_release),
    "hcp": _Format(find_hcp_files, read_hcp),
}


def find_dataset_files(folder: Path | str, dataset: DatasetName = "deductive") -> DatasetFiles:
    """Find the files of a data set in a release folder.

    Raises
    ------
    InputError
        The folder is not what it must be.
    """
    files: DatasetFiles = _FORMATS[dataset].find(folder)
    return files


def load_release(
    folder: Path | str,
    cache: Path,
    subjects: int | Iterable[str] | None = None,
    dataset: DatasetName = "deductive",
) -> FmriDataset:
    """Load a data set of the release from a folder, from the cache where it was converted before.

    Parameters
    ----------
    folder : Path or str
        Root of the release.
    cache : Path
        Where conversions are kept, found again by the names, sizes and times of the files.
    subjects : int or iterable of str, optional
        Only these subjects; no other file is opened.
    dataset : {"deductive", "hcp"}

    Raises
    ------
    InputError
        The folder is not what it must be.
    """
    files = find_dataset_files(folder, dataset)
    wording = release_wording(files.root)
    names = choose_subjects(files.subjects, subjects)
    settings = {"dataset": dataset, "files": files.fingerprint(names), "subjects": list(names)}
    key = content_key(_STAGE, VERSION, settings)
    store = Store(cache)
    problems, betas, n_dropped = _recall(store, key, files) or _convert(
        store, key, _FORMATS[dataset].read(files, names)
    )
    return FmriDataset(problems, betas, wording, betas.source, n_dropped)


def _convert(store: Store, key: str, read: tuple[ProblemSet, Betas]) -> tuple[ProblemSet, Betas, int]:
    problems, betas = read
    n_dropped = sum(reason.startswith("problem ") for reason in betas.dropped)
    arrays = {f"{roi}/{name}": array for roi, by_subject in betas.values.items() for name, array in by_subject.items()}
    metadata = {
        "problems": [asdict(problem) for problem in problems],
        "subjects": list(betas.subjects),
        "regions": list(betas.values),
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


def _recall(store: Store, key: str, files: DatasetFiles) -> tuple[ProblemSet, Betas, int] | None:
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
        roi: {name: arrays[f"{roi}/{name}"] for name in facts["subjects"]} for roi in facts["regions"]
    }
    betas = Betas(problems.ids, tuple(facts["subjects"]), values, arrays["correct"], source, tuple(facts["dropped"]))
    return problems, betas, int(facts["n_dropped_problems"])


def _problem(fields: dict[str, Any]) -> Problem:
    return Problem(**{**fields, "premises": tuple(fields["premises"])})
