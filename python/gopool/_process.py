"""Starting worker processes, and what the parent holds of each."""

from __future__ import annotations

import multiprocessing.process
import os
import socket
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from . import _page, _worker
from ._memory import memory_file

#: The parent's ends of all sockets and lifelines, with the inode of each. A
#: forked child has to close them, or workers would not see the parent's end.
_held: dict[int, int] = {}


#: Our processes, which only this process may wait for or end.
_processes: weakref.WeakSet[BaseProcess] = weakref.WeakSet()


def _hold(fd: int) -> None:
    _held[fd] = os.fstat(fd).st_ino


def _disown() -> None:
    """In a forked child: give up what it inherited of its parent's pools.

    Go may have closed a socket, and something else may have got its number, so
    the inode has to match. At its exit `multiprocessing` would end all processes
    that it takes for children, so ours must not be among them.
    """
    children: set[object] = getattr(multiprocessing.process, "_children", set())
    children -= set(_processes)
    for fd, inode in _held.items():
        try:
            if os.fstat(fd).st_ino == inode:
                os.close(fd)
        except OSError:
            pass
    _held.clear()


os.register_at_fork(after_in_child=_disown)


class WorkerProcess:
    """A started worker process.

    `socket` is the number of a descriptor that belongs to Go once it has been
    attached. `page` is a descriptor to be closed when it has been.
    """

    def __init__(
        self,
        context: BaseContext,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
    ) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            _hold(ours.fileno())
            process = context.Process(target=_worker.main, args=(theirs, initializer, initargs))  # type: ignore[attr-defined]
            process.name = process.name.replace("Process", "PoolWorker")
            process.daemon = True
            _processes.add(process)
            try:
                _start(process)
                self.page, self._lifeline = _equip(ours)
            except BaseException:
                del _held[ours.fileno()]
                if process.pid is not None:
                    process.kill()
                    process.join()
                raise
            self.process: BaseProcess = process
            self.socket = ours.detach()

    def attached(self) -> None:
        """Say that Go has taken the socket and mapped the page."""
        os.close(self.page)
        self.page = -1

    def end(self, grace: float) -> int:
        """Reap the process, kill it first if it does not end in `grace` seconds.

        Returns the exit code, minus the signal's number if a signal ended it.
        """
        self.process.join(grace)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        code = self.process.exitcode
        assert code is not None
        self.process.close()
        _held.pop(self.socket, None)
        del _held[self._lifeline]
        os.close(self._lifeline)
        if self.page >= 0:  # never attached
            os.close(self.page)
            os.close(self.socket)
        return code


def _equip(sock: socket.socket) -> tuple[int, int]:
    """Send a new worker its page and the read end of its lifeline.

    Returns the page's descriptor and the lifeline's write end.
    """
    lifeline, ours = os.pipe()
    _hold(ours)
    try:
        with memory_file(_page.SIZE) as page:
            socket.send_fds(sock, [b"\0"], [page, lifeline])
            return os.dup(page), ours
    except BaseException:
        del _held[ours]
        os.close(ours)
        raise
    finally:
        os.close(lifeline)


_warnings = threading.Lock()
_fork_warns = sys.version_info >= (3, 12)


def _start(process: BaseProcess) -> None:
    """Start a process. The child of a fork runs nothing that Go or a lock could block.

    Python 3.12 and later warn where a process with several threads forks,
    because a child may wait for a lock that a thread held. Ours runs what a
    worker of `multiprocessing.Pool` would.
    """
    if not _fork_warns:
        process.start()
        return
    with _warnings, warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".*multi-threaded.*fork", DeprecationWarning)
        process.start()
