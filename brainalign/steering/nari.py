"""NARI: search displacements at inference that change the model's answer."""

from collections.abc import Iterator

import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.steering.arms import Arm, Names, find_arm
from brainalign.steering.config import NariConfig
from brainalign.steering.inputs import NariInputs
from brainalign.steering.ledger import NEITHER, Ledger
from brainalign.steering.pairs import Pairs, form_groups

PAIRS_A_BLOCK = 512
"""Pairs that are optimised and asked together: more do not run faster, and memory stays flat."""


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
    kind = find_arm(arm)
    tables = []
    for group in form_groups(inputs, config.layers):
        if len(group.pairs):
            tables += list(_search(kind(group, config, names), str(names[0])))
    return pa.concat_tables(tables).combine_chunks() if tables else OUTCOME_SCHEMA.empty_table()


def _search(arm: Arm, result_key: str) -> Iterator[pa.Table]:
    """Outcomes of a group's pairs, block by block."""
    for pairs in arm.group.pairs.blocks(PAIRS_A_BLOCK):
        yield _search_block(arm, pairs).table(result_key, arm.name)


def _search_block(arm: Arm, pairs: Pairs) -> Ledger:
    """Ask until every pair has succeeded or has spent its checks; pairs leave at their first success."""
    ledger = Ledger(arm.group, pairs)
    attempts = arm.start(pairs)
    for check in range(arm.n_checks):
        rows = ledger.active
        if not len(rows):
            break
        attempt = attempts.attempt(check, rows)
        ledger.record(check, rows, attempt)
        attempts.settle(attempt.answers.answer != NEITHER)
    return ledger
