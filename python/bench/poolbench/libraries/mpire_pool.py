"""``mpire.WorkerPool``, told to keep its workers between calls."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from mpire import WorkerPool

from poolbench.libraries.library import Adapter, Pool, Result

T = TypeVar("T")
R = TypeVar("R")

# Another map is refused with an error; a single call beside a map may never be answered.
NOT_SHARED = "mpire does not take calls while a map is running"


class _WorkerPool(Adapter):
    library = "mpire"

    def __init__(self, workers: int, method: str) -> None:
        self._pool = WorkerPool(n_jobs=workers, start_method=method, keep_alive=True)

    def close(self) -> None:
        self._pool.stop_and_join()

    def terminate(self) -> None:
        self._pool.terminate()

    def apply_async(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> Result[R]:
        return cast("Result[R]", self._pool.apply_async(func, args))

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        return cast("list[R]", self._pool.map(func, iterable, chunk_size=chunksize))

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        return cast("Iterator[R]", self._pool.imap(func, iterable, chunk_size=chunksize))

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        return cast("Iterator[R]", self._pool.imap_unordered(func, iterable, chunk_size=chunksize))


def open_pool(processes: int, method: str | None) -> Pool:
    default = multiprocessing.get_context().get_start_method()
    return _WorkerPool(processes, method or default)


def open_threads(threads: int) -> Pool:
    return _WorkerPool(threads, "threading")
