"""What a NARI search stands on: states, betas, answers and the prompts to ask, aligned by stimulus id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from brainalign.errors import InputError
from brainalign.zoo import Answers

if TYPE_CHECKING:
    from brainalign.activations import Activations
    from brainalign.betas import FmriDataset

Rows = NDArray[np.int64]
Singles = NDArray[np.float32]


class Prompts(Protocol):
    """Prompts that can be answered with displacements added to the attention outputs at the final token."""

    def answer(self, rows: Rows, layers: Sequence[int], displacements: Tensor) -> Answers:
        """Ask prompt ``rows[i]`` with ``displacements[i]``, float32 (len(layers), d)."""
        ...


class Variants(Protocol):
    """The same prompts under other instructions."""

    def __len__(self) -> int:
        """How many instructions there are."""
        ...

    def answer(self, variant: int, rows: Rows) -> Answers:
        """Ask prompts ``rows`` under instruction number ``variant``, without steering."""
        ...


@dataclass(frozen=True)
class NariInputs:
    """N problems and S subjects, both in sorted order, so that the order they came in changes nothing.

    Attributes
    ----------
    stimulus_ids : tuple of str
        (N,), sorted.
    types : ndarray of str, shape (N,)
        Reasoning type of each problem.
    labels : ndarray of bool, shape (N,)
    states : ndarray of float32, shape (n_layers, N, d)
        Attention outputs at the final input token.
    answers : Answers
        Of the model as it is, N long.
    subjects : tuple of str
        (S,), sorted.
    betas : mapping of str to ndarray of float32, shape (N, v)
        Each subject's betas, NaN in the rows of problems that it had no trial with.
    correct : ndarray of bool, shape (S, N)
        Whether the subject answered right; False without a trial.
    pool : ndarray of int64
        Problems that maps, sigma and learning rates are computed on.
    targets : ndarray of int64
        Problems to steer.
    prompts : Prompts
        What answers; ``prompt_rows`` (int64, (N,)) gives each problem's place in it.
    other_betas : mapping of str to ndarray of float32, shape (N, v')
        Each subject's betas of ``other_roi``, the region after the guiding one in the data set's order; empty where
        there is no second region.
    variants : Variants or None
        The prompts under other instructions, with the places of ``prompts``; only one arm needs them.
    """

    stimulus_ids: tuple[str, ...]
    types: NDArray[np.str_]
    labels: NDArray[np.bool_]
    states: Singles
    answers: Answers
    subjects: tuple[str, ...]
    betas: Mapping[str, Singles]
    correct: NDArray[np.bool_]
    pool: Rows
    targets: Rows
    prompts: Prompts
    prompt_rows: Rows
    other_roi: str | None = None
    other_betas: Mapping[str, Singles] = field(default_factory=dict)
    variants: Variants | None = None

    @property
    def n_layers(self) -> int:
        """Layers of the model."""
        return self.states.shape[0]

    def seen(self, subject: str) -> NDArray[np.bool_]:
        """Problems that a subject had a trial with, (N,)."""
        return np.asarray(~np.isnan(self.betas[subject]).any(axis=1))

    def check_layers(self, layers: Sequence[int]) -> None:
        """Refuse layers that the model does not have."""
        if max(layers) >= self.n_layers:
            raise InputError(
                f"expected layers from 0 to {self.n_layers - 1}, found {max(layers)}: "
                f"choose layers that the model has, such as its middle half"
            )


def assemble(
    activations: "Activations",
    dataset: "FmriDataset",
    prompts: Prompts,
    *,
    roi: str,
    parts: tuple[Iterable[str], Iterable[str]] | None = None,
    variants: Variants | None = None,
) -> NariInputs:
    """Align states, betas and answers by stimulus id.

    Parameters
    ----------
    activations : Activations
        Of the dataset's problems, in any order.
    dataset : FmriDataset
        Problems and betas of the subjects to use.
    prompts : Prompts
        The model's prompts of the problems of ``activations``, in their order.
    roi : str
        Region whose betas guide.
    parts : (pool, targets), optional
        Stimulus ids that maps are computed on and stimulus ids to steer; all problems for both by default.
    variants : Variants, optional
        The same prompts under other instructions, for the arm ``prompt``.

    Raises
    ------
    InputError
        An unknown region or stimulus id, or problems without activations.
    """
    ids = tuple(sorted(dataset.problems.ids))
    place = {name: row for row, name in enumerate(ids)}
    chosen = tuple(sorted(dataset.betas.subjects))
    beta_rows = _rows_of(ids, dataset.betas.stimulus_ids, "betas")
    state_rows = _rows_of(ids, activations.stimulus_ids, "activations")
    problem_rows = _rows_of(ids, dataset.problems.ids, "problems")
    if roi not in dataset.betas.values:
        raise InputError(
            f"expected a region among {', '.join(dataset.betas.values)}, found {roi!r}: choose one of them"
        )
    pool, targets = (ids, ids) if parts is None else parts
    order = _rows_of(chosen, dataset.betas.subjects, "betas")
    other = _next_roi(roi, tuple(dataset.betas.values))
    answers = activations.answers
    return NariInputs(
        stimulus_ids=ids,
        types=np.asarray(dataset.problems.types)[problem_rows],
        labels=np.asarray(dataset.problems.labels, dtype=bool)[problem_rows],
        states=np.stack([activations.site("attention", layer)[state_rows] for layer in range(activations.n_layers)]),
        answers=Answers(answers.margin[state_rows], answers.answer[state_rows]),
        subjects=chosen,
        betas=_betas(dataset, roi, chosen, beta_rows),
        correct=np.asarray(dataset.betas.correct, dtype=bool)[np.ix_(order, beta_rows)],
        pool=_sorted_places(pool, place),
        targets=_sorted_places(targets, place),
        prompts=prompts,
        prompt_rows=state_rows,
        other_roi=other,
        other_betas={} if other is None else _betas(dataset, other, chosen, beta_rows),
        variants=variants,
    )


def _betas(dataset: "FmriDataset", roi: str, subjects: Sequence[str], rows: Rows) -> dict[str, Singles]:
    return {name: np.asarray(dataset.betas.values[roi][name])[rows] for name in subjects}


def _next_roi(roi: str, known: Sequence[str]) -> str | None:
    """Name the region after another, the first after the last; None where there is no second."""
    return known[(known.index(roi) + 1) % len(known)] if len(known) > 1 else None


def _rows_of(ids: Sequence[str], found: Sequence[str], what: str) -> Rows:
    """Row of each id in another ordering of (at least) the same ids."""
    place = {name: row for row, name in enumerate(found)}
    missing = [name for name in ids if name not in place]
    if missing:
        raise InputError(
            f"expected {what} of all {len(ids)} problems, found none of {missing[0]} ({len(missing)} missing): "
            f"compute the {what} of the same data set"
        )
    return np.array([place[name] for name in ids], dtype=np.int64)


def _sorted_places(names: Iterable[str], place: Mapping[str, int]) -> Rows:
    """Sorted rows of stimulus ids."""
    wanted = sorted(set(names))
    unknown = [name for name in wanted if name not in place]
    if unknown:
        raise InputError(f"expected stimulus ids of the data set, found {unknown[0]}: split the same data set")
    return np.array([place[name] for name in wanted], dtype=np.int64)
