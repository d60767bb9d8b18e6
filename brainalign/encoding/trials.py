"""Which trials a subject has: betas hold a row of NaN for a stimulus that the subject had none with."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from brainalign.encoding.ridge import Floats
from brainalign.errors import InputError

Subject = TypeVar("Subject", bound=Hashable)


def recorded(betas: Floats, subject: Hashable) -> NDArray[np.bool_]:
    """Tell the rows of betas (n, v) that are trials, bool (n,).

    Raises
    ------
    InputError
        A row that is neither finite nor NaN as a whole.
    """
    finite = np.isfinite(betas)
    there = np.asarray(finite.all(axis=1))
    if (finite.any(axis=1) & ~there).any():
        raise InputError(f"expected finite betas, found NaN for subject {subject!r}: drop those voxels or the subject")
    return there


def by_trials(betas: Mapping[Subject, Floats]) -> list[tuple[list[Subject], NDArray[np.bool_]]]:
    """Group subjects that have the same trials.

    Parameters
    ----------
    betas
        subject -> float, (n, v).

    Returns
    -------
    list of (subjects, bool (n,)), in the order in which they come.
    """
    groups: dict[bytes, tuple[list[Subject], NDArray[np.bool_]]] = {}
    for subject, values in betas.items():
        there = recorded(values, subject)
        groups.setdefault(there.tobytes(), ([], there))[0].append(subject)
    return list(groups.values())
