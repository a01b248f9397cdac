"""`PoolExecutor`: the pool as a `concurrent.futures.Executor`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from itertools import chain, islice
from multiprocessing import TimeoutError
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet, ref

from . import _codec, _core
from ._errors import BrokenPoolError
from ._feeder import is_plain
from ._futures import FutureGathering, as_broken, refusal, submit_call
from ._gofunctions.function import GoFunction
from ._imap import IMapIterator, start_imap
from ._supervisor import Supervisor
from .pool import Pool

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class PoolExecutor(Executor):
    """A `concurrent.futures.Executor` of worker processes, as `ProcessPoolExecutor`.

    max_workers
        how many workers; by default one for each CPU that this process may use.
    mp_context
        a `multiprocessing` context that starts the workers; by default that of
        `multiprocessing.get_start_method()`.
    initializer, initargs
        called as `initializer(*initargs)` in each worker when it starts.
    max_tasks_per_child
        a worker is replaced after so many calls (of `map`: chunks); by default never.
    options
        the keyword-only arguments of `gopool.Pool`, such as `task_timeout`.

    The workers start with the first call. Leaving the `with` block waits for
    all calls. Raises ValueError or TypeError for arguments that make no sense.

    Differences from `ProcessPoolExecutor`: a worker that dies takes one call
    with it, whose future raises `WorkerLostError`, and the executor goes on. That error,
    `BrokenPoolError` and `PoolTerminatedError` are `BrokenProcessPool` as well here. Arguments are
    pickled when `submit` is called. `max_tasks_per_child` is for all start methods.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: BaseContext | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: int | None = None,
        **options: Any,
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        self._new_pool = partial(
            Pool,
            max_workers,
            initializer,
            tuple(initargs),
            max_tasks_per_child,
            mp_context,
            **options,
        )
        self._lock = threading.Lock()  # guards the two
        self._pool: Pool | None = None
        self._maps: WeakSet[IMapIterator[Any]] = WeakSet()
        self._is_shut_down = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have `fn(*args, **kwargs)` called in a worker; return its future at once.

        A call whose function or arguments can't be pickled has failed. Raises
        RuntimeError after `shutdown`, and `BrokenPoolError` if the workers can't be started.
        """
        pool = self._running()
        tray = pool._supervisor.gathering.tray
        if tray is not None and tray.function is fn:
            gathered: Future[T] | None = tray.add(pool, args, kwargs)
            if gathered is not None:
                return gathered
        return submit_call(pool, fn, args, kwargs)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator over `map(fn, *iterables)`, computed in the workers.

        The iterables are consumed at once; with `buffersize`, only so many chunks ahead
        of the results that were taken. Workers are handed `chunksize` items at a time, or
        a multiple of it. Where a call raised, the iterator raises that, and ends: calls that
        were not begun never run, nor do they if it is closed, or left by a `for`. It raises
        `concurrent.futures.TimeoutError` if a result is not there `timeout` seconds after
        the call of `map`. Raises ValueError or TypeError for arguments that make no
        sense; otherwise as `submit`.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        deadline = None if timeout is None else time.monotonic() + timeout
        if buffersize is not None:
            return self._map_buffered(fn, iterables, deadline, chunksize, buffersize)
        return self._map_all(fn, iterables, deadline, chunksize)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let no more calls in; workers exit when the outstanding ones are done.

        With `cancel_futures`, calls that no worker has been handed are cancelled. Blocks
        until all is done and the workers have exited, unless `wait` is false.
        """
        with self._lock:
            self._is_shut_down = True
            pool = self._pool
        if pool is None or not _core.is_usable():
            return
        pool.close()
        if cancel_futures:
            _gathering(pool).cancel()
            for results in list(self._maps):
                results.cancel()
        if wait:
            pool.join()

    def terminate_workers(self) -> None:
        """End the workers at once: by SIGTERM, and after 0.2 s by SIGKILL.

        Calls that no worker has been handed are cancelled; the others raise
        `PoolTerminatedError`. Blocks until the workers have ended.
        """
        self._end_workers(None)

    def kill_workers(self) -> None:
        """Do as `terminate_workers`, by SIGKILL."""
        self._end_workers(0)

    def _end_workers(self, grace: float | None) -> None:
        self.shutdown(wait=False, cancel_futures=True)
        pool = self._pool
        if pool is None or not _core.is_usable():
            return
        if grace is not None:
            assert isinstance(pool._supervisor, Supervisor)
            pool._supervisor.grace = grace
        pool.terminate()

    def __del__(self) -> None:
        # What was submitted is still done. Of one that was not made there is nothing.
        pool = getattr(self, "_pool", None)
        if pool is not None and _core.is_usable():
            pool.close()

    def _running(self) -> Pool:
        """Return the pool, started if need be. Raises RuntimeError if there is to be none."""
        pool = self._pool
        if pool is None or self._is_shut_down or _exiting:
            pool = self._start()
        _core.check_process()
        return pool

    def _start(self) -> Pool:
        with self._lock:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if _exiting:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            if self._pool is None:
                pool = self._new_pool()
                owner = pool._supervisor
                owner.gathering = FutureGathering(owner.gathering.names, pool)
                _pools.add(pool)
                self._pool = pool
            return self._pool

    def _map_all(
        self,
        fn: Callable[..., T],
        iterables: tuple[Iterable[Any], ...],
        deadline: float | None,
        chunksize: int,
    ) -> Iterator[T]:
        pool = self._running()
        items: Any
        if len(iterables) == 1:
            (items,) = iterables
            if type(items) not in (range, tuple):  # others may change, or are consumed
                items = list(items)
            results: IMapIterator[T] = IMapIterator(pool, fn, pool._options)
        else:
            items = list(zip(*iterables, strict=False))
            results = _StarIterator(pool, fn, pool._options)
        assert is_plain(items)
        try:
            start_imap(results, pool._owner(fn), items, chunksize, None)
        except (ValueError, BrokenPoolError) as error:
            raise refusal(error) from None
        self._maps.add(results)
        return _walk(results, deadline)

    def _map_buffered(
        self,
        fn: Callable[..., T],
        iterables: tuple[Iterable[Any], ...],
        deadline: float | None,
        chunksize: int,
        buffersize: int,
    ) -> Iterator[T]:
        self._running()
        calls = zip(*iterables, strict=False)
        if chunksize == 1 or isinstance(fn, GoFunction):  # goroutines need no chunks
            return self._submit_ahead(fn, calls, deadline, buffersize)
        chunks = iter(lambda: tuple(islice(calls, chunksize)), ())
        lists = ((fn, chunk) for chunk in chunks)
        return chain.from_iterable(self._submit_ahead(_call_each, lists, deadline, buffersize))

    def _submit_ahead(
        self,
        fn: Callable[..., T],
        calls: Iterator[tuple[Any, ...]],
        deadline: float | None,
        buffersize: int,
    ) -> Iterator[T]:
        """Submit the first calls at once, and each of the others when a result is asked for."""
        futures = deque(self.submit(fn, *arguments) for arguments in islice(calls, buffersize))
        # An executor that is dropped submits no more, as that of the standard library.
        return _results(futures, fn, calls, ref(self), deadline)


class _StarIterator(IMapIterator[T]):
    _convention = _codec.STAR


def _call_each(fn: Callable[..., T], calls: tuple[tuple[Any, ...], ...]) -> list[T]:
    """Call a function several times: a chunk, in the worker."""
    return [fn(*arguments) for arguments in calls]


def _results(
    futures: deque[Future[T]],
    fn: Callable[..., T],
    calls: Iterator[tuple[Any, ...]],
    executor: ref[PoolExecutor],
    deadline: float | None,
) -> Iterator[T]:
    try:
        while futures:
            alive = executor()
            if alive is not None and (arguments := next(calls, None)) is not None:
                futures.append(alive.submit(fn, *arguments))
            del alive
            # No name may be left for a result while the consumer has it.
            yield futures.popleft().result(_left(deadline))
    finally:
        for future in futures:
            future.cancel()


def _walk(results: IMapIterator[T], deadline: float | None) -> Iterator[T]:
    """Yield the results of a map, up to the first that is an exception."""
    with results:  # what was not begun when this ends never runs
        while True:
            try:
                outcome = results._take(_left(deadline))
            except StopIteration:
                return
            except TimeoutError:
                raise FutureTimeoutError from None
            if type(outcome) is _codec.Raised:
                try:
                    raise as_broken(outcome.error)
                finally:
                    del outcome  # or the traceback would hold it, and it the traceback
            taken = [outcome]
            del outcome  # no name may be left for a result while the consumer has it
            yield taken.pop()


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0, deadline - time.monotonic())


def _gathering(pool: Pool) -> FutureGathering:
    gathering = pool._supervisor.gathering
    assert isinstance(gathering, FutureGathering)
    return gathering


# The end of the interpreter.

_exiting = False
_pools: WeakSet[Pool] = WeakSet()  # those of executors; one lives while calls of it are outstanding


def _finish() -> None:
    """Have all that was submitted done, before the interpreter ends."""
    global _exiting
    _exiting = True
    if not _core.is_usable():  # a forked child's are not its own
        return
    pools = list(_pools)
    for pool in pools:
        pool.close()
    for pool in pools:
        pool.join()


# As `concurrent.futures` does: before threads are waited for, and all of `atexit`.
threading._register_atexit(_finish)  # type: ignore[attr-defined]
