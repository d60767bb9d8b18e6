"""NARI: search displacements at inference that change the model's answer."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.steering.arms import Arm, Names, find_arm
from brainalign.steering.config import NariConfig
from brainalign.steering.displacements import Displacements
from brainalign.steering.inputs import NariInputs
from brainalign.steering.ledger import NEITHER, Ledger
from brainalign.steering.pairs import Pairs, form_groups

PAIRS_A_BLOCK = 512
"""Pairs that are optimised and asked together: more do not run faster, and memory stays flat."""


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    outcomes : pyarrow.Table
        ``OUTCOME_SCHEMA``.
    displacements : Displacements
        Of the pairs that the model had wrong and the search mended; none for arms that displace nothing.
    """

    outcomes: pa.Table
    displacements: Displacements


def run_nari(inputs: NariInputs, config: NariConfig, arm: str, names: Names) -> pa.Table:
    """Search every pair whose subject was right: mend what the model had wrong, break what it had right.

    Parameters
    ----------
    inputs : NariInputs
    config : NariConfig
    arm : str
        ``"guided"`` or a control, see :data:`brainalign.steering.arms.ARMS`.
    names : tuple of str or int
        Result key and replicate seed: the first goes into the table, both name the random streams.

    Returns
    -------
    pyarrow.Table
        ``OUTCOME_SCHEMA``, a row a (subject, problem) pair, sorted by type, subject and stimulus id; empty if no
        subject was right on any target.

    Raises
    ------
    InputError
        An unknown arm, a layer beyond the model, or a pool too small for its maps.
    """
    return _join([ledger.table(str(names[0]), arm) for ledger in _search(inputs, config, arm, names)])


def search_nari(
    inputs: NariInputs, config: NariConfig, arm: str, names: Names, *, pairs_a_block: int = PAIRS_A_BLOCK
) -> Search:
    """Do the same, and keep the displacements that mended an answer.

    Fewer pairs a block take less memory; figures may then differ in their last digits.
    """
    tables, kept = [], []
    for ledger in _search(inputs, config, arm, names, keeps=True, block=pairs_a_block):
        tables.append(ledger.table(str(names[0]), arm))
        kept.append(ledger.displacements())
    return Search(_join(tables), Displacements.join(config.layers, inputs.states.shape[2], kept))


def _join(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks() if tables else OUTCOME_SCHEMA.empty_table()


def _search(
    inputs: NariInputs,
    config: NariConfig,
    arm: str,
    names: Names,
    *,
    keeps: bool = False,
    block: int = PAIRS_A_BLOCK,
) -> Iterator[Ledger]:
    """Outcomes of all pairs, block by block."""
    kind = find_arm(arm)
    for group in form_groups(inputs, config.layers):
        if len(group.pairs):
            searching = kind(group, config, names)
            for pairs in group.pairs.blocks(block):
                yield _search_block(searching, pairs, Ledger(group, pairs, keeps=keeps))


def _search_block(arm: Arm, pairs: Pairs, ledger: Ledger) -> Ledger:
    """Ask until every pair has succeeded or has spent its checks; pairs leave at their first success."""
    attempts = arm.start(pairs)
    for check in range(arm.n_checks):
        rows = ledger.active
        if not len(rows):
            break
        attempt = attempts.attempt(check, rows)
        ledger.record(check, rows, attempt)
        attempts.settle(attempt.answers.answer != NEITHER)
    return ledger
