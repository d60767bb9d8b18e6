"""Bookkeeping of a search: who is still searching, who succeeded when and how far, what was invalid."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.steering.displacements import Displacements
from brainalign.steering.pairs import Group, Pairs
from brainalign.zoo import Answers

NEITHER = -1


@dataclass(frozen=True)
class Attempt:
    """What the model answers to the pairs asked in one check, and how far they were moved.

    ``radius`` (float32, one a pair) is in units of sigma (arm ``bias``: of the margins' spread). ``displacements``
    (float32, (pairs, L, d)) is None where nothing was displaced.
    """

    answers: Answers
    radius: NDArray[np.float32]
    displacements: Tensor | None = None


class Ledger:
    """Outcomes of the pairs of one block while their search goes on.

    With ``keeps`` also the displacements that mended an answer.
    """

    def __init__(self, group: Group, pairs: Pairs, *, keeps: bool = False) -> None:
        count = len(pairs)
        self._keeps = keeps
        self._kept: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        self._group, self._pairs = group, pairs
        self._label = group.inputs.labels[pairs.problems]
        self._success = np.zeros(count, dtype=bool)
        self._first_check = np.full(count, -1, dtype=np.int32)
        self._radius = np.full(count, np.nan, dtype=np.float32)
        self._n_checks = np.zeros(count, dtype=np.int32)
        self._n_invalid = np.zeros(count, dtype=np.int32)
        self._margin_after = group.inputs.answers.margin[pairs.problems].astype(np.float32)

    @property
    def active(self) -> NDArray[np.int64]:
        """Positions of the pairs without a success."""
        return np.flatnonzero(~self._success).astype(np.int64)

    def record(self, check: int, rows: NDArray[np.int64], attempt: Attempt) -> None:
        """Enter the answers of pairs ``rows`` at a check (0-based).

        A targeted pair succeeds with the right answer; a pair that was right, with a valid wrong one.
        """
        answer = attempt.answers.answer
        valid = answer != NEITHER
        success = self.succeeded(rows, answer)
        self._n_checks[rows] += 1
        self._n_invalid[rows] += ~valid
        self._margin_after[rows] = attempt.answers.margin
        done = rows[success]
        self._success[done] = True
        self._first_check[done] = check
        self._radius[done] = attempt.radius[success]
        mended = success & self._pairs.targeted[rows]
        if self._keeps and attempt.displacements is not None and mended.any():
            self._kept.append((rows[mended], attempt.displacements[torch.from_numpy(mended)].numpy().copy()))

    def succeeded(self, rows: NDArray[np.int64], answer: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Whether answers of pairs ``rows`` mend what was wrong, or break what was right by a valid wrong answer."""
        right = answer == self._label[rows].astype(np.int8)
        success: NDArray[np.bool_] = np.where(self._pairs.targeted[rows], right, (answer != NEITHER) & ~right)
        return success

    def displacements(self) -> Displacements:
        """Displacements kept so far, in the order of the pairs."""
        rows = np.concatenate([np.empty(0, dtype=np.int64), *(found for found, _ in self._kept)])
        order = np.argsort(rows)
        layers, width = self._group.layers, self._group.inputs.states.shape[2]
        blank = np.empty((0, len(layers), width), dtype=np.float32)
        values = np.concatenate([blank, *(values for _, values in self._kept)])
        places = rows[order]
        return Displacements(layers, self._pairs.subjects[places], self._pairs.problems[places], values[order])

    def table(self, result_key: str, arm: str) -> pa.Table:
        """Outcomes so far in ``OUTCOME_SCHEMA``, a row a pair."""
        inputs, pairs = self._group.inputs, self._pairs
        count = len(pairs)
        columns = {
            "result_key": [result_key] * count,
            "arm": [arm] * count,
            "subject": [inputs.subjects[row] for row in pairs.subjects],
            "stimulus_id": [inputs.stimulus_ids[row] for row in pairs.problems],
            "order": np.zeros(count, dtype=np.int32),
            "reasoning_type": [self._group.reasoning_type] * count,
            "label": self._label,
            "targeted": pairs.targeted,
            "success": self._success,
            "first_check": self._first_check,
            "radius": self._radius,
            "n_checks": self._n_checks,
            "n_invalid": self._n_invalid,
            "margin_before": inputs.answers.margin[pairs.problems].astype(np.float32),
            "margin_after": self._margin_after,
        }
        return pa.table(columns, schema=OUTCOME_SCHEMA)
