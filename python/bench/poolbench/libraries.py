"""The libraries under measurement, and how each of them opens a pool."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeVar, cast

from poolbench.socketpair import SocketPairPool
from poolbench.tasks import pause

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Result(Protocol[R_co]):
    """What ``apply_async`` returns."""

    def get(self) -> R_co: ...


class Pool(Protocol):
    """The part of ``multiprocessing.Pool`` that scenarios use."""

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


@dataclass(frozen=True)
class Library:
    """A name, and a function that opens a pool of so many processes by a start method.

    The start method ``None`` means the interpreter's default. A function that a library cannot
    offer raises ``NotImplementedError`` when a scenario calls it.
    """

    name: str
    open: Callable[[int, str | None], Pool]

    def open_warm(self, processes: int) -> Pool:
        """Open a pool by the default start method, and wait until every worker has run a task."""
        pool = self.open(processes, None)
        pool.map(pause, [0.05] * processes, 1)
        return pool


def _open_gopool(processes: int, method: str | None) -> Pool:
    gopool = importlib.import_module("gopool")
    context = multiprocessing.get_context(method)
    return cast(Pool, gopool.Pool(processes, context=context))


def _open_multiprocessing(processes: int, method: str | None) -> Pool:
    return cast(Pool, multiprocessing.get_context(method).Pool(processes))


def _open_socketpair(processes: int, method: str | None) -> Pool:
    return cast(Pool, SocketPairPool(method))


SUBJECT = "gopool"
REFERENCE = "multiprocessing"
CONTROL = "control"
FLOOR = "socketpair"

LIBRARIES = {
    library.name: library
    for library in [
        Library(SUBJECT, _open_gopool),
        Library(REFERENCE, _open_multiprocessing),
        # multiprocessing.Pool once more: measured in gopool's place (--subject control), it shows
        # how far from 1 a ratio gets by chance on this machine.
        Library(CONTROL, _open_multiprocessing),
        # Not a pool: the least that one call on another process can cost.
        Library(FLOOR, _open_socketpair),
    ]
}
