"""Directions that transfer: what a subject's successful displacements have in common, the steered problem's left out.

For pair (subject s, problem p) of reasoning type t, the sources are the displacements of s on problems q != p of type t
(or of the other types) that NARI mended. With L steered layers,

    mean      r_l = mean over q of d_ql                   nearest   r_l = d_ql of the q most similar to p
    direction = r_l, or with ``normalise`` sigma_l r_l / |r_l|, r_l then made of unit vectors d_ql / |d_ql|

and similar is the cosine of the attention outputs less their mean over the pool, averaged over the steered layers.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.errors import InputError
from brainalign.steering.config import TransferConfig
from brainalign.steering.displacements import Displacements
from brainalign.steering.inputs import NariInputs, Rows, Singles
from brainalign.steering.pairs import Group, Pairs

_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Directions:
    """Directions of R pairs.

    Attributes
    ----------
    values : Tensor
        float32, (R, L, d); zeros where there was no source.
    origins : tuple of str
        (R,): stimulus id of the nearest source, ``"mean"``, or ``""`` where there was none.
    """

    values: Tensor
    origins: tuple[str, ...]

    @property
    def n_without(self) -> int:
        """Pairs without a source."""
        return sum(not origin for origin in self.origins)


def make_directions(group: Group, pairs: Pairs, found: Displacements, config: TransferConfig) -> Directions:
    """Make the direction of every pair from the displacements of its subject on other problems.

    Raises
    ------
    InputError
        Displacements of other layers than the group's.
    """
    if found.layers != group.layers:
        raise InputError(
            f"expected displacements at layers {list(group.layers)}, found {list(found.layers)}: search these layers"
        )
    inputs = group.inputs
    is_source = (inputs.types[found.problems] == group.reasoning_type) == (config.source == "same")
    values = _unit(found.values) if config.normalise else found.values
    similarity = _similarity(inputs, group) if config.average == "nearest" else None
    rows: list[Singles] = []
    origins = []
    for subject, problem in zip(pairs.subjects, pairs.problems, strict=True):
        sources = np.flatnonzero(is_source & (found.subjects == subject) & (found.problems != problem))
        direction, origin = _direction(inputs, values, found.problems, sources, similarity, int(problem))
        rows.append(direction)
        origins.append(origin)
    stacked = np.stack(rows) if rows else np.empty((0, *values.shape[1:]), dtype=np.float32)
    if config.normalise:
        stacked = _unit(stacked) * group.sigma.numpy()[None, :, None]
    return Directions(torch.from_numpy(stacked.astype(np.float32)), tuple(origins))


def mean_direction(
    inputs: NariInputs, found: Displacements, reasoning_type: str, *, normalise: bool, sigma: Tensor
) -> Singles | None:
    """Direction of one type over all subjects, (L, d): the mean of the subjects' mean; None without displacements."""
    of_type = inputs.types[found.problems] == reasoning_type
    values = _unit(found.values) if normalise else found.values
    means = [values[of_type & (found.subjects == subject)] for subject in np.unique(found.subjects[of_type])]
    if not means:
        return None
    mean = np.stack([part.mean(axis=0) for part in means]).mean(axis=0)
    return (_unit(mean) * sigma.numpy()[:, None] if normalise else mean).astype(np.float32)


def _direction(
    inputs: NariInputs,
    values: Singles,
    problems: Rows,
    sources: Rows,
    similarity: NDArray[np.float64] | None,
    problem: int,
) -> tuple[Singles, str]:
    if not len(sources):
        return np.zeros(values.shape[1:], dtype=np.float32), ""
    if similarity is None:
        return values[sources].mean(axis=0), "mean"
    nearest = sources[int(np.argmax(similarity[problem, problems[sources]]))]
    return values[nearest], inputs.stimulus_ids[problems[nearest]]


def _similarity(inputs: NariInputs, group: Group) -> NDArray[np.float64]:
    """Cosine of centred states of all problems with each other, mean over the steered layers, (N, N)."""
    total = np.zeros((len(inputs.stimulus_ids),) * 2)
    for layer in group.layers:
        states = inputs.states[layer].astype(np.float64)
        unit = _unit(states - states[inputs.pool].mean(axis=0))
        total += unit @ unit.T
    return total / len(group.layers)


def _unit(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Vectors along the last axis at length 1; zeros stay zeros."""
    norms = np.linalg.norm(values, axis=-1, keepdims=True)
    unit: NDArray[np.floating] = values / np.maximum(norms, _TINY)
    return unit
