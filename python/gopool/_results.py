"""Results of jobs: they wait in Go and are decoded by the thread that asks for them."""

from __future__ import annotations

import multiprocessing.pool
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from multiprocessing import TimeoutError
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec, _core, _exchange, _jobs, _loss, _options, _wire
from ._latch import SLICE, Latch
from ._owner import Owner

if TYPE_CHECKING:
    from ._awaiting import Waiter
    from .pool import Pool

R = TypeVar("R")

#: `SLICE` in ms, for waits in Go.
SLICE_MS = round(SLICE * 1000)

#: A waiting thread is woken to decode when so many results are there.
_PORTION = 2048

_SEGMENT = struct.Struct("<QQQQQQ")  # gopool/bridge/collect.go


def deadline_after(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout


def left_until(deadline: float | None, longest: float) -> float:
    """Return how many seconds are left, at most `longest`."""
    return longest if deadline is None else max(0, min(longest, deadline - time.monotonic()))


def slice_ms(deadline: float | None) -> int:
    """Return for how many ms to wait in one go; 0 if the deadline is over, -1 for ever."""
    longest = SLICE_MS if threading.current_thread() is threading.main_thread() else -1
    if deadline is None:
        return longest
    left = max(0, round((deadline - time.monotonic()) * 1000))
    return left if longest < 0 else min(left, longest)


def receive(job: int, taken: int) -> tuple[int, bytes]:
    """Return a status, and the segments of a job that are there after the first `taken`.

    They are copied, so that the exchange is free while they are decoded, which
    runs code of the user's.
    """
    exchange = _exchange.borrow()
    try:
        status = _core.native.bridge_Collect(job, taken, exchange.handle)
        if status < _core.TOO_SMALL:
            larger = _exchange.borrow(-status)
            _exchange.give_back(exchange)
            exchange = larger
            status = _core.native.bridge_Collect(job, taken, exchange.handle)
        return status, bytes(exchange.view[: max(0, status)])
    finally:
        _exchange.give_back(exchange)


def decode_segments(
    data: bytes, kept: dict[int, Any], function: Callable[..., object], gathered: bool = False
) -> Iterator[tuple[int, list[Any]]]:
    """Yield index and outcomes of segments of a job of calls of `function`.

    Those that never left this process are in `kept`. The job of calls that were gathered is
    nobody's but ours: each of them is the only one of its own.
    """
    view = memoryview(data)
    at = 0
    while at < len(view):
        index, count, skip, encoding, lengths_size, size = _SEGMENT.unpack_from(view, at)
        start = at + _SEGMENT.size
        at = start + lengths_size + size
        lengths, body = view[start : start + lengths_size], view[start + lengths_size : at]
        if encoding == _wire.LOST:
            yield index, [_codec.Raised(_loss.lost(function, 0 if gathered else index, body))]
        elif encoding == _wire.CANCELLED:
            yield index, [_codec.Raised(_core.cancelled())]
        elif encoding == _wire.LOCAL:
            yield index, [kept[i] for i in range(index, index + count)]
        elif encoding == _wire.PACKED:
            from ._gofunctions import packing

            yield index, packing.outcomes(function, count, lengths, body)  # type: ignore[arg-type]
        else:
            yield index, _codec.decode_outcomes(encoding, skip, count, lengths, body)


def wake_all(awaited: deque[Waiter] | None) -> None:
    """Have all tasks of asyncio go on that wait."""
    if awaited:
        from . import _awaiting

        waiters = []
        with suppress(IndexError):  # others may take some at the same time
            while True:
                waiters.append(awaited.popleft())
        _awaiting.wake(waiters)


# Derived for `isinstance`, and for `AsyncResult[int]` at run time; nothing else is inherited.
class AsyncResult(multiprocessing.pool.ApplyResult[R]):
    """The result of `apply_async`, as `multiprocessing.pool.AsyncResult`.

    Differences: `get` raises `gopool.WorkerLostError` if the worker died and
    `gopool.PoolTerminatedError` if the pool was terminated, where
    `multiprocessing` waits for ever. In `asyncio`, `await` does what `get` does, and
    blocks no thread.
    """

    _job = 0
    _awaited: deque[Waiter] | None = None  # tasks of asyncio that wait
    _feed: Any = None  # if its tasks are added one after the other
    _left = 0  # outcomes not collected; 0 if nothing was submitted
    _told: Latch | None = None  # the callback has returned: before the result is ready
    _teller: Owner | None = None  # whose thread will call it

    def __init__(
        self,
        pool: Pool,
        func: Callable[..., object],
        callback: Callable[[Any], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        options: _options.Options = _options.NONE,
    ) -> None:
        self._pool: Pool | None = pool  # a pool lives while results of it are outstanding
        self._function = func
        self._callback = callback
        self._error_callback = error_callback
        self._options = options
        self._job = 0  # its number, as long as Go knows it
        self._taken = 0  # segments of it that are decoded and stored
        self._error: BaseException | None = None
        self._value: Any = None
        self._kept: dict[int, Any] = {}  # outcomes that never left this process, by index
        self._collecting = threading.Lock()
        if callback or error_callback:
            self._told = Latch()
            self._teller = pool._owner(func)

    def __del__(self) -> None:
        if self._job and _core.is_usable():
            self._forget()

    def _forget(self) -> None:
        """Let Go drop the job's results. Its tasks run all the same."""
        job, self._job = self._job, 0
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.drop()
            return
        _jobs.forget(job)

    def ready(self) -> bool:
        """Return whether the call has completed."""
        return self._wait(0)

    def successful(self) -> bool:
        """Return whether the call completed without raising an exception.

        Raises ValueError if the result is not ready.
        """
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        self._collect(None)
        return self._error is None

    def wait(self, timeout: float | None = None) -> None:
        """Block until the result is there, or for `timeout` seconds."""
        self._wait(timeout)

    def get(self, timeout: float | None = None) -> R:
        """Return the result when it is there. Blocks.

        Raises what the call raised, with the traceback of the worker as its
        cause, and `multiprocessing.TimeoutError` if the result is not there
        within `timeout` seconds.
        """
        if not self._collect(timeout):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[no-any-return]

    def __await__(self) -> Generator[Any, None, R]:
        """Return the result when it is there: in a coroutine of `asyncio`, on any loop.

        If the task that awaits it is cancelled, so is the result, unless another task
        awaits it: see `cancel`.
        """
        from . import _awaiting

        return _awaiting.result_of(self).__await__()

    def _watch(self, waiter: Waiter) -> None:
        """Have a waiter woken when the result may be ready."""
        # In one step, as threads may share the result.
        self.__dict__.setdefault("_awaited", deque()).append(waiter)
        pool = self._pool
        if pool is None or (self._told is not None and self._told.is_open):
            self._release()
        elif self._told is None:  # else the end of the callback wakes all
            pool._owner(self._function).watch(self._job, self, self._taken, sys.maxsize)

    def _unwatch(self, waiter: Waiter) -> bool:
        """Say that a waiter was woken, or waits no more; tell whether others wait."""
        assert self._awaited is not None
        with suppress(ValueError):
            self._awaited.remove(waiter)
        return len(self._awaited) > 0

    def cancel(self, *, running: bool = False) -> bool:
        """Give the result up: tasks of it that have not begun never run.

        Those that have begun go on, and what they return is dropped; with `running` they
        are ended at once, each with its worker, which is replaced. Returns True if the result is
        cancelled: `get` raises `gopool.CancelledError` from now on, `error_callback`
        is called with that, and `ready` is True. Returns False, and does nothing, if the
        result is complete already, with whatever it came to.

        A `ThreadPool` raises ValueError for `running`: a thread can't be ended.
        `multiprocessing` has no such method.
        """
        pool = self._pool
        return pool is not None and pool._owner(self._function).cancel(self._job, running)

    def _wait(self, timeout: float | None) -> bool:
        """Block until all outcomes are there, and tell whether they are."""
        if not self._is_told(timeout):
            return False
        return self._wait_for(sys.maxsize, timeout)

    def _wait_for(self, want: int, timeout: float | None) -> bool:
        """Block until so many outcomes can be collected, or no more will come; tell whether."""
        deadline = deadline_after(timeout)
        while self._left:
            ms = slice_ms(deadline)
            status = _core.native.bridge_Wait(self._job, self._taken, want, ms)
            if status != _core.TIMEOUT:
                break
            if ms == 0:
                return False
        return True

    def _collect(self, timeout: float | None) -> bool:
        """Collect outcomes until all are here, and tell whether they are."""
        if not self._is_told(timeout):
            return False
        deadline = deadline_after(timeout)
        before = -1
        while self._left:
            # Not held while waiting: others wait for it without a time limit.
            with self._collecting:
                if self._left:
                    self._collect_some()
                if self._left == before:  # the wait is over, and nothing has come
                    self._error = RuntimeError("interrupted before all tasks were sent")
                    self._left = 0
            before = self._left
            left = None if deadline is None else deadline - time.monotonic()
            if not self._wait_for(min(self._left, _PORTION), left):
                return False
        return True

    def _is_told(self, timeout: float | None) -> bool:
        """Block until the callback has returned; callbacks themselves do not wait for that."""
        if self._left or self._told is not None:
            _core.check_process()
        teller = self._teller
        if self._told is None or (teller is not None and teller.is_calling_back()):
            return True
        return self._told.wait(timeout)

    def _tell(self) -> None:
        """Call back: in the thread for callbacks, when the job is done."""
        if self._told is None:  # only tasks of asyncio wait
            self._release()
            return
        try:
            self._collect(None)
            if self._error is None:
                if self._callback is not None:
                    self._callback(self._value)
            elif self._error_callback is not None:
                self._error_callback(self._error)
        finally:
            self._release()

    def _release(self) -> None:
        """Let those go on who wait for the callback: it has returned, or will never be called."""
        self._teller = None
        if self._told is not None:
            self._told.open()
        wake_all(self._awaited)

    def _collect_some(self) -> None:
        """Take in what has arrived."""
        status, data = receive(self._job, self._taken)
        if status >= 0:
            self._take_in(data)
        else:
            self._give_up(status)
        if not self._left:
            self._forget()
            self._pool = None
            self._kept = {}

    def _take_in(self, data: bytes) -> None:
        """Decode and store segments. Interrupted by Ctrl-C, those not stored come again."""
        for index, outcomes in decode_segments(data, self._kept, self._function):
            self._store(index, outcomes)
            # Python looks for signals after a call and at the end of a loop: nothing
            # may come between the two, or what has been counted would be waited for.
            taken, left = self._taken + 1, self._left - len(outcomes)
            self._taken = taken
            self._left = left

    def _give_up(self, status: int) -> None:
        """Take the end of the job, or of the pool, for the outcome of all that is left."""
        pool = self._pool
        owner = None if pool is None else pool._owner(self._function)
        self._error = _core.error(status) if owner is None else owner.error(status)
        self._left = 0

    def _store(self, index: int, outcomes: list[Any]) -> None:
        outcome = outcomes[0]
        if type(outcome) is _codec.Raised:
            self._error = outcome.error
        else:
            self._value = outcome


class MapResult(AsyncResult[list[R]], multiprocessing.pool.MapResult[R]):
    """The result of `map_async` and `starmap_async`, as `multiprocessing.pool.MapResult`.

    Where several calls raised, `get` raises the exception of the first in the
    order of the input, once all have completed; with `return_exceptions` it returns
    them all.
    """

    def __init__(
        self,
        pool: Pool,
        func: Callable[..., object],
        length: int,
        callback: Callable[[list[Any]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        options: _options.Options = _options.NONE,
    ) -> None:
        super().__init__(pool, func, callback, error_callback, options)
        self._value = [None] * length
        self._failed = length  # index of the first call that raised

    def _store(self, index: int, outcomes: list[Any]) -> None:
        if _codec.Raised in map(type, outcomes):
            if self._options.return_exceptions:
                outcomes = _codec.with_errors(outcomes)
            for offset, outcome in enumerate(outcomes):
                if type(outcome) is _codec.Raised:
                    self._fail(index + offset, outcome.error)
        self._value[index : index + len(outcomes)] = outcomes

    def _fail(self, index: int, error: BaseException) -> None:
        if index < self._failed:
            self._failed, self._error = index, error
