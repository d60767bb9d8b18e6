"""NARI: search displacements at inference that change the model's answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from brainalign.artifacts import OUTCOME_SCHEMA
from brainalign.steering.arms import Arm, Names, find_arm
from brainalign.steering.config import NariConfig
from brainalign.steering.displacements import Displacements
from brainalign.steering.inputs import NariInputs
from brainalign.steering.ledger import NEITHER, Ledger
from brainalign.steering.outcomes import net_after
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


@dataclass(frozen=True)
class Watch:
    """Where a search is looked at before it ends.

    Attributes
    ----------
    checks : tuple of int
        Numbers of checks, rising, after each of which all pairs wait for one another.
    look : callable
        Told net balanced accuracy after each of these numbers of checks so far; what it raises ends the search.
    """

    checks: tuple[int, ...]
    look: Callable[[dict[int, float]], None]


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
    return _join(
        [
            ledger.table(str(names[0]), arm)
            for ledger in (block.finish() for block in _blocks(inputs, config, arm, names))
        ]
    )


def search_nari(
    inputs: NariInputs,
    config: NariConfig,
    arm: str,
    names: Names,
    *,
    pairs_a_block: int = PAIRS_A_BLOCK,
    watch: Watch | None = None,
) -> Search:
    """Do the same, and keep the displacements that mended an answer.

    Fewer pairs a block take less memory; figures may then differ in their last digits. One that is watched finds the
    same, in more memory: its blocks advance together from one look to the next.
    """
    tables, kept = [], []
    blocks = _blocks(inputs, config, arm, names, keeps=True, block=pairs_a_block)
    for ledger in (block.finish() for block in (_watched(blocks, watch) if watch and watch.checks else blocks)):
        tables.append(ledger.table(str(names[0]), arm))
        kept.append(ledger.displacements())
    return Search(_join(tables), Displacements.join(config.layers, inputs.states.shape[2], kept))


def _join(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks() if tables else OUTCOME_SCHEMA.empty_table()


def _watched(blocks: Iterator["_Block"], watch: Watch) -> list["_Block"]:
    """Advance all blocks together from look to look."""
    together, values = list(blocks), {}
    for n_checks in watch.checks:
        found = net_after(_join([block.advance(n_checks).table("", "") for block in together]), n_checks)
        if found is not None:
            values[n_checks] = found
            watch.look(dict(values))
    return together


def _blocks(
    inputs: NariInputs,
    config: NariConfig,
    arm: str,
    names: Names,
    *,
    keeps: bool = False,
    block: int = PAIRS_A_BLOCK,
) -> Iterator["_Block"]:
    """All pairs in blocks, none of which has begun."""
    kind = find_arm(arm)
    for group in form_groups(inputs, config.layers):
        if len(group.pairs):
            searching = kind(group, config, names)
            for pairs in group.pairs.blocks(block):
                yield _Block(searching, pairs, Ledger(group, pairs, keeps=keeps))


class _Block:
    """Pairs that are asked together; each leaves at its first success."""

    def __init__(self, arm: Arm, pairs: Pairs, ledger: Ledger) -> None:
        self._arm, self._attempts, self._ledger = arm, arm.start(pairs), ledger
        self._n_checks = 0

    def advance(self, n_checks: int) -> Ledger:
        """Ask until every pair has succeeded or was checked so often."""
        for check in range(self._n_checks, min(n_checks, self._arm.n_checks)):
            rows = self._ledger.active
            if not len(rows):
                break
            attempt = self._attempts.attempt(check, rows)
            self._ledger.record(check, rows, attempt)
            self._attempts.settle(attempt.answers.answer != NEITHER)
            self._n_checks = check + 1
        return self._ledger

    def finish(self) -> Ledger:
        """Ask until every pair has succeeded or has spent its checks."""
        return self.advance(self._arm.n_checks)
