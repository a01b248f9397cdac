"""`Pool`: a drop-in for `multiprocessing.pool.Pool`."""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import operator
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

from . import _codec, _core, _options
from ._gofunctions.function import GoFunction
from ._imap import IMapIterator, IMapUnorderedIterator, start_imap
from ._interrupts import deferred
from ._owner import Owner
from ._results import AsyncResult, MapResult
from ._settings import Settings
from ._supervisor import Supervisor
from ._threads import Crew

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._options import CallOptions, MapOptions, Options
    from ._progress import FollowedMapResult
    from ._stats import PoolStats
    from ._trace import Trace

__all__ = [
    "ApplyResult",
    "AsyncResult",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapResult",
    "Pool",
    "ThreadPool",
]

ApplyResult = AsyncResult  # `multiprocessing.pool` has both names

T = TypeVar("T")
R = TypeVar("R")
IteratorT = TypeVar("IteratorT", bound=IMapIterator[Any])

_starting = threading.Lock()  # held while a pool starts goroutines

_RUNNING, _CLOSED, _TERMINATED = "RUN", "CLOSE", "TERMINATE"


# Derived for `isinstance` only: everything that the base does is done here in another way.
class Pool(multiprocessing.pool.Pool):
    """A pool of worker processes, as `multiprocessing.pool.Pool`, of which it is a subclass.

    processes
        how many workers; by default one for each CPU that this process may use.
    initializer, initargs
        called as `initializer(*initargs)` in each worker when it starts.
    maxtasksperchild
        a worker is replaced after so many chunks of work; by default never.
    context
        a `multiprocessing` context that starts the workers; by default that of
        `multiprocessing.get_start_method()`.

    Keywords that `multiprocessing` does not have:

    task_timeout
        seconds that a task may run, unless its submission says something else
        (`timeout=`); by default any time. See `gopool.CallOptions`.
    max_memory_per_worker
        a worker is replaced after a task behind which it has more bytes of memory of
        its own than this; by default never. Linux only.
    finalizer
        called without arguments in each worker that ends in the normal way, behind its last task.
    seed
        a number from which each worker gets random numbers of its own, that are the same
        for the same seed: in `random`, `numpy.random`, and `worker_state().rng`.
    threads_per_worker
        how many threads BLAS and OpenMP may use in a worker. Needs threadpoolctl.
    max_pending
        submissions block while so many tasks are pending, which means submitted and
        not completed; by default there is no bound. What a `map` or an `imap` has more
        than that is submitted as there is room.

    Leaving the `with` block terminates the pool. Raises ValueError or TypeError
    for arguments that make no sense. Blocks until the workers are started.

    Functions of Go packages, which `gopool build` makes, do not run in workers but in as many
    goroutines of this process (see `GoPool`). `stats` and `trace` do not tell of those.

    Differences from `multiprocessing.Pool`: a worker that dies takes one task
    with it and hangs nobody (`WorkerLostError`); workers that can't start break
    the pool (`BrokenPoolError`); what is outstanding when the pool is
    terminated raises `PoolTerminatedError`.
    """

    _state = _TERMINATED  # until there is something to terminate
    _options = _options.NONE  # of all submissions that do not ask for something else
    _max_pending = 0  # any number
    _counts_chunks = False
    _supervisor: Owner
    _goroutines: Owner | None = None  # from the first function of a Go package on

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: BaseContext | None = None,
        *,
        task_timeout: float | None = None,
        max_memory_per_worker: int | None = None,
        finalizer: Callable[[], object] | None = None,
        seed: int | None = None,
        threads_per_worker: int | None = None,
        max_pending: int | None = None,
    ) -> None:
        self._set_size(processes)
        _check_callables(initializer=initializer, finalizer=finalizer)
        self._set_limits(task_timeout, max_pending)
        if maxtasksperchild is not None and (
            not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0
        ):
            raise ValueError("maxtasksperchild must be a positive int or None")
        self._counts_chunks = maxtasksperchild is not None
        settings = Settings(
            initializer,
            tuple(initargs),
            finalizer,
            max_memory_per_worker,
            seed,
            threads_per_worker,
        )
        context = context or multiprocessing.get_context()
        chunks = maxtasksperchild or 0
        self._start(
            lambda: Supervisor(context, self._processes, settings, chunks, self._max_pending)
        )

    def apply(
        self,
        func: Callable[..., R],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        **options: Unpack[CallOptions],
    ) -> R:
        """Call `func(*args, **kwds)` in a worker and return the result. Blocks.

        Raises what the call raises; otherwise as `apply_async`.
        """
        if options or self._options is not _options.NONE:
            return self._apply_async("apply", func, args, kwds, None, None, options).get()
        if self._state != _RUNNING:  # what checks the process as well is called anyway
            self._check_running()
        return self._owner(func).call(self, func, args, kwds)

    def apply_async(
        self,
        func: Callable[..., R],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callable[[R], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[CallOptions],
    ) -> AsyncResult[R]:
        """Have `func(*args, **kwds)` called in a worker; return an `AsyncResult` at once.

        `callback` is called with the result, or `error_callback` with the
        exception, in a thread of the pool; they should return soon. Raises
        ValueError if the pool is not running. A function or arguments that
        can't be pickled raise in `get`. For `options` see `gopool.CallOptions`.

        Difference: a callback that raises is reported through
        `threading.excepthook` and does not stop the pool.
        """
        if options or self._options is not _options.NONE:
            return self._apply_async(
                "apply_async", func, args, kwds, callback, error_callback, options
            )
        self._check_running()
        tray = self._supervisor.gathering.tray
        if tray is not None and tray.function is func and not (callback or error_callback):
            gathered: AsyncResult[R] | None = tray.add(self, args, kwds)
            if gathered is not None:
                return gathered
        result: AsyncResult[R] = AsyncResult(self, func, callback, error_callback)
        self._owner(func).submit_call(result, func, args, kwds)
        return result

    def map(
        self,
        func: Callable[[T], R],
        iterable: Iterable[T],
        chunksize: int | None = None,
        **options: Unpack[MapOptions],
    ) -> list[R]:
        """Call `func` with each item, in the workers, and return the results in order. Blocks.

        Raises what the first call that failed raised, once all have completed;
        otherwise as `map_async`.
        """
        asked = self._asked("map", options)
        return self._map_async(func, iterable, _codec.CALL, chunksize, None, None, asked).get()

    def map_async(
        self,
        func: Callable[[T], R],
        iterable: Iterable[T],
        chunksize: int | None = None,
        callback: Callable[[list[R]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[MapOptions],
    ) -> MapResult[R]:
        """Have `func` called with each item; return a `MapResult` when all are submitted.

        Workers are handed `chunksize` items at a time or a multiple of it; by
        default as many as keep them busy, by measured time. Raises ValueError
        if the pool is not running or `chunksize` is below 1. Items that can't
        be pickled raise in `get`. For `options` see `gopool.MapOptions`.

        Difference: a chunk is no unit of failure. If a call raises, the others
        of its chunk run all the same.
        """
        asked = self._asked("map_async", options)
        return self._map_async(
            func, iterable, _codec.CALL, chunksize, callback, error_callback, asked
        )

    def starmap(
        self,
        func: Callable[..., R],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        **options: Unpack[MapOptions],
    ) -> list[R]:
        """Do as `map`, but call `func(*item)`. Blocks."""
        asked = self._asked("starmap", options)
        return self._map_async(func, iterable, _codec.STAR, chunksize, None, None, asked).get()

    def starmap_async(
        self,
        func: Callable[..., R],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[R]], object] | None = None,
        error_callback: Callable[[BaseException], object] | None = None,
        **options: Unpack[MapOptions],
    ) -> MapResult[R]:
        """Do as `map_async`, but call `func(*item)`."""
        asked = self._asked("starmap_async", options)
        return self._map_async(
            func, iterable, _codec.STAR, chunksize, callback, error_callback, asked
        )

    def imap(  # type: ignore[override]
        self,
        func: Callable[[T], R],
        iterable: Iterable[T],
        chunksize: int = 1,
        *,
        buffersize: int | None = None,
        **options: Unpack[MapOptions],
    ) -> IMapIterator[R]:
        """Call `func` with each item, in the workers; return an iterator over the results in order.

        The iterable is consumed in a thread of the pool, `chunksize` items at a
        time, and not faster than results are taken: it pauses while `buffersize`
        items, or 64 MiB, are on their way. It does not pause if the iterator is dropped
        before a result was taken, or `join` waits for the work to be done. Raises
        ValueError if the pool is not running or `chunksize` or `buffersize` is below 1,
        and TypeError for what can't be iterated over. What the iterable raises, and items
        that can't be pickled, raise in their place. For `options` see `gopool.MapOptions`.

        Differences: `multiprocessing` consumes the iterable without a bound, and has
        no `buffersize`. An iterator that is dropped before its end, but behind the
        first result, cancels what has not begun.
        """
        return self._imap("imap", IMapIterator, func, iterable, chunksize, buffersize, options)

    def imap_unordered(  # type: ignore[override]
        self,
        func: Callable[[T], R],
        iterable: Iterable[T],
        chunksize: int = 1,
        *,
        buffersize: int | None = None,
        **options: Unpack[MapOptions],
    ) -> IMapUnorderedIterator[R]:
        """Do as `imap`, but return results as they get ready."""
        return self._imap(
            "imap_unordered", IMapUnorderedIterator, func, iterable, chunksize, buffersize, options
        )

    def close(self) -> None:
        """Let no more work in; workers exit when the outstanding work is done."""
        if self._state == _RUNNING:
            self._state = _CLOSED
            for owner in self._owners():
                owner.close()

    def terminate(self) -> None:
        """Stop the workers at once, whatever they do. Outstanding work stays undone.

        Idle workers exit in the normal way; busy ones get SIGTERM and, after 0.2 s,
        SIGKILL. What they have started and left in their process group is ended in
        the same way; `multiprocessing` leaves it running. Blocks until all that have
        ended, and a callback that is running.
        """
        self._state = _TERMINATED
        owners = self._owners()
        for owner in owners:
            owner.abandon()
        for owner in owners:
            owner.terminate()

    def join(self) -> None:
        """Wait until all workers have exited. Blocks.

        Raises ValueError before `close` or `terminate` was called.
        """
        if self._state == _RUNNING:
            raise ValueError("Pool is still running")
        for owner in self._owners():
            owner.join()

    def dump(self, file: TextIO | None = None) -> str:
        """Print what each worker does and its Python stacks, and return what was printed.

        `file` is where to print, by default standard error. Of each worker it is said which
        function it runs, the number of the task in its call, for how long, and
        where it is: also if it is in C code. Workers go on as if nothing had
        happened; one that is stopped, or does not answer for a second, is said
        not to. Raises ValueError if the pool has been terminated. Blocks until all have answered.

        Workers answer the signal `SIGRTMAX-2`. They are not asked if their program had a
        handler for it when they started. System calls that a signal interrupts are repeated,
        by the kernel or by Python. Linux only: elsewhere there are no stacks.
        `multiprocessing.Pool` has no such method.
        """
        _core.check_process()
        if self._state == _TERMINATED:
            raise ValueError("Pool not running")
        text = "\n\n".join(chain.from_iterable(owner.dump() for owner in self._owners()))
        print(text, file=sys.stderr if file is None else file, flush=True)
        return text

    def stats(self) -> PoolStats:
        """Return what the pool does at the moment, and what it has done.

        Once the pool has ended, this is how it was then. Does not disturb the workers,
        and may be asked for as often as one likes: it costs some microseconds.
        `multiprocessing.Pool` has no such method.
        """
        _core.check_process()
        return self._supervisor.stats()

    def trace(self, path: str | os.PathLike[str]) -> Trace:
        """Begin to write a timeline of what the workers do to a file; return what ends it.

        Use it as `with pool.trace("run.json"):`, or call `stop` of what is returned. The
        file is in Chrome's trace event format, and opens in https://ui.perfetto.dev and
        chrome://tracing: a row for each worker, on which a slice is one long task, or as
        many short ones as were reported together. Raises OSError if the file can't be
        written, then or in `stop`, and ValueError if the pool is being traced already or
        is not running.
        `multiprocessing.Pool` has no such method.
        """
        _core.check_process()
        from ._trace import Trace

        return Trace(self._supervisor, path)

    def __enter__(self) -> Self:
        self._check_running()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.terminate()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Terminate the pool, in a thread, while other tasks of the event loop go on."""
        from . import _awaiting

        await _awaiting.in_thread(self.terminate)

    def __del__(self) -> None:
        if self._state == _TERMINATED or not _core.is_usable():
            return
        for owner in self._owners():
            owner.abandon()
        if self._state == _RUNNING:
            message = f"unclosed running multiprocessing pool {self!r}"  # filters know these words
            warnings.warn(message, ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        cls = type(self)
        return (
            f"<{cls.__module__}.{cls.__qualname__} state={self._state} pool_size={self._processes}>"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows of the pool: its state and `stats`. Never raises."""
        from . import _html

        try:
            stats = self.stats()
        except Exception:  # it is a forked child's, or was never started
            stats = None
        return _html.page(repr(self), stats)

    def __reduce__(self) -> NoReturn:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def _set_size(self, processes: int | None) -> None:
        """Take down how many workers there are to be. Raises for what makes no sense."""
        if processes is None:
            processes = _cpu_count()
        if processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._processes = processes

    def _set_limits(self, task_timeout: float | None, max_pending: int | None) -> None:
        """Take down what holds for all submissions. Raises for what makes no sense."""
        if task_timeout is not None:
            self._options = self._options.asked("Pool", {"timeout": task_timeout})
        if max_pending is None:
            return
        if not isinstance(max_pending, int) or not 0 < max_pending <= sys.maxsize:
            raise ValueError("max_pending must be a positive int or None")
        self._max_pending = max_pending
        # Not NONE: with options tasks are added to a job one batch after the other, and
        # each may have to wait.
        self._options = self._options._replace()

    def _start(self, start: Callable[[], Owner]) -> None:
        with deferred():  # workers that were started must come to somebody who will end them
            self._supervisor = start()
            self._state = _RUNNING

    def _owner(self, func: Callable[..., Any]) -> Owner:
        """Return who runs a function: those of Go packages run in goroutines."""
        if type(func) is GoFunction:
            return self._goroutines or self._start_goroutines()
        return self._supervisor

    def _start_goroutines(self) -> Owner:
        """Start as many goroutines as there are workers, unless another thread has."""
        from ._gofunctions.goroutines import Goroutines

        with deferred(), _starting:
            if self._goroutines is None:
                self._check_running()
                self._goroutines = Goroutines(self._processes, self._max_pending)
        if self._state != _RUNNING:  # who has ended the pool meanwhile has not seen them
            self._goroutines.abandon()
        return self._goroutines

    def _owners(self) -> list[Owner]:
        return [owner for owner in (self._supervisor, self._goroutines) if owner is not None]

    def _check_running(self) -> None:
        _core.check_process()
        if self._state != _RUNNING:
            raise ValueError("Pool not running")

    def _asked(self, method: str, given: Any) -> Options:
        return self._options.asked(method, given) if given else self._options

    def _apply_async(
        self,
        method: str,
        func: Callable[..., R],
        args: Iterable[Any],
        kwds: Mapping[str, Any],
        callback: Callable[[R], object] | None,
        error_callback: Callable[[BaseException], object] | None,
        options: Any,
    ) -> AsyncResult[R]:
        """Do as `apply_async`, with options: such a call is a job of its own."""
        self._check_running()
        asked = self._asked(method, options)
        for name in ("return_exceptions", "progress"):
            if name in options:
                raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
        result: AsyncResult[R] = AsyncResult(self, func, callback, error_callback, asked)
        self._owner(func).submit_call(result, asked.wrap(func), args, kwds)
        return result

    def _map_async(
        self,
        func: Callable[..., R],
        iterable: Iterable[Any],
        convention: int,
        chunksize: int | None,
        callback: Callable[[list[R]], object] | None,
        error_callback: Callable[[BaseException], object] | None,
        options: Options,
    ) -> MapResult[R]:
        self._check_running()
        if chunksize is not None and operator.index(chunksize) < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        owner = self._owner(func)
        items: Any = iterable
        if type(items) not in (list, tuple, range):  # a subclass may iterate in its own way
            items = list(items)
        followed: FollowedMapResult[R] | None = None
        if options.is_followed:
            from ._progress import FollowedMapResult

            result: MapResult[R]
            result = followed = FollowedMapResult(
                self, func, len(items), callback, error_callback, options
            )
        else:
            result = MapResult(self, func, len(items), callback, error_callback, options)
        try:
            if items:
                chunk = self._chunk(len(items), chunksize)
                owner.submit_items(result, options.wrap(func), items, convention, chunk)
            else:
                result._release()  # as in multiprocessing, there is no call back
            if followed is not None:
                followed.follow(owner)
        except BaseException:
            if followed is not None:
                followed.unfollow()
            raise
        return result

    def _imap(
        self,
        method: str,
        cls: type[IteratorT],
        func: Callable[..., object],
        iterable: Iterable[Any],
        chunksize: int,
        buffersize: int | None,
        options: Any,
    ) -> IteratorT:
        self._check_running()
        asked = self._asked(method, options)
        if asked.is_followed:
            from ._progress import start_followed

            return start_followed(cls, self, func, asked, iterable, chunksize, buffersize)
        iterator = cls(self, func, asked)
        start_imap(iterator, self._owner(func), iterable, chunksize, buffersize)
        return iterator

    def _chunk(self, length: int, chunksize: int | None) -> int:
        """Return how many items a worker is handed at least."""
        if chunksize is not None:
            return min(chunksize, length)
        if not self._counts_chunks:
            return 1  # the scheduler sizes what it hands out by measured time
        # Workers are replaced after so many chunks: let these be the standard library's.
        return -(-length // (4 * self._processes))


class ThreadPool(Pool, multiprocessing.pool.ThreadPool):
    """A pool of threads of this process, as `multiprocessing.pool.ThreadPool`.

    processes
        how many threads; by default one for each CPU that this process may use.
    initializer, initargs
        called as `initializer(*initargs)` in each thread when it starts.
    finalizer
        a keyword: called without arguments in each thread when it ends, behind its last task.
    max_pending
        a keyword, as of `Pool`. Tasks that submit to their own pool do not block.

    Has the methods of `Pool`. Functions, arguments and results need not be
    picklable: they are used as they are. Leaving the `with` block terminates the
    pool. Raises ValueError or TypeError for arguments that make no sense.

    Differences from `multiprocessing.pool.ThreadPool`: those of `Pool`, as far as
    they are not about processes. Whatever a task raises is raised by `get`, also
    SystemExit; there the caller of such a task waits for ever.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        *,
        finalizer: Callable[[], object] | None = None,
        max_pending: int | None = None,
    ) -> None:
        self._set_size(processes)
        _check_callables(initializer=initializer, finalizer=finalizer)
        self._set_limits(None, max_pending)
        initargs = tuple(initargs)
        self._start(
            lambda: Crew(self._processes, initializer, initargs, finalizer, self._max_pending)
        )

    def terminate(self) -> None:
        """Drop all work that no thread has begun; its results raise `PoolTerminatedError`.

        A thread can't be stopped: one that is in a task ends behind it, and the result
        is lost. `join` waits for that and this does not. Blocks while a callback runs.
        """
        super().terminate()

    def _asked(self, method: str, given: Any) -> Options:
        options = super()._asked(method, given)
        if options.timeout is not None:
            raise ValueError("a ThreadPool has no timeout for tasks: a thread can't be killed")
        return options


def _check_callables(**given: object) -> None:
    for name, value in given.items():
        if value is not None and not callable(value):
            raise TypeError(f"{name} must be a callable")


def _cpu_count() -> int:
    """Return how many CPUs this process may use, as `multiprocessing.Pool` counts them."""
    count = getattr(os, "process_cpu_count", os.cpu_count)
    return count() or 1
