"""Results of a pool for `asyncio`: tasks of an event loop wait for them, and no thread does.

Go tells the pool's thread for callbacks, which tells the event loops. Outcomes are
decoded where they are asked for, in the thread of the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing import TimeoutError
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec
from ._owner import Thread

if TYPE_CHECKING:
    from ._imap import IMapIterator
    from ._results import AsyncResult

R = TypeVar("R")

Waiter = asyncio.Future[None]

_NOTHING = object()


def wake(waiters: Iterable[Waiter]) -> None:
    """Have those go on who wait, each in the thread of its loop."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiter]] = {}
    for waiter in waiters:
        loops.setdefault(waiter.get_loop(), []).append(waiter)
    for loop, some in loops.items():
        with suppress(RuntimeError):  # a loop that was closed has nobody who waits
            loop.call_soon_threadsafe(_wake, some)


def _wake(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        if not waiter.done():  # else its task was cancelled
            waiter.set_result(None)


def _watch(source: AsyncResult[Any] | IMapIterator[Any]) -> Waiter:
    """Return a future that is done when there may be something new."""
    waiter: Waiter = asyncio.get_running_loop().create_future()
    source._watch(waiter)
    return waiter


async def result_of(result: AsyncResult[R]) -> R:
    """Return a result when it is there, or raise what it raises."""
    while not result.ready():
        waiter = _watch(result)
        try:
            await waiter
        except asyncio.CancelledError:
            if not result._unwatch(waiter):  # nobody else waits for it
                result.cancel()
            raise
    return result.get()


async def next_of(iterator: IMapIterator[R]) -> R:
    """Return the next result of an iterator when it is there. Raises StopAsyncIteration."""
    while True:
        try:
            outcome = iterator._take(0)
        except StopIteration:
            raise StopAsyncIteration from None
        except TimeoutError:
            outcome = _NOTHING  # and go on outside: what is raised there has no context to be kept
        if outcome is _NOTHING:
            waiter = _watch(iterator)
            try:
                await waiter
            except asyncio.CancelledError:
                iterator._unwatch(waiter)
                del iterator  # to be dropped with the loop over it, and not with the traceback
                raise
            continue
        if type(outcome) is _codec.Raised:
            try:
                raise outcome.error
            finally:
                del outcome  # or the traceback would hold it, and it the traceback
        return outcome  # type: ignore[no-any-return]


async def in_thread(function: Callable[[], None]) -> None:
    """Call a function that blocks, in a thread of its own, and wait for its end."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        try:
            function()
        finally:
            wake([ended])

    Thread("gopool-terminate", run)
    await ended
