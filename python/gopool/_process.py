"""Starting worker processes, and what the parent holds of each."""

from __future__ import annotations

import fcntl
import multiprocessing.process
import os
import resource  # noqa: F401  (or wait4 would import it when the first pool ends)
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

# The failure is there for the workers: see `forking`.
from . import (  # noqa: F401
    _arena,
    _caller_arena,
    _core,
    _failure,
    _lender,
    _page,
    _region,
    _traces,
    _wire,
    _worker,
)
from ._dump import Subject
from ._family import GRACE_OF_KERNEL
from ._interrupts import blocked, register_at_fork
from ._memory import memory_file
from ._settings import Settings

#: The parent's descriptors of all workers. A forked child has to close them, or
#: workers would not see the parent's end. Whatever closes one takes it off first.
_held: set[int] = set()

#: Held in each fork, and while descriptors are made, until they are in `_held`: a process
#: that another thread forks meanwhile would keep them. (Its hooks are functions of C, which a
#: signal's handler can't interrupt.)
_making = threading.RLock()
os.register_at_fork(
    before=_making.acquire, after_in_parent=_making.release, after_in_child=_making.release
)

#: Held while a worker is forked, and while something is imported that workers import as
#: well: a module that is half imported at a fork can't be imported in the child. A signal's
#: handler may take it again: it ends before the fork goes on.
forking = threading.RLock()

#: gopool/packets.go has the reason. Elsewhere there is no such socket, and need not be.
_SOCKET = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM

#: In place of an exit code: the process has ended, and nobody knows how.
UNKNOWN_EXIT = 1 << 16

#: getrusage(2) tells memory in KiB, and on macOS in bytes.
_UNIT_OF_PEAK = 1 if sys.platform == "darwin" else 1024

#: Our processes, which only this process may wait for or end.
_processes: set[BaseProcess] = set()


def _memory_of_worker() -> int:
    """Return the file of a worker's page, with its region behind it if that can be."""
    fd = -1 if _arena.own is None else _region.file()
    return fd if fd >= 0 else memory_file(_page.SIZE)


def _release(fd: int) -> None:
    _held.remove(fd)
    os.close(fd)


def _children() -> set[BaseProcess]:
    """Return what `multiprocessing` takes for the children of this process."""
    children: set[BaseProcess] = getattr(multiprocessing.process, "_children", set())
    return children


def _disown() -> None:
    """In a forked child: give up what it inherited of its parent's pools.

    At its exit `multiprocessing` would end all processes that it takes for
    children, so ours must not be among them.
    """
    global forking
    forking = threading.RLock()
    children = _children()
    children -= _processes
    for fd in _held:
        with suppress(OSError):
            os.close(fd)
    _held.clear()


register_at_fork(after_in_child=_disown)


def open_lifeline() -> tuple[int, int]:
    """Make a pipe whose owner (`_own_lifeline`) gets SIGKILL when the other end is closed.

    Only the parent holds that end, so it closes when the parent ends, in whatever way. A
    thread of the worker that waited for it would not do: it can't run while a C function
    holds the GIL. fcntl(2), F_SETSIG: Linux only. Elsewhere a worker ends when it next reads.
    """
    reader, writer = os.pipe()
    flags = os.O_NONBLOCK
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGKILL)
        flags |= os.O_ASYNC
    fcntl.fcntl(reader, fcntl.F_SETFL, flags)
    return reader, writer


class WorkerProcess:
    """A worker process, and what the parent holds of it.

    Made, started, equipped, attached; and ended, which may come at any time. All
    that a pool's first workers need is made before the first of them starts:
    each fork has the parent copy the pages that it writes to next.
    """

    page = -1
    #: Bytes of memory that it had at most; 0: it has not ended, or nobody knows.
    peak_memory = 0
    #: Whether it was still there when it should have ended, and got SIGKILL from us.
    killed = False
    _given = -1  # the number of the socket, once it is Go's
    _lifeline = -1
    _worker_end = -1
    _sentinel = -1

    def __init__(
        self,
        context: BaseContext,
        settings: Settings,
        index: int,
        generation: int = 0,
    ) -> None:
        self.index = index
        self.generation = generation
        self._method = context.get_start_method()
        with _making:
            ours, theirs = socket.socketpair(socket.AF_UNIX, _SOCKET)
            self._theirs = theirs
            self.socket = ours.detach()
            _held.update((self.socket, theirs.fileno()))
        try:
            with _making:
                self._worker_end, self._lifeline = open_lifeline()
                _held.update((self._worker_end, self._lifeline))
            self._region = _core.new_number()
            self.page = _memory_of_worker()
            #: Where in the page's file stacks begin.
            self.size = os.fstat(self.page).st_size
            _held.add(self.page)
            _lender.lenders[self._region] = _lender.Lender(self.page, _caller_arena.note_freed)
            arguments = (theirs, settings, index, generation)
            self.process: BaseProcess = context.Process(target=_worker.main, args=arguments)  # type: ignore[attr-defined]
            self.process.name = self.process.name.replace("Process", "PoolWorker")
            self.process.daemon = True
        except BaseException:
            self._close()
            self.forget()
            raise

    @property
    def pid(self) -> int:
        """The id of the process, which was started."""
        assert self.process.pid is not None
        return self.process.pid

    def start(self) -> None:
        """Start the process. If that fails, nothing is left of it."""
        _held.discard(self._theirs.fileno())  # a forked child keeps its own
        _processes.add(self.process)
        try:
            with self._theirs, _silent_start(self._method):
                _start(self.process)
        except BaseException:
            self.end(0)
            raise

    def equip(self) -> None:
        """Send the worker what it waits for: its page, and its end of the lifeline.

        Most workers of a new pool get it when all have been started: until then
        they leave the processors to their parent. Does nothing the second time.
        """
        if self._worker_end < 0:
            return
        self._own_lifeline()
        sock = socket.socket(fileno=self.socket)
        try:
            descriptors = [self.page, self._worker_end]
            if _arena.own is not None:
                descriptors.append(_arena.own.fd)
            socket.send_fds(sock, [_wire.NUMBER.pack(self._region)], descriptors)
        except ConnectionError:
            pass  # it has ended already, and Go will tell
        finally:
            sock.detach()
        _release(self._worker_end)
        self._worker_end = -1

    def _own_lifeline(self) -> None:
        """Have the kernel kill the process with this one, whatever it has come to by then.

        It might never come to say so itself: somebody stops it, or what is imported blocks.
        """
        if hasattr(fcntl, "F_SETSIG"):
            with suppress(ProcessLookupError):  # it has ended, and somebody else has reaped it
                fcntl.fcntl(self._worker_end, fcntl.F_SETOWN, self.pid)
            if wait([self.process.sentinel], 0):  # it has ended: the number may be another's
                fcntl.fcntl(self._worker_end, fcntl.F_SETOWN, 0)

    def attach(self, pool: int, retiring: int) -> int:
        """Give the worker to a Go pool: return its number there, or a status.

        It takes the place of the worker with the number `retiring`, if that is not 0.

        The socket is Go's from now on, which closes it at once if it refuses the
        worker. So nobody may take the number for the socket's meanwhile.
        """
        self.equip()
        fd, self.socket = self.socket, -1
        _held.remove(fd)
        number = _core.native.bridge_Attach(pool, fd, self.page, self.pid, retiring)
        if number >= 0:
            self._given = fd
            _held.add(fd)
        return number

    def end(self, grace: float) -> int:
        """Reap a process, and forget it: Go does not know it, or not any more."""
        code = self.reap(grace)
        self.forget()
        return code

    def reap(self, grace: float) -> int:
        """Wait for the end of the process; kill it first if it does not end in `grace` seconds.

        Returns the exit code, minus the signal's number if a signal ended it, or
        `UNKNOWN_EXIT`.
        """
        code = UNKNOWN_EXIT
        if self.process.pid is not None:
            self.await_end(grace)
            code = self._exit_code()
        _processes.discard(self.process)
        self._close()
        return code

    def await_end(self, grace: float) -> None:
        """Wait until the process has ended; kill it if it does not in `grace` seconds."""
        if not self._has_ended(grace):
            self.kill()
            self._has_ended(GRACE_OF_KERNEL)

    def kill(self) -> None:
        """Kill the process, and do not wait for its end. Only for who reaps it."""
        self.killed = True
        self.process.kill()

    def has_begun(self) -> bool:
        """Tell whether it certainly ends with this process, also if it is stopped.

        One that was forked has our end of its lifeline as well, until it closes that.
        """
        return any(os.pread(self.page, 8, 8 * _page.SEPARATE))

    def traces(self) -> bytes:
        """Return what the worker's faulthandler has written (`_traces`)."""
        return _traces.read(self.page, self.size)

    def subject(self, number: int) -> Subject:
        """Take hold of the process for `dump`. Only where nobody reaps it meanwhile."""
        return Subject(number, self.pid, self.page, self.size)

    def _close(self) -> None:
        """Close what the worker or Go have not taken. Does nothing the second time."""
        _held.discard(self._theirs.fileno())
        self._theirs.close()
        _held.discard(self._given)
        self._given = -1
        own = (self.socket, self._lifeline, self._worker_end, self._sentinel)
        self.socket = self._lifeline = self._worker_end = self._sentinel = -1
        for fd in own:
            if fd >= 0:
                _release(fd)

    def forget(self) -> None:
        """Let go of the memory that the worker had: Go has taken what results it left there."""
        if self.page >= 0:
            _held.discard(self.page)
            self.page = -1
            _lender.ended.add(self._region)
            _lender.prune()

    def _exit_code(self) -> int:
        """Return the exit code of a process that has ended.

        `multiprocessing` waits for all of its children whenever a program starts
        another or asks for `active_children`. The thread that does so has the
        code, and others see it a moment later. Nobody has it in a program that
        ignores SIGCHLD.
        """
        nobody = signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
        deadline = time.monotonic() + (0 if nobody else GRACE_OF_KERNEL)
        while (code := self._reap()) is None:
            if time.monotonic() > deadline:
                _children().discard(self.process)
                return UNKNOWN_EXIT
            time.sleep(0.001)
        self.process.join()  # off the list of children, where it may still be
        # Close its descriptors. Not the process itself: a thread that goes through
        # that list at this moment would stumble over it.
        popen: Any = getattr(self.process, "_popen", None)
        if popen is not None:
            popen.close()
        return code

    def _has_ended(self, timeout: float) -> bool:
        """Wait until the process has ended, at most so many seconds, and tell whether it has."""
        return self._reap() is not None or bool(ended({0: self}, timeout))

    def _reap(self) -> int | None:
        """Return the exit code if the process has ended.

        `multiprocessing` would ask with waitpid, which does not tell what memory it had.
        That of a forkserver's process nobody here can ask for.
        """
        popen: Any = getattr(self.process, "_popen", None)
        if getattr(popen, "returncode", 0) is None and popen.method != "forkserver":
            with suppress(ChildProcessError):  # another thread has been told
                pid, status, usage = os.wait4(popen.pid, os.WNOHANG)
                if not pid:
                    return None  # not by `exitcode`, which would ask again, and may be told
                popen.returncode = os.waitstatus_to_exitcode(status)
                self.peak_memory = usage.ru_maxrss * _UNIT_OF_PEAK
        return self.process.exitcode

    def sentinel(self) -> int:
        """Return a descriptor that is readable when the process has ended, or -1 if it is gone.

        Not that of `multiprocessing` where that can be helped: a process that
        another thread forks at the same time may hold that open.
        """
        if self._sentinel < 0:
            try:
                self._sentinel = os.pidfd_open(self.pid)
            except ProcessLookupError:
                return -1
            except (AttributeError, OSError):
                return self.process.sentinel
            _held.add(self._sentinel)
        return self._sentinel


def ended(workers: Mapping[int, WorkerProcess], timeout: float) -> list[int]:
    """Wait until one of the processes has ended, at most so many seconds, and return which have."""
    sentinels = {number: worker.sentinel() for number, worker in workers.items()}
    gone = [number for number, fd in sentinels.items() if fd < 0]
    if gone:
        return gone
    ready = set(wait(list(sentinels.values()), timeout))
    return [number for number, fd in sentinels.items() if fd in ready]


@contextmanager
def _silent_start(method: str) -> Iterator[None]:
    """Have Ctrl-C wait in a process that is started, until it has a handler (`_worker.main`).

    Otherwise it would print a traceback from the middle of its imports. Not with
    forkserver, whose server would pass that on to processes of the program's own.
    """
    if method == "forkserver":
        yield
        return
    if method == "spawn":
        resource_tracker.ensure_running()  # whose start unblocks Ctrl-C
    with blocked():
        yield


def _start(process: BaseProcess) -> None:
    """Start a process. The child of a fork runs nothing that Go or a lock could block.

    Python 3.12 and later warn where a process with several threads forks,
    because a child may wait for a lock that a thread held. Ours runs what a
    worker of `multiprocessing.Pool` would.
    """
    if _FORK_WARNS:
        _ignore_fork_warning()
    with forking:
        process.start()


_FORK_WARNS = sys.version_info >= (3, 12)


def _ignore_fork_warning() -> None:
    """See that the filter for the warning stands in front, and do nothing if it does.

    Not with `warnings.catch_warnings`: what it restores is shared by all threads.
    """
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or _pattern(first[3]) != _FORKING_MODULE:
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=_FORKING_MODULE)


def _pattern(module: Any) -> str | None:
    """Return the regular expression of a filter for modules."""
    return getattr(module, "pattern", None)


_FORKING_MODULE = r"multiprocessing\.popen_fork"
