"""What a pool owns beside the Go side: worker processes, and the threads that see to them.

One thread, the supervisor, reaps and replaces workers and ends them; nobody
else touches a process once it has been attached. A second thread exists from
the first callback on and runs them. Both hold a `Supervisor` and never a `Pool`,
so that a pool that is dropped is collected.

The Go pool is released by the last of them to end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import util
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any, Protocol

from . import _core, _exchange
from ._errors import BrokenPoolError
from ._process import WorkerProcess

#: Seconds that a worker has to end by itself before it is killed.
GRACE = 0.2

#: Seconds that the first worker of a pool has to answer one `apply`, before it has to
#: share the processors with the start of the others.
HEAD_START = 0.002

#: Seconds that a thread waits at a time: Python answers Ctrl-C between waits.
SLICE = 0.1


class Notified(Protocol):
    """A result that has callbacks."""

    def _tell(self) -> None: ...
    def _release(self) -> None: ...


def wait_event(event: threading.Event, timeout: float | None) -> bool:
    """Do as `event.wait(timeout)`, but answer Ctrl-C also if another thread got the signal."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = SLICE if deadline is None else min(SLICE, deadline - time.monotonic())
        if event.wait(max(0, left)):
            return True
        if left < SLICE:
            return False


class Thread:
    """A started daemon thread, whose `join` can be interrupted by Ctrl-C and called again.

    That of `threading.Thread` can't in Python 3.10 and 3.11: once interrupted, it
    takes the thread for ended (bpo-45274).
    """

    def __init__(self, name: str, target: Callable[[], None]) -> None:
        self._target = target
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        target = self._target
        del self._target  # which may hold this object
        try:
            target()
        finally:
            self.ended.set()

    def join(self) -> None:
        """Block until the thread has ended; it does not wait for itself."""
        if self._thread is not threading.current_thread():
            wait_event(self.ended, None)
            self._thread.join()


class Joinable(Protocol):
    """A thread of `imap`."""

    def join(self) -> None: ...


class Supervisor:
    """Starts worker processes and a Go pool; see `Pool` for the arguments."""

    def __init__(
        self,
        context: BaseContext,
        processes: int,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        max_chunks: int,
    ) -> None:
        self._context = context
        self._initializer = initializer
        self._initargs = initargs
        self._processes = processes
        self._started: list[WorkerProcess] = []  # not attached yet
        self._workers: dict[int, WorkerProcess] = {}
        self.pool = 0
        self.feeders: set[Joinable] = set()  # those that may be running
        # Held until there may be work for more than one worker. Not an event: Ctrl-C
        # in `set` could leave its lock taken.
        self._head_start = threading.Lock()
        self._head_start.acquire()
        self._lock = threading.Lock()  # guards what follows
        self._notified: dict[int, Notified] = {}
        self._caller: Thread | None = None
        self._ended = False
        self._cause = ""

        # Workers first: a process without Go's threads forks more safely, and
        # they get ready while the extension is loaded.
        try:
            for _ in range(processes):
                self._started.append(self._new_worker())
            for worker in self._started:
                worker.start()
                self._started[0].equip()  # one should be ready when all are started
            self.pool = _core.new_number()
            _core.check(_core.native.bridge_NewPool(self.pool, processes, max_chunks))
            # At exit; never in a forked child. It holds the supervisor until that is done.
            self._at_exit = util.Finalize(None, self.terminate, exitpriority=15)
            _exchange.retain()
            self._thread = Thread("gopool-supervisor", self._supervise)
        except BaseException:
            for worker in self._started:
                worker.end(0)
            if self.pool:
                self._release()
            raise

    def _new_worker(self) -> WorkerProcess:
        return WorkerProcess(self._context, self._initializer, self._initargs)

    def _attach(self, worker: WorkerProcess) -> None:
        number = worker.attach(self.pool)
        if number >= 0:
            self._workers[number] = worker
            return
        worker.end(0)
        if number not in (_core.NOT_RUNNING, _core.BROKEN):
            raise _core.error(number)

    # The supervisor's thread.

    def _supervise(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            # A bug, or no memory: nobody may wait for what will never come.
            _report(error)
            self._break(f"the supervisor failed: {error!r}")
            for worker in [*self._started, *self._workers.values()]:
                worker.end(0)
        with self._lock:
            self._cause = self._read_cause()
            self._ended = True
            _core.native.bridge_EndDone(self.pool)
            last = self._caller is None
        if last:
            self._release()

    def _serve(self) -> None:
        """Attach the first workers, and do what the events say, until the last one."""
        self._attach(self._started.pop(0))
        self._head_start.acquire(timeout=HEAD_START)
        while self._started:
            self._attach(self._started.pop(0))
        while True:
            kind, number = divmod(_core.native.bridge_NextEvent(self.pool), 1 << 32)
            if kind == _core.WORKER_GONE:
                self._bury(number)
            elif kind == _core.STOP_ALL:
                self._stop_all()
            else:
                return

    def _bury(self, number: int) -> None:
        """Reap a worker, and start another if one is wanted."""
        code = self._workers.pop(number).end(GRACE)
        if not _core.native.bridge_Exited(self.pool, number, code):
            return
        try:
            worker = self._new_worker()
            worker.start()
            self._attach(worker)
        except Exception as error:  # no process, descriptor or memory to be had
            self._break(f"starting a worker failed: {error!r}")

    def _stop_all(self) -> None:
        """End all workers: idle ones by themselves, the others by a signal."""
        busy = _core.native.bridge_Busy
        for number, worker in self._workers.items():
            if busy(self.pool, number) == 1:
                worker.process.terminate()
        deadline = time.monotonic() + GRACE
        sentinels = {worker.process.sentinel: worker for worker in self._workers.values()}
        while sentinels and (left := deadline - time.monotonic()) > 0:
            for sentinel in wait(list(sentinels), left):
                del sentinels[sentinel]  # type: ignore[arg-type]
        for worker in sentinels.values():
            worker.process.kill()

    def _break(self, cause: str) -> None:
        exchange = _exchange.borrow()
        try:
            text = cause.encode()[: exchange.size]
            exchange.view[: len(text)] = text
            _core.native.bridge_Break(self.pool, exchange.handle, len(text))
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
        _core.native.bridge_Release(self.pool)
        _exchange.release()
        self._at_exit.cancel()

    def hurry(self) -> None:
        """Say that there may be work for more than one worker."""
        if self._started:
            with suppress(RuntimeError):  # somebody has said so
                self._head_start.release()

    # Callbacks.

    def expect(self, job: int, result: Notified) -> None:
        """Have `result` told when the job is done: before the job is submitted.

        Raises ValueError or BrokenPoolError if the pool has ended.
        """
        with self._lock:
            if not self._ended:
                if self._caller is None:
                    self._caller = Thread("gopool-callbacks", self._call_back)
                self._notified[job] = result
                return
        raise self.error(_core.NOT_RUNNING)

    def unexpect(self, job: int) -> None:
        """Take `expect` back: the job was not accepted."""
        with self._lock:
            self._notified.pop(job, None)

    def _call_back(self) -> None:
        while (job := _core.native.bridge_NextDone(self.pool)) > 0:
            with self._lock:
                result = self._notified.pop(job, None)
            if result is None:
                continue  # Ctrl-C came while it was submitted
            try:
                result._tell()
            except BaseException as error:  # the user's; the pool goes on
                _report(error)
            del result
        with self._lock:
            untold = list(self._notified.values())
            self._notified.clear()
        for result in untold:  # the pool was terminated
            result._release()
        self._thread.join()
        self._release()

    # For any thread.

    def error(self, status: int) -> Exception:
        """Return the exception for a status: of a broken pool, with what broke it."""
        with self._lock:
            cause = self._cause if self._ended else self._read_cause()
        if cause and status in (_core.BROKEN, _core.NOT_RUNNING, _core.UNKNOWN):
            return BrokenPoolError(f"workers can't be started: {cause}")
        return _core.error(status)

    def close(self) -> None:
        """Let no more jobs in."""
        _core.native.bridge_Close(self.pool)

    def abandon(self) -> None:
        """Begin to end all jobs and workers, and do not wait: for a pool that is collected.

        That can happen in any thread at any time, also while it holds a lock
        that the supervisor needs.
        """
        if _core.is_usable():
            _core.native.bridge_Terminate(self.pool)

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
        for thread in (self._thread, self._caller, *tuple(self.feeders)):
            if thread is not None:
                thread.join()


def _report(error: BaseException) -> None:
    """Report an exception that no caller can get, as that of a thread is reported."""
    arguments = (type(error), error, error.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(arguments))
