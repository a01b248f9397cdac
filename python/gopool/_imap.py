"""`imap` and `imap_unordered`: results while the input is still being consumed."""

from __future__ import annotations

import multiprocessing.pool
import operator
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from multiprocessing import TimeoutError
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _codec, _core, _options
from ._feed import Lot
from ._feeder import Feeder, is_plain
from ._results import deadline_after, decode_segments, receive, slice_ms, wake_all

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._awaiting import Waiter
    from ._options import Options
    from ._owner import Owner
    from .pool import Pool

R = TypeVar("R")

#: Up to so many items need no thread that feeds them.
_FEW = 32

#: More than anybody's chunks have, and few enough for `islice`.
_LARGEST_CHUNK = 1 << 31

_NOTHING = object()


# Derived for `isinstance` only, which the standard class has no type parameters for at run time.
if TYPE_CHECKING:

    class _Standard(multiprocessing.pool.IMapIterator[R]): ...

    class _StandardUnordered(multiprocessing.pool.IMapUnorderedIterator[R]): ...

else:

    class _Standard(multiprocessing.pool.IMapIterator, Generic[R]):
        pass

    class _StandardUnordered(multiprocessing.pool.IMapUnorderedIterator, Generic[R]):
        pass


class IMapIterator(_Standard[R]):
    """The iterator that `imap` returns, as `multiprocessing.pool.IMapIterator`.

    Where a call raised, `next` raises that, and the next call goes on behind it. Any
    number of threads may share the iterator.

    Differences: a result whose worker died raises `gopool.WorkerLostError`. When
    the pool was terminated, `next` raises `gopool.PoolTerminatedError` behind the
    results that are there, and is at its end. `multiprocessing` waits for ever. In
    `asyncio`, `async for` does what `for` does, and blocks no thread.
    """

    _flags = _core.ORDERED
    _convention = _codec.CALL
    _awaited: deque[Waiter] | None = None  # tasks of asyncio that wait
    _over = True  # at its end, or dropped; until there is something to drop

    def __init__(
        self, pool: Pool, func: Callable[..., object], options: Options = _options.NONE
    ) -> None:
        self._pool: Pool | None = pool  # a pool lives while results of it are outstanding
        self._function = func
        self._options = options
        self._feed = pool._owner(func).new_feed(options.wrap(func), not options.retries)
        self._collecting = threading.Lock()
        self._over = False

    def __del__(self) -> None:
        if not self._over and _core.is_usable():
            if self._feed.used() or self._awaited is not None:  # a `for` was left
                self._feed.cancel(False)
            self._drop()

    def __iter__(self) -> Self:
        return self

    def next(self, timeout: float | None = None) -> R:
        """Return the next result when it is there. Blocks.

        Raises StopIteration at the end, what the call raised, and
        `multiprocessing.TimeoutError` if the result is not there within `timeout`
        seconds; then it can be asked for again.
        """
        feed = self._feed
        try:  # what `_take` does, without a call for each result
            outcome = feed.lot.popleft()
        except IndexError:
            outcome = _NOTHING
        if outcome is _NOTHING:
            outcome = self._fetch(timeout)
        if feed.waits:
            self._use(outcome)
        if type(outcome) is _codec.Raised:
            try:
                raise outcome.error
            finally:
                del outcome  # or the traceback would hold it, and it the traceback
        return outcome  # type: ignore[no-any-return]

    __next__ = next

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Coroutine[Any, Any, R]:
        """Return the next result when it is there: in a coroutine of `asyncio`, on any loop."""
        from . import _awaiting

        return _awaiting.next_of(self)

    def _take(self, timeout: float | None) -> Any:
        """Return the next outcome, as `next` does its result."""
        feed = self._feed
        try:
            outcome = feed.lot.popleft()
        except IndexError:
            outcome = self._fetch(timeout)
        if feed.waits:
            self._use(outcome)
        return outcome

    def _watch(self, waiter: Waiter) -> None:
        """Have a waiter woken when there may be an outcome."""
        # In one step, as threads may share the iterator.
        self.__dict__.setdefault("_awaited", deque()).append(waiter)
        pool, feed = self._pool, self._feed
        lot = feed.lot
        if pool is None or lot:  # another thread has just collected some
            self._release()
        else:
            pool._owner(self._function).watch(feed.job, self, lot.taken, 1)

    def _unwatch(self, waiter: Waiter) -> None:
        """Say that a waiter was woken, or waits no more."""
        assert self._awaited is not None
        with suppress(ValueError):
            self._awaited.remove(waiter)
            pool = self._pool
            if not self._awaited and pool is not None:
                # The iterator may be dropped now, which ends what it is for.
                pool._owner(self._function).unexpect(self._feed.job)
                if self._awaited:  # by now, in another thread: that watch may have been ended
                    self._release()

    def _tell(self) -> None:
        self._release()

    def _release(self) -> None:
        """Have those go on who wait: there may be an outcome, or will be none."""
        wake_all(self._awaited)

    def _use(self, outcome: Any) -> None:
        """Tell the feeder, who waits for that, that an outcome was taken."""
        feed = self._feed
        try:
            _core.native.bridge_Use(feed.job, feed.used())
        except BaseException:  # Ctrl-C: who asks again has not had it
            feed.lot.appendleft(outcome)
            raise

    def cancel(self, *, running: bool = False) -> bool:
        """Give up what is left: tasks that have not begun never run, and no input is drawn.

        Those that have begun go on, in vain; with `running` they are ended at once, each with its
        worker. `next` raises `gopool.CancelledError` behind the results that are there, and
        is at its end. Returns False, and does nothing, if all results are there.

        A `ThreadPool` raises ValueError for `running`. `multiprocessing` has no such method.
        """
        return not self._over and self._feed.cancel(running)

    def close(self) -> None:
        """Have no more results. Tasks that have not begun never run, and no input is drawn.

        Leaving a `with` block closes the iterator, and so does dropping it after the first
        result was taken, as who leaves a `for` does. One that nothing was taken of is
        dropped as in `multiprocessing`: all of its tasks run.
        """
        with self._collecting:
            if not self._over:
                self._feed.cancel(False)
                self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self, timeout: float | None) -> Any:
        """Collect outcomes when there are some, and take the first."""
        feed = self._feed
        deadline = deadline_after(timeout)
        while not self._over:
            ms = slice_ms(deadline)
            lot = feed.lot
            if not lot and _core.native.bridge_Wait(feed.job, lot.taken, 1, ms) == _core.TIMEOUT:
                if ms == 0:
                    raise TimeoutError
                continue
            # Not held while waiting: others wait for it without a time limit.
            with self._collecting:
                if not feed.lot and feed.lot is lot and not self._over:
                    self._collect(lot)
                try:
                    return feed.lot.popleft()
                except IndexError:  # others were quicker
                    continue
        raise StopIteration

    def _collect(self, last: Lot) -> None:
        """Decode the outcomes behind the last ones. Interrupted by Ctrl-C, they come again."""
        feed = self._feed
        status, data = receive(feed.job, last.taken)
        if status <= 0:
            outcomes = [_codec.Raised(self._error(status))] if status else []
            try:
                self._drop()
            finally:
                feed.lot = Lot(outcomes, last.taken, last.end)
            return
        some: list[Any] = []
        taken = last.taken
        spent: list[int] = []
        for index, outcomes in decode_segments(data, feed.kept, self._function):
            as_results = self._options.return_exceptions and index != feed.broke_off
            some += _codec.with_errors(outcomes) if as_results else outcomes
            taken += 1
            if index in feed.kept:
                spent += range(index, index + len(outcomes))
        feed.lot = Lot(some, taken, last.end + len(some))
        for index in spent:
            feed.kept.pop(index, None)

    def _error(self, status: int) -> Exception:
        pool = self._pool
        return _core.error(status) if pool is None else pool._owner(self._function).error(status)

    def _drop(self) -> None:
        """Have no more results. What is fed runs all the same, unless it was cancelled."""
        self._over = True
        self._pool = None
        self._feed.drop()


class IMapUnorderedIterator(IMapIterator[R], _StandardUnordered[R]):
    """The iterator that `imap_unordered` returns: results come as they get ready."""

    _flags = 0


def start_imap(
    iterator: IMapIterator[Any],
    owner: Owner,
    iterable: Iterable[Any],
    chunksize: int,
    buffersize: int | None,
) -> None:
    """Start the job of an iterator: feed it, or have it fed. Raises if the pool refuses it."""
    try:
        _start(iterator, owner, iterable, chunksize, buffersize)
    except BaseException:
        iterator._drop()
        raise


def _start(
    iterator: IMapIterator[Any],
    owner: Owner,
    iterable: Iterable[Any],
    chunksize: int,
    buffersize: int | None,
) -> None:
    chunk = min(operator.index(chunksize), _LARGEST_CHUNK)
    if chunk < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunk:n}")
    if buffersize is not None:
        buffersize = min(operator.index(buffersize), _LARGEST_CHUNK)
        if buffersize < 1:
            raise ValueError(f"buffersize must be 1+, not {buffersize}")
        chunk = min(chunk, buffersize)
    source = iter(iterable)
    feed = iterator._feed
    if buffersize is None:
        buffersize = feed.bound(chunk)
    owner.hurry()
    failure = feed.start(iterator._flags, chunk, iterator._convention)
    iterator._options.configure(feed.job)
    if failure is not None:
        feed.add_error(0, failure)
        feed.seal()
    elif (
        is_plain(iterable)
        and len(iterable) <= min(_FEW, buffersize or _FEW)  # type: ignore[arg-type]
        and not owner.is_bounded
    ):
        feed.add_all(iterable, chunk)  # type: ignore[arg-type]
    else:
        Feeder(owner, feed, source, is_plain(iterable), chunk, buffersize).start()
