"""Batches: each example once, the same for every number of workers, as many passes for each of them."""

from collections import Counter

import pytest

from brainalign.finetuning.batches import epoch_batches, micro_batches


def test_an_epoch_has_every_example_once_in_an_order_of_its_own() -> None:
    first = list(epoch_batches(23, 5, ("key", 1), 1))
    assert [len(batch) for batch in first] == [5, 5, 5, 5, 3]
    assert sorted(row for batch in first for row in batch) == list(range(23))
    assert first == list(epoch_batches(23, 5, ("key", 1), 1))
    for names, epoch in ((("key", 1), 2), (("key", 2), 1), (("other", 1), 1)):
        assert first != list(epoch_batches(23, 5, names, epoch))


@pytest.mark.parametrize("n_workers", [1, 2, 3, 8])
@pytest.mark.parametrize("n_examples", [1, 3, 7, 14])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_workers_share_a_batch(n_workers: int, n_examples: int, size: int) -> None:
    batch = list(range(100, 100 + n_examples))
    shares = [micro_batches(batch, rank, n_workers, size) for rank in range(n_workers)]
    assert len({len(share) for share in shares}) == 1
    counted = Counter(row for share in shares for part in share if part.counts for row in part.rows)
    assert counted == Counter(batch)
    for part in (part for share in shares for part in share):
        assert 1 <= len(part.rows) <= size
        assert set(part.rows) <= set(batch)
