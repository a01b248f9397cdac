"""``joblib.Parallel``, whose workers (loky's) stay from one call to the next.

It has no single calls. A list of one task would do, in about 10 ms, and is not meant for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor

from poolbench.libraries.library import Adapter, CannotMeasure, Pool

T = TypeVar("T")
R = TypeVar("R")


class _ParallelPool(Adapter):
    library = "joblib"

    def __init__(self, workers: int, backend: str) -> None:
        self._workers = workers
        self._backend = backend

    def close(self) -> None:
        if self._backend == "loky":
            get_reusable_executor().shutdown(wait=True)

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        parallel = self._parallel(batch_size=chunksize or "auto")
        return list(parallel(delayed(func)(item) for item in iterable))

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        return self._stream("generator", func, iterable, chunksize)

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        return self._stream("generator_unordered", func, iterable, chunksize)

    def _stream(
        self, kind: str, func: Callable[[T], R], iterable: Iterable[T], chunksize: int
    ) -> Iterator[R]:
        parallel = self._parallel(batch_size=chunksize, return_as=kind)
        return iter(parallel(delayed(func)(item) for item in iterable))

    def _parallel(self, **options: Any) -> Any:
        return Parallel(n_jobs=self._workers, backend=self._backend, **options)


def open_pool(processes: int, method: str | None) -> Pool:
    if method is not None:
        raise CannotMeasure(f"joblib starts workers by loky's own method, not by {method}")
    return _ParallelPool(processes, "loky")


def open_threads(threads: int) -> Pool:
    return _ParallelPool(threads, "threading")


def joblib_backend() -> str:
    return "loky"
