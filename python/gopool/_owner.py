"""What every pool owns beside the Go side: a number there, and a thread for callbacks.

That thread exists from the first callback on. It holds an `Owner` and never a
`Pool`, so that a pool that is dropped is collected.

The Go pool is released when neither that thread nor who sees to the workers
needs it any more.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import util
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from . import _core, _exchange
from ._code_name import UNKNOWN
from ._errors import BrokenPoolError
from ._latch import Latch

if TYPE_CHECKING:
    from ._feed import Feed
    from ._gathering import Gathering
    from ._results import AsyncResult, MapResult
    from ._stats import PoolStats
    from .pool import Pool

R = TypeVar("R")


class Notified(Protocol):
    """Who wants to hear of a job's outcomes."""

    def _tell(self) -> None:
        """Hear that they are there: in the thread for callbacks."""

    def _release(self) -> None:
        """Hear that nobody will tell."""


class Thread:
    """A started daemon thread, whose `join` can be interrupted by Ctrl-C and called again.

    That of `threading.Thread` can't in Python 3.10 and 3.11: once interrupted, it
    takes the thread for ended (bpo-45274).
    """

    def __init__(self, name: str | None, target: Callable[[], None]) -> None:
        self._target = target
        self.ended = Latch()

        def worker() -> None:  # without a name, it is called Thread-N (worker)
            self._run()

        self._thread = threading.Thread(target=worker, name=name, daemon=True)
        before = sys.exc_info()[1]
        try:
            self._thread.start()
        except RuntimeError as error:
            # "release unlocked lock", of the wait in `start`, in the place of what a signal's
            # handler has raised there, as KeyboardInterrupt: the thread may well run.
            raised = error.__context__
            if raised is not None and raised is not before:
                raise raised from None
            raise

    def _run(self) -> None:
        target = self._target
        del self._target  # which may hold this object
        try:
            target()
        finally:
            self.ended.open()

    @property
    def name(self) -> str:
        return self._thread.name

    @property
    def ident(self) -> int | None:
        return self._thread.ident

    def join(self) -> None:
        """Block until the thread has ended; it does not wait for itself."""
        if self._thread is not threading.current_thread():
            self.ended.wait(None)
            self._thread.join()


class Joinable(Protocol):
    """A thread of `imap`."""

    def join(self) -> None: ...


class Owner:
    """What all kinds of workers have in common."""

    gathering: Gathering

    def __init__(self) -> None:
        self.pool = 0
        self.is_bounded = False  # submissions may have to wait for room
        self.feeders: set[Joinable] = set()  # those that may be running
        #: While the pool is traced: what the functions of jobs are called that never leave
        #: this process.
        self.names_of_jobs: dict[int, str] | None = None
        # Guards what follows. A signal's handler or a finalizer may submit in a thread that has it.
        self._lock = threading.RLock()
        self._notified: dict[int, Notified] = {}
        self._caller: Thread | None = None
        self._starts_caller = False
        self._callers: set[int] = set()  # see `_release` for how there may be two
        self._hears_no_more = False  # of jobs that are done
        self._calls_no_more = False
        self._ended = False
        self._released = False
        self._cause = ""
        self._last_stats = b""

    def _new_pool(self, workers: int, max_chunks: int, max_pending: int, *, attended: bool) -> None:
        self.pool = _core.new_number()
        self.is_bounded = max_pending > 0
        new_pool = _core.native.bridge_NewPool
        _core.check(new_pool(self.pool, workers, max_chunks, max_pending, attended))
        # At exit; never in a forked child. It holds the owner until that is done.
        self._at_exit = util.Finalize(None, self.terminate, exitpriority=15)
        _exchange.retain()

    # How work comes to the workers. All of it raises if the pool refuses it.

    def call(
        self, pool: Pool, func: Callable[..., R], args: Iterable[Any], kwds: Mapping[str, Any]
    ) -> R:
        """Have a worker call `func(*args, **kwds)` and return the result. Blocks."""
        raise NotImplementedError

    def submit_call(
        self,
        result: AsyncResult[Any],
        func: Callable[..., object],
        args: Iterable[Any],
        kwds: Mapping[str, Any],
    ) -> None:
        """Start the job of one call."""
        raise NotImplementedError

    def submit_items(
        self,
        result: MapResult[Any],
        func: Callable[..., object],
        items: Any,
        convention: int,
        chunk: int,
    ) -> None:
        """Start the job of a call with each item."""
        raise NotImplementedError

    def new_feed(self, func: Callable[..., object], once: bool) -> Feed:
        """Return the feed of a job of `imap`, whose items are read `once` or more often."""
        raise NotImplementedError

    def _end(self) -> None:
        """Say that there is no worker any more, and will be none."""
        with self._lock:
            self._cause = self._read_cause()
            self._ended = True
            _core.native.bridge_EndDone(self.pool)
            last = self._caller is None or self._calls_no_more
        if last:
            self._release()

    def dump(self) -> list[str]:
        """Return what each worker does, in words, with its stacks."""
        raise NotImplementedError

    def stats(self) -> PoolStats:
        """Return what the pool does and has done; once it has ended, what that was."""
        from . import _stats  # it makes classes, which takes a while

        data = self._read_stats() or self._last_stats
        memory = (0, 0) if self._released else self._shared_memory()
        return _stats.read(data, self.name_of_job, os.getpid(), memory)

    def _read_stats(self) -> bytes:
        """Return what Go says of the pool; empty once it has been released."""
        exchange = _exchange.borrow()
        try:
            size = _core.native.bridge_Stats(self.pool, exchange.handle)
            while size < _core.TOO_SMALL:
                larger = _exchange.borrow(-size)
                _exchange.give_back(exchange)
                exchange = larger
                size = _core.native.bridge_Stats(self.pool, exchange.handle)
            return bytes(exchange.view[: max(0, size)])
        finally:
            _exchange.give_back(exchange)

    def _shared_memory(self) -> tuple[int, int]:
        """Return how many bytes of shared memory this process and the workers take up."""
        return 0, 0

    def name_of_job(self, job: int) -> str:
        """Return the name of the function of a job that never left this process."""
        return UNKNOWN

    def hurry(self) -> None:
        """Say that there may be work for more than one worker."""

    def _break(self, cause: str) -> None:
        self._send(_core.native.bridge_Break, self.pool, cause.encode())

    def _send(self, function: Callable[[int, int, int], int], number: int, message: bytes) -> None:
        """Pass a text to one of Go's functions."""
        exchange = _exchange.borrow()
        try:
            text = message[: exchange.size]
            exchange.view[: len(text)] = text
            function(number, exchange.handle, len(text))
        finally:
            _exchange.give_back(exchange)

    def _read_cause(self) -> str:
        exchange = _exchange.borrow()
        try:
            size = _core.native.bridge_Cause(self.pool, exchange.handle)
            return bytes(exchange.view[: max(0, size)]).decode(errors="replace")
        finally:
            _exchange.give_back(exchange)

    def _release(self) -> None:
        """Give back what is shared with Go. Does nothing the second time.

        Ctrl-C in the start of the thread for callbacks leaves one that runs and that nobody
        knows, so that there may be two, or one where there seems to be none.
        """
        with self._lock:
            if self._released:
                return
            self._released = True
            self._last_stats = self._read_stats()
        _core.native.bridge_Release(self.pool)
        _exchange.release()
        self._at_exit.cancel()

    # Callbacks.

    def expect(self, job: int, result: Notified) -> None:
        """Have `result` told when the job is done: before the job is submitted.

        Raises ValueError or BrokenPoolError if the pool has ended.
        """
        with self._lock:
            if not self._ended:
                self._start_caller()
                self._notified[job] = result
                return
        raise self.error(_core.NOT_RUNNING)

    def _start_caller(self) -> None:
        """Start the thread for callbacks, if it is not there and nobody is just starting it."""
        if self._caller is None and not self._starts_caller:
            self._starts_caller = True
            try:
                self._caller = Thread("gopool-callbacks", self._call_back)
            finally:
                self._starts_caller = False

    def unexpect(self, job: int) -> None:
        """Take `expect` back: the job was not accepted."""
        self._notified.pop(job, None)

    def is_calling_back(self) -> bool:
        """Tell whether this is the thread for callbacks."""
        return threading.get_ident() in self._callers

    def watch(self, job: int, result: Notified, taken: int, want: int) -> None:
        """Have `result` told once, when so many outcomes are there behind `taken` segments.

        It is told also if no more will come, and a little too soon if others wait for
        fewer. It is released at once if there is nobody to tell it.
        """
        with self._lock:
            told = not (self._ended or self._hears_no_more)
            if told:
                self._start_caller()
                self._notified[job] = result
        if not told or _core.native.bridge_Notify(self.pool, job, taken, want) < 0:
            self.unexpect(job)
            result._release()

    def _call_back(self) -> None:
        self._callers.add(threading.get_ident())
        while (job := _core.native.bridge_NextDone(self.pool)) > 0:
            # In one step, without the lock: a handler that is called where the lock is held may
            # wait for what it has submitted.
            result = self._notified.pop(job, None)
            if result is not None:  # else Ctrl-C came while it was submitted
                self._tell(result)
            del result
        with self._lock:
            untold = list(self._notified.values())
            self._notified.clear()
            self._hears_no_more = True
        broken = bool(self._read_cause())
        for result in untold:
            if broken:
                self._tell(result)
            else:  # the pool was terminated
                result._release()
        with self._lock:
            self._calls_no_more = True
            last = self._ended
        if last:
            self._release()

    def _tell(self, result: Notified) -> None:
        try:
            result._tell()
        except BaseException as error:  # the user's; the pool goes on
            report(error)

    # For any thread.

    def error(self, status: int) -> Exception:
        """Return the exception for a status: of a broken pool, with what broke it."""
        with self._lock:
            cause = self._cause if self._ended else self._read_cause()
        if cause and status in (_core.BROKEN, _core.NOT_RUNNING, _core.UNKNOWN):
            return BrokenPoolError(f"workers can't be started: {cause}")
        return _core.error(status)

    def cancel(self, job: int, running: bool) -> bool:
        """Have no more tasks of a job run. Return False if it was done.

        `running` says whether those that run are ended, with their workers.
        """
        return _core.native.bridge_Cancel(job, running) == 1

    def close(self) -> None:
        """Let no more jobs in."""
        self.gathering.close()
        _core.native.bridge_Close(self.pool)

    def abandon(self) -> None:
        """Begin to end all jobs and workers, and do not wait: for a pool that is collected.

        That can happen in any thread at any time, also while it holds a lock
        that the supervisor needs.
        """
        if _core.is_usable():
            _core.native.bridge_Terminate(self.pool)
            self.gathering.end()

    def terminate(self) -> None:
        """End all jobs and workers. Blocks until they have ended, and a callback that runs."""
        self.abandon()
        if _core.is_usable():
            self.join()

    def join(self) -> None:
        """Block until the threads have ended; one of them does not wait for itself.

        Jobs that are still being fed are so without a bound from now on, as
        nobody may be there to take their results.
        """
        _core.native.bridge_Drain(self.pool)
        self._await_workers()
        self._await_helpers()

    def _await_workers(self) -> None:
        """Block until there is no worker any more."""
        raise NotImplementedError

    def _await_helpers(self) -> None:
        for thread in (self._caller, *tuple(self.feeders)):
            if thread is not None:
                thread.join()


def report(error: BaseException) -> None:
    """Report an exception that no caller can get, as that of a thread is reported."""
    arguments = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(arguments))
