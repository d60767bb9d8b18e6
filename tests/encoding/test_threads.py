"""BLAS threads are limited inside, restored after, and work keeps its order."""

import threading

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from brainalign.encoding.threads import map_in_threads, single_threaded_blas


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in ThreadpoolController().info() if pool["user_api"] == "blas"}


def test_limit_holds_inside_and_is_lifted_after_an_exception() -> None:
    def fail() -> None:
        with single_threaded_blas() as allowed:
            assert allowed == 2
            assert blas_threads() == {1}
            raise ZeroDivisionError

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ZeroDivisionError):
            fail()
        assert blas_threads() == {2}


def test_results_keep_their_order_and_use_the_threads_allowed() -> None:
    barrier = threading.Barrier(2, timeout=10)

    def meet(item: int) -> int:
        barrier.wait()
        return item * item

    assert map_in_threads(meet, range(6), 2) == [0, 1, 4, 9, 16, 25]
    assert map_in_threads(lambda item: item + 1, range(3), 1) == [1, 2, 3]


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        map_in_threads(lambda item: 1 // item, [1, 0], 2)
