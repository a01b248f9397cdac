"""What a pool of processes owns: the worker processes, and the thread that sees to them.

One thread, the supervisor, reaps and replaces workers and ends them; nobody
else touches a process once it has been attached. It holds a `Supervisor` and
never a `Pool`, so that a pool that is dropped is collected.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing, suppress
from functools import partial
from multiprocessing.context import BaseContext

from . import _arena, _caller_arena, _core, _exchange, _family, _memory
from ._doing import Task, read_task
from ._dump import question
from ._family import Family
from ._gathering import Gathering
from ._loss import Coroner
from ._names import Names
from ._owner import Thread, report
from ._pickling import Pickling
from ._process import WorkerProcess, ended
from ._sender import Sender
from ._settings import Settings

#: Seconds that a worker has to end by itself before it is killed.
GRACE = 0.2

#: Seconds that what workers have started has to end by itself once they are gone.
GRACE_OF_LEFTOVERS = 0.1

#: Seconds that the first worker of a pool has to answer one `apply`, before it has to
#: share the processors with the start of the others.
HEAD_START = 0.002


class Supervisor(Sender):
    """Starts worker processes and a Go pool; see `Pool` for the arguments."""

    def __init__(
        self,
        context: BaseContext,
        processes: int,
        settings: Settings,
        max_chunks: int,
        max_pending: int = 0,
    ) -> None:
        super().__init__()
        names = Names(context)
        self.coder = Pickling(names)
        self.gathering = Gathering(names)
        self._context = context
        self._settings = settings
        self._stopping = False  # all jobs have ended
        self.grace = GRACE
        self._started: list[WorkerProcess] = []  # not attached yet
        self._workers: dict[int, WorkerProcess] = {}
        # Held until there may be work for more than one worker. Not an event: Ctrl-C
        # in `set` could leave its lock taken.
        self._head_start = threading.Lock()
        # Held while a process is attached or reaped, and while `dump` takes hold of them.
        self._burying = threading.Lock()
        self._dumping = threading.Lock()
        self._head_start.acquire()

        # Workers first: a process without Go's threads forks more safely, and
        # they get ready while the extension is loaded.
        _caller_arena.retain()
        try:
            for index in range(processes):
                self._started.append(WorkerProcess(context, settings, index))
            for worker in self._started:
                worker.start()
                self._started[0].equip()  # one should be ready when all are started
            self._new_pool(processes, max_chunks, max_pending, attended=True)
            _caller_arena.publish()
            self._thread = Thread("gopool-supervisor", self._supervise)
        except BaseException:
            for worker in self._started:
                worker.end(0)
            if self.pool:
                self._release()
            _caller_arena.release()
            raise

    def _attach(self, worker: WorkerProcess, retiring: int = 0) -> None:
        try:
            with self._burying:  # it may be in a task at once, and `dump` has to know it
                number = worker.attach(self.pool, retiring)
                if number >= 0:
                    self._workers[number] = worker
                    return
        except BaseException:
            worker.end(0)
            raise
        worker.end(0)
        if number not in (_core.NOT_RUNNING, _core.BROKEN):
            raise _core.error(number)

    # The supervisor's thread.

    def _supervise(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            # A bug, or no memory: nobody may wait for what will never come.
            report(error)
            self._break(f"the supervisor failed: {error!r}")
            for worker in self._started:
                worker.end(0)
            for number, worker in self._workers.items():
                _core.native.bridge_Exited(self.pool, number, worker.end(0))
        self._end()
        _caller_arena.release()

    def _serve(self) -> None:
        """Attach the first workers, and do what the events say, until the last one."""
        self._attach(self._started.pop(0))
        self._coroner = Coroner()  # soon: it takes who was killed before for explained
        self._head_start.acquire(timeout=HEAD_START)
        while self._started:
            self._attach(self._started.pop(0))
        while True:
            kind, number = divmod(_core.native.bridge_NextEvent(self.pool), 1 << 32)
            if kind == _core.WORKER_GONE:
                self._bury(number)
            elif kind == _core.WORKER_RETIRES:
                self._succeed(number)
            elif kind == _core.STOP_ALL:
                self._stop_all()
            elif kind == _core.KILL:
                self._kill(number)
            elif kind == _core.TRIM:
                _caller_arena.trim()
            else:
                return

    def _bury(self, number: int) -> None:
        """Reap a worker, and start another if one is wanted."""
        worker = self._workers.pop(number, None)
        if worker is None:
            return  # `_stop_all` was sooner
        worker.await_end(GRACE)
        with self._burying:
            code = worker.reap(0)
        if code:
            report = self._coroner.examine(worker, code)
            if not self._stopping:  # or nothing is lost with it any more
                explain = partial(_core.native.bridge_Explain, self.pool)
                self._send(explain, number, report.encode())
        wanted = _core.native.bridge_Exited(self.pool, number, code)
        worker.forget()
        if wanted:
            self._replace(worker)

    def _succeed(self, number: int) -> None:
        """Start another worker in the place of one that still runs its last tasks."""
        worker = self._workers.get(number)
        if worker is not None and _core.native.bridge_Wanted(self.pool, number) == 1:
            self._replace(worker, number)

    def _replace(self, worker: WorkerProcess, retiring: int = 0) -> None:
        try:
            other = WorkerProcess(
                self._context, self._settings, worker.index, worker.generation + 1
            )
            other.start()
            self._attach(other, retiring)
        except Exception as error:  # no process, descriptor or memory to be had
            self._break(f"starting a worker failed: {error!r}")

    def _kill(self, number: int) -> None:
        """Kill a worker for the task that it is in, and what it has started.

        It is gone when it has ended, as if somebody else had killed it.
        """
        worker = self._workers.get(number)
        if worker is not None:
            with closing(Family(worker.pid)) as family:
                family.kill()
                worker.kill()

    def _stop_all(self) -> None:
        """End all workers, idle ones by themselves, the others by a signal; and what they started.

        Each is reaped as it ends, while the next ones are still at it.
        """
        self._stopping = True
        families = self._seize()
        deadline = time.monotonic() + self.grace
        waiting = self._workers.copy()
        while waiting and (left := deadline - time.monotonic()) > 0:
            for number in ended(waiting, left):
                del waiting[number]
                self._bury(number)
        for number, worker in waiting.items():
            families[number].freeze()
            worker.process.kill()
            families[number].dissolve()
        for number in waiting:
            self._bury(number)
        _family.end(families.values(), GRACE_OF_LEFTOVERS)
        for family in families.values():
            family.close()

    def _seize(self) -> dict[int, Family]:
        """Take hold of what the workers have started, and then tell each to end."""
        families: dict[int, Family] = {}
        busy = []
        for number, worker in self._workers.items():
            family = families[number] = Family(worker.pid)
            if not worker.has_begun():  # if it were stopped, and we ended now, it would stay
                family.look()  # the program that it imports may have started something
                worker.kill()
            elif _core.native.bridge_Busy(self.pool, number) == 1:
                busy.append(number)
        for number in busy:
            families[number].stop()
        for number, family in families.items():
            if number in busy:
                family.freeze()
                self._workers[number].process.terminate()
                family.dissolve()
            else:
                family.look()
            _core.native.bridge_Dismiss(self.pool, number)
        return families

    def dump(self) -> list[str]:
        """Return what each worker does, in words, with its stacks."""
        with self._dumping, ExitStack() as stack:
            subjects = []
            with self._burying:
                for number, worker in self._workers.copy().items():
                    subjects.append(stack.enter_context(closing(worker.subject(number))))
            for subject in subjects:
                subject.task = self._task(subject.number)
            return question(subjects)

    def _task(self, worker: int) -> Task | None:
        """Return the task that a worker is in."""
        exchange = _exchange.borrow()
        try:
            size = _core.native.bridge_Doing(self.pool, worker, exchange.handle)
            return read_task(exchange.view, 0, self.name_of_job)[0] if size > 0 else None
        finally:
            _exchange.give_back(exchange)

    def _shared_memory(self) -> tuple[int, int]:
        own = _arena.own
        with self._burying:
            workers = self._workers.copy().values()
            return (
                0 if own is None else _memory.occupied(own.fd),
                sum(_memory.occupied(worker.page) for worker in workers),
            )

    def hurry(self) -> None:
        """Say that there may be work for more than one worker."""
        if self._started:
            with suppress(RuntimeError):  # somebody has said so
                self._head_start.release()

    def _await_workers(self) -> None:
        self._thread.join()
