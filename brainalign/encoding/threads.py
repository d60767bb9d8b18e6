"""Use the caller's threads on whole blocks of work instead of inside products of small matrices.

A threaded BLAS gains nothing on matrices of a few dozen rows, and on a busy machine its threads spin while they wait
for one another: 60 eigendecompositions took 17 ms with one thread and up to 2 s with two on two shared cores.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Given = TypeVar("Given")
Made = TypeVar("Made")


@contextmanager
def single_threaded_blas() -> Iterator[int]:
    """Keep BLAS to one thread inside the context, for all threads of the process.

    Yields
    ------
    int, the number of threads that BLAS had before: what the caller allows (``OMP_NUM_THREADS``, ``threadpoolctl``).
    """
    controller = ThreadpoolController().select(user_api="blas")
    allowed = max((int(pool["num_threads"]) for pool in controller.info()), default=1)
    with controller.limit(limits=1):
        yield allowed


def map_in_threads(function: Callable[[Given], Made], items: Iterable[Given], n_threads: int) -> list[Made]:
    """Apply a function to items in up to ``n_threads`` threads; results keep the order of items."""
    if n_threads == 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        return list(pool.map(function, items))
