"""A library by name, and the pool that scenarios expect of it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, NoReturn, Protocol, TypeVar

from poolbench.tasks import pause
from poolbench.work import Work

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Result(Protocol[R_co]):
    """What ``apply_async`` returns. The type of the time-out's exception is the library's own."""

    def get(self, timeout: float | None = None) -> R_co: ...


class Pool(Protocol):
    """The part of ``multiprocessing.Pool`` that scenarios use.

    No ``chunksize`` means that the library decides. ``terminate`` ends the workers whatever they
    are at, and returns when they are gone; so does the end of a ``with`` block where the library
    works that way, and elsewhere it waits for running tasks.
    """

    def __enter__(self) -> Pool: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    def apply(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> R: ...

    def apply_async(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> Result[R]: ...

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]: ...

    def starmap(self, func: Callable[..., R], iterable: Iterable[tuple[Any, ...]]) -> list[R]: ...

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]: ...

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]: ...

    def terminate(self) -> None: ...


class CannotMeasure(NotImplementedError):
    """Raised where a library does not offer what a scenario needs; the text is the reason."""


class Adapter:
    """Base of the adapters: what a library lacks says so when a scenario calls it."""

    library = "the library"

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the pool the way that its library documents."""
        self._cannot("does not end a pool")

    def apply(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> R:
        return self.apply_async(func, args).get()

    def apply_async(self, func: Callable[..., R], args: tuple[Any, ...] = ()) -> Result[R]:
        self._cannot("has no single calls")

    def map(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        self._cannot("has no map")

    def starmap(self, func: Callable[..., R], iterable: Iterable[tuple[Any, ...]]) -> list[R]:
        self._cannot("has no starmap")

    def imap(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        self._cannot("has no lazy map")

    def imap_unordered(
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int = 1
    ) -> Iterator[R]:
        self._cannot("has no unordered map")

    def terminate(self) -> None:
        self._cannot("waits for running tasks when a pool ends")

    def _cannot(self, reason: str) -> NoReturn:
        raise CannotMeasure(f"{self.library} {reason}")


@dataclass(frozen=True)
class Library:
    """A name, and the module that opens this library's pools.

    What a library cannot do raises ``CannotMeasure``, here or when a scenario calls it.
    """

    name: str
    module: str

    def open(self, processes: int, method: str | None = None) -> Pool:
        """Open a pool of processes by a start method; ``None`` is the library's own default."""
        pool: Pool = self._load().open_pool(processes, method)
        return pool

    def open_warm(self, processes: int) -> Pool:
        """Open a pool by the default start method, and wait until every worker has run a task."""
        return _warm(self.open(processes), processes)

    def open_shared(self, processes: int) -> Pool:
        """Open a warm pool that threads will call while another one has a ``map`` running."""
        reason = getattr(self._load(), "NOT_SHARED", None)
        if reason is not None:
            raise CannotMeasure(reason)
        return self.open_warm(processes)

    def open_warm_threads(self, threads: int) -> Pool:
        """Open a pool of threads, and wait until every one of them has run a task."""
        module = self._load()
        if not hasattr(module, "open_threads"):
            raise CannotMeasure(f"{self.name} has no pool of threads")
        return _warm(module.open_threads(threads), threads)

    def open_warm_executor(self, processes: int) -> Executor:
        """Open an executor of processes, and wait until every one of them has run a task."""
        module = self._load()
        if not hasattr(module, "open_executor"):
            raise CannotMeasure(f"{self.name} has no executor")
        executor: Executor = module.open_executor(processes)
        list(executor.map(pause, [0.05] * processes))
        return executor

    def open_warm_for(self, work: Work, workers: int) -> tuple[Pool, Callable[..., Any]]:
        """Open a warm pool for some work, and return with it the function to give to the pool.

        That is the Go function where the library has goroutines, and elsewhere its twin.
        """
        module = self._load()
        if hasattr(module, "open_goroutines"):
            return module.open_goroutines(workers), work.function()
        return self.open_warm(workers), work.twin

    def time_map(
        self, work: Work, items: Sequence[tuple[Any, ...]], workers: int
    ) -> tuple[float, list[Any]]:
        """Do some work once for each of these arguments; return the seconds, and the results."""
        module = self._load()
        if hasattr(module, "run_program"):
            seconds, results = module.run_program(work, items, workers)
            return seconds, results
        pool, function = self.open_warm_for(work, workers)
        with pool:
            start = time.perf_counter()
            results = pool.starmap(function, items)
            return time.perf_counter() - start, results

    def joblib_backend(self) -> str:
        """Return the name of the library's backend for joblib, which knows it from now on."""
        module = self._load()
        if not hasattr(module, "joblib_backend"):
            raise CannotMeasure(f"{self.name} has no backend for joblib")
        backend: str = module.joblib_backend()
        return backend

    def _load(self) -> ModuleType:
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise CannotMeasure(f"{error.name} is not installed") from None


def _warm(pool: Pool, workers: int) -> Pool:
    pool.map(pause, [0.05] * workers, 1)
    return pool
