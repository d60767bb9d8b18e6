"""Displacements that mended an answer, as a search leaves them behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainalign.errors import InputError
from brainalign.steering.inputs import Rows, Singles


@dataclass(frozen=True)
class Displacements:
    """Displacements of n pairs that the model had wrong, at the first right answer.

    Attributes
    ----------
    layers : tuple of int
        Steered layers.
    subjects, problems : ndarray of int64, shape (n,)
        Positions among the search's subjects and problems, both in sorted order.
    values : ndarray of float32, shape (n, len(layers), d)
        What was added to the attention outputs at the final input token.
    """

    layers: tuple[int, ...]
    subjects: Rows
    problems: Rows
    values: Singles

    def __post_init__(self) -> None:
        n_pairs = len(self.subjects)
        if self.problems.shape != (n_pairs,) or self.values.shape[:2] != (n_pairs, len(self.layers)):
            raise InputError(
                f"expected {n_pairs} problems and displacements of shape ({n_pairs}, {len(self.layers)}, d), found "
                f"{self.problems.shape} and {self.values.shape}: keep them in one order"
            )

    def __len__(self) -> int:
        return len(self.subjects)

    def to_arrays(self) -> dict[str, NDArray[np.float32] | Rows]:
        """Return named arrays for a store."""
        layers = np.array(self.layers, dtype=np.int64)
        return {"layers": layers, "subjects": self.subjects, "problems": self.problems, "values": self.values}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32] | Rows]) -> "Displacements":
        """Undo :meth:`to_arrays`."""
        return cls(
            layers=tuple(int(layer) for layer in arrays["layers"]),
            subjects=arrays["subjects"].astype(np.int64),
            problems=arrays["problems"].astype(np.int64),
            values=arrays["values"].astype(np.float32),
        )

    @classmethod
    def join(cls, layers: tuple[int, ...], width: int, parts: "Sequence[Displacements]") -> "Displacements":
        """Put several together; none give an empty one of width d."""
        none = np.empty(0, dtype=np.int64)
        blank = cls(layers, none, none, np.empty((0, len(layers), width), dtype=np.float32))
        every = [blank, *parts]
        return cls(
            layers=layers,
            subjects=np.concatenate([part.subjects for part in every]),
            problems=np.concatenate([part.problems for part in every]),
            values=np.concatenate([part.values for part in every]),
        )
