"""NARI (gen.): move new problems along directions that mended others, once, with no look at their answers.

A pair's outcome is that of its one steered answer. What was right and is then not right counts as broken, also where it
is neither True nor False, so net figures are changes of accuracy. The steering knows no label of the steered problem: a
direction comes from other problems alone.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from brainalign.artifacts import OUTCOME_SCHEMA, stream
from brainalign.errors import InputError
from brainalign.steering.arms import Names
from brainalign.steering.arms.arm import ask
from brainalign.steering.config import TransferConfig
from brainalign.steering.directions import Directions, make_directions
from brainalign.steering.displacements import Displacements
from brainalign.steering.inputs import NariInputs
from brainalign.steering.ledger import Attempt, Ledger
from brainalign.steering.nari import PAIRS_A_BLOCK
from brainalign.steering.pairs import Group, Pairs, all_pairs, form_groups
from brainalign.zoo import Answers

SEARCHED_ARMS = ("guided", "random_betas", "random_betas_mean", "label", "other_roi")
"""Arms of a search whose displacements transfer."""
TRANSFER_ARMS: dict[str, str] = {**{arm: arm for arm in SEARCHED_ARMS}, "random_direction": "guided", "bias": "guided"}
"""Arms of a transfer, and the arm of the search that each stands on."""


@dataclass(frozen=True)
class Transferred:
    """What one arm did to the targets.

    Attributes
    ----------
    outcomes : pyarrow.Table
        ``OUTCOME_SCHEMA``, a row for every target and every subject whose directions moved it.
    n_without : int
        Rows that were not moved, for want of a displacement to learn from.
    n_not_finite : int
        Rows whose margin is not a number: the strength is too large for them. They count as neither.
    """

    outcomes: pa.Table
    n_without: int
    n_not_finite: int


class SingleAnswers(Ledger):
    """Outcomes of one steered answer a pair."""

    def succeeded(self, rows: NDArray[np.int64], answer: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Whether a wrong answer became right, or a right one is right no more."""
        right = answer == self._label[rows].astype(np.int8)
        success: NDArray[np.bool_] = right == self._pairs.targeted[rows]
        return success


def run_transfer(
    inputs: NariInputs, found: Displacements, config: TransferConfig, arm: str, names: Names
) -> Transferred:
    """Steer all targets by each subject's directions.

    Parameters
    ----------
    inputs : NariInputs
        Its pool holds the problems of the displacements, and is what scales are computed on. Targets may be the pool
        itself, each then without its own displacement, or other problems.
    found : Displacements
        What the arm's search mended in the pool.
    config : TransferConfig
    arm : str
        Of :data:`TRANSFER_ARMS`. ``random_direction`` moves as far as the guided arm, along directions drawn at random
        (one a subject, type and layer; with ``average="nearest"`` one for each source). ``bias`` adds ``strength``
        times the spread of the pool's margins, towards the answer that most of the source problems need which the
        model has wrong, the steered one left out.
    names : tuple of str or int
        Result key and replicate seed.

    Raises
    ------
    InputError
        An unknown arm, displacements of other layers or of problems outside the pool.
    """
    if arm not in TRANSFER_ARMS:
        raise InputError(f"expected an arm among {', '.join(TRANSFER_ARMS)}, found {arm!r}: choose one of them")
    if not np.isin(found.problems, inputs.pool).all():
        raise InputError("expected displacements of the pool's problems alone, found others: search the selection part")
    tables, n_without = [], 0
    for group in form_groups(inputs, found.layers, all_pairs):
        for pairs in group.pairs.blocks(PAIRS_A_BLOCK):
            ledger = SingleAnswers(group, pairs)
            attempt, without = _attempt(group, pairs, found, config, (*names, arm))
            ledger.record(0, np.arange(len(pairs)), attempt)
            tables.append(ledger.table(str(names[0]), arm))
            n_without += without
    outcomes = pa.concat_tables(tables).combine_chunks() if tables else OUTCOME_SCHEMA.empty_table()
    n_not_finite = int((~np.isfinite(outcomes["margin_after"].to_numpy(zero_copy_only=False))).sum())
    return Transferred(outcomes, n_without, n_not_finite)


def _attempt(
    group: Group, pairs: Pairs, found: Displacements, config: TransferConfig, names: Names
) -> tuple[Attempt, int]:
    """Answers of a block's pairs, and how many of these were not moved."""
    if names[-1] == "bias":
        return _bias(group, pairs, config)
    directions = make_directions(group, pairs, found, config)
    values = _random(group, pairs, directions, names) if names[-1] == "random_direction" else directions.values
    moved = config.strength * values
    return ask(group, pairs, np.arange(len(pairs)), moved), directions.n_without


def _random(group: Group, pairs: Pairs, directions: Directions, names: Names) -> torch.Tensor:
    """Random directions of the given ones' lengths; equal names give equal directions."""
    inputs, width = group.inputs, directions.values.shape[-1]
    drawn: dict[tuple[str, str], NDArray[np.float32]] = {}
    rows = []
    for subject, origin in zip(pairs.subjects, directions.origins, strict=True):
        place = (inputs.subjects[subject], origin)
        if place not in drawn:
            normals = np.stack(
                [
                    stream(*names, place[0], group.reasoning_type, origin, layer).standard_normal(width)
                    for layer in group.layers
                ]
            )
            drawn[place] = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
        rows.append(drawn[place])
    lengths = torch.linalg.vector_norm(directions.values, dim=-1, keepdim=True)
    return torch.from_numpy(np.stack(rows)) * lengths if rows else directions.values


def _bias(group: Group, pairs: Pairs, config: TransferConfig) -> tuple[Attempt, int]:
    inputs = group.inputs
    pool = inputs.pool[(inputs.types[inputs.pool] == group.reasoning_type) == (config.source == "same")]
    wrong = pool[inputs.answers.answer[pool] != inputs.labels[pool].astype(np.int8)]
    needs = np.where(inputs.labels[wrong], 1, -1)
    own = np.zeros(len(inputs.stimulus_ids), dtype=np.int64)
    own[wrong] = needs
    sign = np.sign(needs.sum() - own[pairs.problems]).astype(np.float32)
    spread = float(inputs.answers.margin[group.pool].astype(np.float64).std())
    bias = np.float32(config.strength * spread) * sign
    before = Answers(inputs.answers.margin[pairs.problems], inputs.answers.answer[pairs.problems])
    margin = (before.margin + bias).astype(np.float32)
    answer = np.where(bias == 0, before.answer, (margin > 0).astype(np.int8)).astype(np.int8)
    radius = np.abs(config.strength * sign).astype(np.float32)
    return Attempt(Answers(margin, answer), radius), int((sign == 0).sum())
