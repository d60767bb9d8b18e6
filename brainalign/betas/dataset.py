"""Betas, problems and wording of one data set, aligned by stimulus id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from brainalign.artifacts import hash_arrays, hash_json
from brainalign.errors import InputError
from brainalign.stimuli import ALL_REASONING_TYPES, ProblemSet, ReasoningType, Wording

DatasetName = Literal["deductive", "hcp"]
DATASETS: tuple[DatasetName, ...] = get_args(DatasetName)
"""The scanner's deductive problems, and the relational processing task of the Human Connectome Project (HCP)."""
ROIS = ("deductive_reasoning", "language", "md")
"""Regions of the deductive data."""
HCP_ROIS = ("md",)
"""Regions of the HCP data: multiple demand, the top tenth of its voxels, chosen in each subject by itself."""
REGIONS: Mapping[DatasetName, tuple[str, ...]] = {"deductive": ROIS, "hcp": HCP_ROIS}


@dataclass(frozen=True)
class DataSource:
    """Where data come from; every output names it.

    Attributes
    ----------
    kind : {"release", "simulated"}
    description : str
        One line for people.
    location : str or None
        Folder that was read, None for simulated data.
    content_hash : str
        Hash of problems, betas and answers as they are used; the folder's place does not matter.
    """

    kind: Literal["release", "simulated"]
    description: str
    location: str | None
    content_hash: str


@dataclass(frozen=True)
class Betas:
    """Single-trial betas and answers.

    Attributes
    ----------
    stimulus_ids : tuple of str
        One name a row.
    subjects : tuple of str
    values : mapping of ROI to mapping of subject to ndarray
        float32 (n_stimuli, n_voxels). A row is finite, or NaN as a whole where the subject had no trial with the
        stimulus (see `seen`). Columns may be each subject's own voxels, and then differ in number.
    correct : ndarray
        bool (n_subjects, n_stimuli): the subject answered right. No answer counts as not right, and so does no trial.
    source : DataSource
    dropped : tuple of str
        What was left out, each with the reason.

    Raises
    ------
    InputError
        Rows, subjects and arrays do not fit together.
    """

    stimulus_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    values: Mapping[str, Mapping[str, np.ndarray]]
    correct: np.ndarray
    source: DataSource
    dropped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_stimuli = len(self.stimulus_ids)
        if self.correct.shape != (len(self.subjects), n_stimuli) or self.correct.dtype != np.bool_:
            raise InputError(
                f"expected answers as bool {(len(self.subjects), n_stimuli)} (subjects, stimuli), "
                f"found {self.correct.dtype} {self.correct.shape}: align them by subject and stimulus id"
            )
        for roi, by_subject in self.values.items():
            if tuple(by_subject) != self.subjects:
                raise InputError(
                    f"expected subjects {self.subjects} in {roi}, found {tuple(by_subject)}: use one order"
                )
            if any(array.ndim != 2 or array.shape[0] != n_stimuli for array in by_subject.values()):
                shapes = {subject: array.shape for subject, array in by_subject.items()}
                raise InputError(
                    f"expected {n_stimuli} rows of voxels in every subject of {roi}, found {shapes}: "
                    "align rows by stimulus id"
                )
        self._check_trials()

    def _check_trials(self) -> None:
        """Refuse broken rows, other trials in another region, and right answers where there was no trial."""
        for roi, by_subject in self.values.items():
            for place, (subject, array) in enumerate(by_subject.items()):
                finite = np.isfinite(array)
                if (
                    not np.array_equal(finite.all(axis=1), self.seen[place])
                    or (finite.any(axis=1) & ~self.seen[place]).any()
                ):
                    raise InputError(
                        f"expected rows of {roi} in {subject} that are finite, or NaN as a whole where there was no "
                        "trial, the same in all regions, found others: drop voxels that hold NaN"
                    )
        if (self.correct & ~self.seen).any():
            raise InputError(
                "expected right answers only where there was a trial, found others: align answers by stimulus id"
            )

    @cached_property
    def seen(self) -> np.ndarray:
        """Which subject had a trial with which stimulus, bool (n_subjects, n_stimuli)."""
        by_subject = next(iter(self.values.values()), {})
        if not by_subject:
            return np.ones(self.correct.shape, dtype=bool)
        return np.stack([np.isfinite(array).all(axis=1) for array in by_subject.values()])

    @property
    def n_voxels(self) -> dict[str, int | dict[str, int]]:
        """Number of voxels in each ROI; that of each subject where they differ."""
        found: dict[str, int | dict[str, int]] = {}
        for roi, by_subject in self.values.items():
            widths = {subject: int(array.shape[1]) for subject, array in by_subject.items()}
            one = set(widths.values())
            found[roi] = one.pop() if len(one) == 1 else widths
        return found

    def select(self, subjects: int | Iterable[str] | None = None, stimulus_ids: Iterable[str] | None = None) -> "Betas":
        """Keep some subjects and some stimuli, in the order asked for.

        Parameters
        ----------
        subjects : int or iterable of str, optional
            The first so many, or names.
        stimulus_ids : iterable of str, optional

        Raises
        ------
        InputError
            A subject or stimulus that is not there.
        """
        names = choose_subjects(self.subjects, subjects)
        wanted = self.stimulus_ids if stimulus_ids is None else tuple(stimulus_ids)
        places = {name: place for place, name in enumerate(self.stimulus_ids)}
        unknown = [name for name in wanted if name not in places]
        if unknown:
            raise InputError(
                f"expected stimulus ids of these betas, found {len(unknown)} others ({unknown[0]}, …): "
                "take ids from Betas.stimulus_ids"
            )
        rows = np.array([places[name] for name in wanted], dtype=np.int64)
        subject_rows = np.array([self.subjects.index(name) for name in names], dtype=np.int64)
        return replace(
            self,
            stimulus_ids=wanted,
            subjects=names,
            values={roi: {name: arrays[name][rows] for name in names} for roi, arrays in self.values.items()},
            correct=self.correct[np.ix_(subject_rows, rows)],
        )


@dataclass(frozen=True)
class FmriDataset:
    """Problems, the betas recorded while people solved them, and the words around the problems.

    Attributes
    ----------
    problems : ProblemSet
    betas : Betas
        Rows in the order of `problems`.
    wording : Wording
    source : DataSource
    n_dropped_problems : int
        Problems of the source that were left out; the reasons are in ``betas.dropped``.

    Raises
    ------
    InputError
        Problems and betas are not aligned, or the wording has no texts for a type of problem.
    """

    problems: ProblemSet
    betas: Betas
    wording: Wording
    source: DataSource
    n_dropped_problems: int = 0

    def __post_init__(self) -> None:
        if self.problems.ids != self.betas.stimulus_ids:
            raise InputError(
                f"expected betas in the order of the {len(self.problems)} problems, found "
                f"{len(self.betas.stimulus_ids)} rows of other ids or order: "
                "align them with Betas.select(stimulus_ids=problems.ids)"
            )
        for reasoning_type in self.types:
            self.wording.texts(reasoning_type)

    @property
    def types(self) -> tuple[ReasoningType, ...]:
        """Types of problem that there are."""
        found = set(self.problems.types.tolist())
        return tuple(name for name in ALL_REASONING_TYPES if name in found)

    @property
    def wording_hash(self) -> str:
        """Hash of the texts around these problems: part of the key of what a model answers to them."""
        return self.hash_of(self.wording)

    def hash_of(self, wording: Wording) -> str:
        """Hash the texts that a wording puts around these problems (base models get others than the data set's)."""
        known = set(self.types) <= set(wording.instructions)
        return wording.content_hash if known else wording.hash_of(self.types)

    def select(
        self, subjects: int | Iterable[str] | None = None, stimulus_ids: Iterable[str] | None = None
    ) -> "FmriDataset":
        """Keep some subjects (the first so many, or names) and some stimuli: by default those that one of them saw."""
        betas = self.betas.select(subjects, stimulus_ids)
        if stimulus_ids is None:
            by_stimulus = zip(betas.stimulus_ids, betas.seen.T, strict=True)
            betas = betas.select(stimulus_ids=[name for name, seen in by_stimulus if seen.any()])
        wanted = betas.stimulus_ids
        return replace(self, problems=self.problems.subset(wanted), betas=betas)


def choose_subjects(known: Sequence[str], wanted: int | Iterable[str] | None) -> tuple[str, ...]:
    """Resolve a choice of subjects: None is all, a number the first so many, names may leave out ``sub-``.

    Raises
    ------
    InputError
        A subject that is not there, one named twice, or a number that is out of range.
    """
    if wanted is None:
        return tuple(known)
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(known):
            raise InputError(f"expected 1 to {len(known)} subjects, found {wanted}: there are {', '.join(known)}")
        return tuple(known[:wanted])
    names = tuple(name if name in known or f"sub-{name}" not in known else f"sub-{name}" for name in wanted)
    unknown = [name for name in names if name not in known]
    if unknown or not names or len(set(names)) < len(names):
        found = ", ".join(unknown) or ", ".join(names) or "none"
        raise InputError(f"expected subjects among {', '.join(known)}, found {found}: name some of them, each once")
    return names


def dataset_hash(
    problems: ProblemSet, values: Mapping[str, Mapping[str, np.ndarray]], correct: np.ndarray, subjects: Sequence[str]
) -> str:
    """Hash of all that the data say: problems, betas and answers with their subjects."""
    arrays = {f"{roi}/{subject}": array for roi, by_subject in values.items() for subject, array in by_subject.items()}
    return hash_json([problems.content_hash, list(subjects), hash_arrays({**arrays, "correct": correct})])
