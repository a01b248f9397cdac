"""Any ``concurrent.futures.Executor`` as a pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, as_completed
from typing import Any, Generic, TypeVar

from poolbench.libraries.library import Adapter, Result

T = TypeVar("T")
R = TypeVar("R")


class FutureResult(Generic[R]):
    """A future by the name that ``multiprocessing`` has for it."""

    __slots__ = ("get",)

    def __init__(self, future: Future[R]) -> None:
        self.get = future.result


class ExecutorPool(Adapter):
    """An executor's ``submit`` and ``map``, which is lazy in its results.

    An unordered map is ``as_completed`` over single calls, the way that the documentation shows.
    """

    library = "an executor"

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def close(self) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def apply_async(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> Result[R]:
        return FutureResult(self._executor.submit(func, *args))

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        if chunksize is None:
            return list(self._executor.map(func, iterable))
        return list(self._executor.map(func, iterable, chunksize=chunksize))

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        return self._executor.map(func, iterable, chunksize=chunksize)

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        if chunksize != 1:
            self._cannot("has no chunks in an unordered map")
        submit = self._executor.submit
        return (f.result() for f in as_completed([submit(func, item) for item in iterable]))
