"""`threads_per_worker`: how many threads BLAS and OpenMP use in a worker."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.programs import Program
from threadpoolctl import threadpool_info

import gopool


def threads() -> list[int]:
    """Return how many threads each library would use, once it has had to do something."""
    square = np.ones((50, 50))
    assert (square @ square)[0, 0] == 50
    return [library["num_threads"] for library in threadpool_info()]


@pytest.mark.parametrize(("method", "count"), [("fork", 1), ("fork", 2), ("spawn", 1)])
def test_workers_use_no_more(method: str, count: int) -> None:
    """Those of libraries that were loaded before, and nobody else."""
    here, environment = threads(), dict(os.environ)
    context = multiprocessing.get_context(method)
    with gopool.Pool(1, context=context, threads_per_worker=count) as pool:
        assert {*pool.apply(threads)} == {min(count, *here)}
        assert pool.apply(os.getenv, ("OMP_NUM_THREADS",)) == str(count)
    assert threads() == here
    assert dict(os.environ) == environment


def test_replacements_do_not_either() -> None:
    with gopool.Pool(1, maxtasksperchild=1, threads_per_worker=1) as pool:
        assert [set(pool.apply(threads)) for _ in range(3)] == [{1}] * 3


def test_nor_do_libraries_that_a_task_loads(start_program: Callable[..., Program]) -> None:
    outcome = start_program(
        """
        import multiprocessing, sys
        import gopool

        def threads():
            assert "numpy" not in sys.modules
            import numpy
            from threadpoolctl import threadpool_info
            return {library["num_threads"] for library in threadpool_info()}

        if __name__ == "__main__":
            for method in "fork", "spawn":
                context = multiprocessing.get_context(method)
                with gopool.Pool(1, context=context, threads_per_worker=1) as pool:
                    assert pool.apply(threads) == {1}
        """
    ).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")


def test_it_needs_threadpoolctl_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the caller, before anything is started."""
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match=r"pip install 'gopool\[numeric\]'"):
        gopool.Pool(1, threads_per_worker=1)


@pytest.mark.parametrize(("count", "error"), [(0, ValueError), ("1", TypeError)])
def test_it_is_a_positive_number(count: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^threads_per_worker must be"):
        gopool.Pool(1, threads_per_worker=count)


def test_threads_of_a_pool_share_what_the_process_has() -> None:
    with pytest.raises(TypeError, match="threads_per_worker"):
        gopool.ThreadPool(1, threads_per_worker=1)  # type: ignore[call-arg]
