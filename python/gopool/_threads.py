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
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import _codec, _core, _current, _page
from ._code_name import UNKNOWN
from ._doing import Task
from ._dump import indented, name_of, running
from ._failure import Again, without_frame
from ._gathering import Gathering
from ._memory import memory
from ._owner import Owner, Thread, report

#: Where Pull writes what to run, in words of 8 bytes (gopool/pull.go, Told).
_TOLD = 16


class Work:
    """The tasks of one job: what to call, with which items, and what came of it.

    Outcomes go into `kept`, by index; in place of a result, what was raised.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        convention: int,
        items: Sequence[Any],
        kept: dict[int, Any],
    ) -> None:
        self.function = function
        self._call = _calling(function, convention)
        self._items = items
        self._kept = kept
        self.left = len(items)  # guarded by the crew's lock

    def _take(self, index: int, count: int) -> Sequence[Any]:
        return self._items[index : index + count]

    def run(self, desk: _Desk, first: int, index: int, count: int) -> tuple[int, int]:
        """Run tasks, and return how many, which is less if some were taken back.

        And how many of them will be run again. The first has the number `first` and the
        item `index`.
        """
        call, kept, slots = self._call, self._kept, desk.slots
        number, item = first, None
        repeated: set[int] = set()  # they have no outcome yet
        for item in self._take(index, count):
            # One side of a handshake whose other side is member.withdraw in Go.
            slots[_page.STARTED] = number
            if slots[_page.RECALLED] <= number:
                break
            try:
                kept[index] = call(item)
            except BaseException as error:  # no thread is ended by what a task raises
                if type(error) is not Again:
                    kept[index] = _codec.Raised(without_frame(error))
                elif _core.native.bridge_Repeat(desk.number, number) == 1:
                    repeated.add(index)
                else:
                    kept[index] = _codec.Raised(error.last())
            index += 1
            number += 1
        ran = number - first
        self._have_run(i for i in range(index - ran, index) if i not in repeated)
        # The frame of a task that raised has this one for its caller, and so keeps it.
        del self, call, kept, item
        return ran, len(repeated)

    def _have_run(self, indices: Iterable[int]) -> None:
        """Drop what these tasks needed."""


class FedWork(Work):
    """The tasks of `imap`, whose items come one lot after the other."""

    def __init__(self, function: Callable[..., Any], kept: dict[int, Any]) -> None:
        super().__init__(function, _codec.CALL, (), kept)
        self._fed: dict[int, Any] = {}  # by index, until they are run
        self.left = 1  # for who feeds it

    def feed(self, items: Sequence[Any], index: int) -> None:
        self._fed.update(enumerate(items, index))

    def neglect(self) -> None:
        """Have the outcomes dropped, those here and those to come."""
        self._kept = _Nowhere()

    def _take(self, index: int, count: int) -> Sequence[Any]:
        # Not there are those that were taken back and have been run by others.
        return list(map(self._fed.get, range(index, index + count)))

    def _have_run(self, indices: Iterable[int]) -> None:
        for i in indices:
            del self._fed[i]


class _Nowhere(dict[int, Any]):
    """Keeps nothing."""

    def __setitem__(self, index: int, outcome: Any) -> None:
        pass


def _calling(function: Callable[..., Any], convention: int) -> Callable[[Any], Any]:
    """Return what is to be called with an item."""
    if convention == _codec.STAR:
        return lambda item: function(*item)
    if convention == _codec.APPLY:
        return lambda item: function(*item[0], **item[1])
    return function


class _Desk:
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
        self._threads: list[tuple[_Desk, Thread]] = []
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

    def _start_thread(self, index: int) -> bool:
        """Start a thread and return True, or return False if the pool has ended."""
        desk = _Desk(self.pool, index)
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

    def _serve(self, desk: _Desk) -> None:
        try:
            if self._get_ready(desk):
                self._run_tasks(desk)
                if self._finalizer is not None:
                    self._finalizer()
        except BaseException as error:  # the finalizer's, or set by another thread in this one
            report(error)
        finally:
            self._leave(desk)

    def _get_ready(self, desk: _Desk) -> bool:
        _current.enter_thread(desk.index)
        if self._initializer is None:
            return True
        try:
            self._initializer(*self._initargs)
        except BaseException:
            self._send(_core.native.bridge_Fail, desk.number, traceback.format_exc().encode())
            return False
        return True

    def _run_tasks(self, desk: _Desk) -> None:
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

    def _doing(self, desk: _Desk) -> str:
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

    def _leave(self, desk: _Desk) -> None:
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
