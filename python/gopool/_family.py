"""What a worker has started: found, held and ended when the pool is terminated.

A worker that is killed can't see to the programs that it has started, and once it has ended
nobody can tell any more that they were its own. So they are looked for before.

Linux only, where the kernel lists children (proc(5), `children`); elsewhere none are found.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

#: Seconds that processes may take to stop: one that waits for a device can't, and starts nothing.
_STOP = 0.02

#: Seconds that a process may take to end after SIGKILL.
GRACE_OF_KERNEL = 5


class Family:
    """A worker, and all that it has started, directly or not, in its process group.

    Who left the group wanted to be left alone, as daemons do.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._group = -1
        self._asked: set[int] = set()  # to end; nobody is asked twice
        self._stopped: set[int] = set()
        self._members: dict[int, int] = {}  # pidfds; the worker's is the first
        with suppress(AttributeError, OSError):  # it has ended, or there are no pidfds
            self._group = os.getpgid(worker)
            self._members[worker] = os.pidfd_open(worker)

    def look(self) -> None:
        """Take hold of those that there are now."""
        pending = list(self._members)
        while pending:
            pending += self._take_hold(pending.pop())

    def stop(self) -> None:
        """Begin to stop those that are held; `freeze` does the rest."""
        self._send(self._members.keys() - self._stopped, signal.SIGSTOP)
        self._stopped |= self._members.keys()

    def freeze(self) -> None:
        """Stop all, so that none starts another or ends unseen, and take hold of them."""
        self.stop()
        deadline = time.monotonic() + _STOP
        pending = list(self._members)
        while pending:
            pid = pending.pop()
            while _is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.0001)
            if found := self._take_hold(pid):
                self.stop()
                # Once more, because the list has gaps while children end.
                pending += [pid, *found]

    def dissolve(self) -> None:
        """Ask all but the worker to end, and have the frozen ones go on."""
        asked = set(self._others())
        self._send(asked - self._asked, signal.SIGTERM)
        self._asked |= asked
        self._send(self._members, signal.SIGCONT)
        self._stopped.clear()

    def kill(self) -> None:
        """Kill all but the worker."""
        self.freeze()
        self._send(self._others(), signal.SIGKILL)

    def survivors(self) -> list[int]:
        """Return pidfds of those that have not ended, but for the worker."""
        return [self._members[pid] for pid in self._others() if self._is_there(pid)]

    def close(self) -> None:
        while self._members:
            os.close(self._members.popitem()[1])

    def _others(self) -> list[int]:
        return [pid for pid in self._members if pid != self._worker]

    def _is_there(self, pid: int) -> bool:
        return not _readable([self._members[pid]], 0)

    def _send(self, pids: Iterable[int], number: int) -> None:
        for pid in pids:
            with suppress(OSError):  # it has ended, or is somebody else's now
                signal.pidfd_send_signal(self._members[pid], number)

    def _take_hold(self, parent: int) -> list[int]:
        """Take hold of the children of a member, and return the new ones."""
        found = []
        for pid in _children(parent):
            if pid in self._members:
                continue
            with suppress(OSError):
                fd = os.pidfd_open(pid)
                # Asked when the descriptor is there: the numbers may be others' by now.
                ours = _parent_and_group(pid) == (parent, self._group) and self._is_there(parent)
                if ours:
                    self._members[pid] = fd
                    found.append(pid)
                else:
                    os.close(fd)
        return found


def end(families: Iterable[Family], grace: float) -> None:
    """End what workers that have ended leave behind: by SIGTERM, and after the grace by SIGKILL."""
    left_behind = [family for family in families if family.survivors()]
    for family in left_behind:
        family.freeze()
        family.dissolve()
    _await_end(left_behind, grace)
    for family in left_behind:
        if family.survivors():
            family.kill()
    _await_end(left_behind, GRACE_OF_KERNEL)


def _await_end(families: list[Family], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    for family in families:
        while (fds := family.survivors()) and (left := deadline - time.monotonic()) > 0:
            _readable(fds, left)


def _children(pid: int) -> list[int]:
    """Return the children of a process, those that it has not waited for included."""
    found: list[int] = []
    with suppress(OSError):  # it has ended
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _stat(pid: int) -> list[bytes]:
    """Return what the kernel tells of a process, from its state on."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _read(path: str) -> bytes:
    """Return what is in a file, in fewer system calls than a file object would take."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(fd, 1 << 12), b""))
    finally:
        os.close(fd)


def _is_running(pid: int) -> bool:
    """Tell whether a process has neither stopped nor ended."""
    try:
        return _stat(pid)[0] not in b"TtZX"
    except OSError:
        return False


def _parent_and_group(pid: int) -> tuple[int, int]:
    _, parent, group, *_ = _stat(pid)
    return int(parent), int(group)


def _readable(fds: list[int], timeout: float) -> bool:
    """Wait until one of the pidfds tells an end, at most so many seconds."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout) * 1e3))
