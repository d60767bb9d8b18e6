"""Which examples a step takes, and which of them a worker runs at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from brainalign.artifacts import stream


@dataclass(frozen=True)
class MicroBatch:
    """Examples of one forward pass.

    Attributes
    ----------
    rows : tuple of int
    counts : bool
        False where a worker has no example left: it runs one all the same, since partitioned weights are gathered by
        all workers together, and its loss is left out.
    """

    rows: tuple[int, ...]
    counts: bool


def epoch_batches(n_examples: int, batch_size: int, names: tuple[str | int, ...], epoch: int) -> Iterator[list[int]]:
    """Batches of an epoch: every example once, in an order that is a function of names and the epoch's number.

    In a batch, examples are in their own order, so that neighbours (which often share an instruction) run together.
    """
    order = stream(*names, "order of examples", epoch).permutation(n_examples)
    for start in range(0, n_examples, batch_size):
        yield sorted(int(row) for row in order[start : start + batch_size])


def micro_batches(batch: Sequence[int], rank: int, n_workers: int, size: int) -> list[MicroBatch]:
    """Cut a worker's share of a batch into passes of at most `size` examples, as many for every worker."""
    n_passes = math.ceil(math.ceil(len(batch) / n_workers) / size)
    share = np.array_split(np.asarray(batch), n_workers)[rank]
    pieces = [tuple(int(row) for row in piece) for piece in np.array_split(share, n_passes)]
    return [MicroBatch(piece or (batch[0],), bool(piece)) for piece in pieces]
