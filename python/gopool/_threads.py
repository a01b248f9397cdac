"""Threads as workers: they ask Go for tasks, and run them here.

Functions, arguments and results never leave this process. A job has its `Work`
here; what goes through Go is numbers: a thread is told which tasks of which job
to run, runs them, keeps the outcomes, and says so with its next request.

Which task it is in, a thread writes into a page that it shares with Go, as a
worker process does (gopool/page.go): tasks behind a long one can be taken back.
"""

from __future__ import annotations

import mmap
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec, _core, _current, _local, _page
from ._code_name import UNKNOWN
from ._doing import Task
from ._dump import indented, name_of, running
from ._gathering import Gathering
from ._memory import memory
from ._owner import Owner, Thread, report
from ._work import Work

if TYPE_CHECKING:
    from ._results import AsyncResult, MapResult
    from .pool import Pool

R = TypeVar("R")

#: Where Pull writes what to run, in words of 8 bytes (gopool/pull.go, Told).
_TOLD = 16


class Desk:
    """What a thread shares with Go."""

    def __init__(self, pool: int, index: int) -> None:
        self.index = index
        self.number = number = _core.new_number()
        with memory(_page.SIZE) as file:
            self.slots = _page.Page(mmap.mmap(file.fileno(), _page.SIZE)).slots
            #: Below zero: why Go does not want the thread.
            self.status = _core.native.bridge_AttachThread(pool, number, file.fileno())


class Crew(Owner):
    """Starts threads and a Go pool; see `ThreadPool` for the arguments."""

    def __init__(
        self,
        threads: int,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        finalizer: Callable[[], object] | None,
        max_pending: int = 0,
    ) -> None:
        super().__init__()
        self.gathering = Gathering()  # of nothing: no call here costs a system call
        self._initializer = initializer
        self._initargs = initargs
        self._finalizer = finalizer
        self.jobs: dict[int, Work] = {}  # those that may have tasks to run
        self._threads: list[tuple[Desk, Thread]] = []
        self.size = threads
        self._running = threads  # that have not left; guarded by the lock
        self._new_pool(threads, 0, max_pending, attended=False)
        missing = threads
        try:
            while missing and self._start_thread(
                missing - 1
            ):  # else the initializer has failed in others
                missing -= 1
        except BaseException:
            self.abandon()
            raise
        finally:
            self._count_out(missing)

    def call(
        self, pool: Pool, func: Callable[..., R], args: Iterable[Any], kwds: Mapping[str, Any]
    ) -> R:
        return _local.call(self, pool, func, args, kwds)

    def submit_call(
        self,
        result: AsyncResult[Any],
        func: Callable[..., object],
        args: Iterable[Any],
        kwds: Mapping[str, Any],
    ) -> None:
        _local.submit(self, result, func, [(args, kwds)], _codec.APPLY)

    def submit_items(
        self,
        result: MapResult[Any],
        func: Callable[..., object],
        items: Any,
        convention: int,
        chunk: int,
    ) -> None:
        # A list is the caller's, who may change it; the others can't be changed.
        items = list(items) if type(items) is list else items
        _local.submit(self, result, func, items, convention, chunk=chunk)

    def new_feed(self, func: Callable[..., object], once: bool) -> _local.LocalFeed:
        return _local.LocalFeed(self, func)

    def _start_thread(self, index: int) -> bool:
        """Start a thread and return True, or return False if the pool has ended."""
        desk = Desk(self.pool, index)
        if desk.status in (_core.NOT_RUNNING, _core.BROKEN):
            return False
        _core.check(desk.status)
        try:
            thread = Thread(None, lambda: self._serve(desk))
        except BaseException:
            _core.native.bridge_Leave(self.pool, desk.number)
            raise
        self._threads.append((desk, thread))
        return True

    # The threads.

    def _serve(self, desk: Desk) -> None:
        try:
            if self._get_ready(desk):
                self._run_tasks(desk)
                if self._finalizer is not None:
                    self._finalizer()
        except BaseException as error:  # the finalizer's, or set by another thread in this one
            report(error)
        finally:
            self._leave(desk)

    def _get_ready(self, desk: Desk) -> bool:
        _current.enter_thread(desk.index)
        if self._initializer is None:
            return True
        try:
            self._initializer(*self._initargs)
        except BaseException:
            self._send(_core.native.bridge_Fail, desk.number, traceback.format_exc().encode())
            return False
        return True

    def _run_tasks(self, desk: Desk) -> None:
        pull, clock, slots = _core.native.bridge_Pull, time.monotonic_ns, desk.slots
        ran = elapsed = 0
        while (count := pull(desk.number, ran, elapsed)) > 0:
            first, job, index = slots[_TOLD], slots[_TOLD + 1], slots[_TOLD + 2]
            begin = slots[_page.BEGAN] = clock()
            work = self.jobs.get(job)
            if work is None:  # taken back, and run by others, before we came to it
                ran = 0
                continue
            ran, repeated = work.run(desk, first, index, count)
            self.settle(job, work, ran - repeated)
            del work  # a thread that waits holds nothing
            elapsed = clock() - begin

    def dump(self) -> list[str]:
        """Return what each thread does, in words, with its stack."""
        frames = sys._current_frames()
        texts = []
        for desk, thread in tuple(self._threads):
            frame = None if thread.ended.is_open else frames.get(thread.ident or 0)
            if frame is not None:
                stack = "".join(traceback.format_stack(frame)).rstrip()
                head = f"thread {thread.name} {self._doing(desk)}"
                texts.append(f"{head}\n{indented(stack)}")
        return texts

    def _doing(self, desk: Desk) -> str:
        if _core.native.bridge_Idle(desk.number) != 0:
            return "is idle"
        try:
            slots = desk.slots
        except AttributeError:
            return "is about to end"
        started, first, job, index = slots[_page.STARTED], *slots[_TOLD : _TOLD + 3]
        work = self.jobs.get(job)
        if work is None or started < first:
            return "is idle"
        index += started - first
        elapsed = time.monotonic_ns() - slots[_page.BEGAN]
        return running(Task(index, name_of(work.function), elapsed / 1e9))

    def begin(self, job: int, work: Work) -> None:
        """Know the tasks of a job, before Go does."""
        self.jobs[job] = work
        if self.names_of_jobs is not None:
            self.names_of_jobs[job] = name_of(work.function)

    def name_of_job(self, job: int) -> str:
        work = self.jobs.get(job)
        name = UNKNOWN if work is None else name_of(work.function)
        return name if self.names_of_jobs is None else self.names_of_jobs.pop(job, name)

    def is_served_here(self) -> bool:
        """Tell whether this thread is one of those that run tasks."""
        ident = threading.get_ident()
        return any(thread.ident == ident for _, thread in tuple(self._threads))

    def settle(self, job: int, work: Work, count: int) -> None:
        """Say that so many tasks have been run, or, below 0, have come."""
        with self._lock:
            work.left -= count
            if not work.left:
                self.jobs.pop(job, None)

    def _leave(self, desk: Desk) -> None:
        del desk.slots  # the page goes, although the program may keep the pool
        if _core.native.bridge_Leave(self.pool, desk.number) == 1:
            try:
                # It is in the count already, in the place of this one.
                if self._start_thread(desk.index):
                    return
            except Exception as error:  # no thread or memory to be had
                self._break(f"starting a thread failed: {error!r}")
        self._count_out(1)

    def _count_out(self, count: int) -> None:
        """Say that so many threads have left. Behind the last comes the end."""
        with self._lock:
            self._running -= count
            last = count > 0 and not self._running
        if last:
            self.jobs.clear()
            self._end()

    # For any thread.

    def cancel(self, job: int, running: bool) -> bool:
        """Have no more tasks of a job run. Return False if it was done."""
        if running:
            raise ValueError("a thread can't be ended: only tasks that have not begun")
        cancelled = super().cancel(job, running)
        if cancelled:
            # A thread that comes to tasks of it passes over them: they were taken back.
            self.jobs.pop(job, None)
        return cancelled

    def terminate(self) -> None:
        """End all jobs. Blocks until idle threads have ended, and a callback that runs.

        A task that runs goes on, and its thread ends behind it.
        """
        self.abandon()
        if not _core.is_usable():
            return
        for desk, thread in tuple(self._threads):
            if _core.native.bridge_Idle(desk.number) != 0:  # or has left
                thread.join()
        self._await_helpers()

    def _await_workers(self) -> None:
        joined = 0
        while joined < len(self._threads):  # there may come one in the place of another
            self._threads[joined][1].join()
            joined += 1
