"""``pebble.ProcessPool`` and ``pebble.ThreadPool``."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from typing import Any, TypeVar

import pebble

from poolbench.libraries.futures import FutureResult
from poolbench.libraries.library import Adapter, Pool, Result

T = TypeVar("T")
R = TypeVar("R")


class _PebblePool(Adapter):
    library = "pebble"

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def close(self) -> None:
        self._pool.close()
        self._pool.join()

    def terminate(self) -> None:
        self._pool.stop()
        self._pool.join()

    def apply_async(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> Result[R]:
        return FutureResult(self._pool.schedule(func, args=args))

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        options = {} if chunksize is None else {"chunksize": chunksize}
        return list(self._pool.map(func, iterable, **options).result())

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        results: Iterator[R] = self._pool.map(func, iterable, chunksize=chunksize).result()
        return results

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        if chunksize != 1:
            self._cannot("has no chunks in an unordered map")
        schedule = self._pool.schedule
        return (f.result() for f in as_completed([schedule(func, (item,)) for item in iterable]))


def open_pool(processes: int, method: str | None) -> Pool:
    context = multiprocessing.get_context(method)
    return _PebblePool(pebble.ProcessPool(processes, context=context))


def open_threads(threads: int) -> Pool:
    return _PebblePool(pebble.ThreadPool(threads))
