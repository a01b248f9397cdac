"""A worker that goes when it has become too large."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

from . import _page, _wire
from ._worker import _Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence
    from typing import Any

_PAGE = os.sysconf("SC_PAGE_SIZE")

#: To look closely at a process takes ms: it may take so small a part of the time.
_SHARE_OF_TIME = 0.01


class _TooLarge(Exception):
    """Raised between two tasks."""


class BoundedWorker(_Worker):
    """A worker that leaves after a task behind which it has more memory than it may.

    It starts none of those that it has been granted since, says so, and goes.
    """

    def __init__(self, sock: socket.socket, page: _page.Page, max_memory: int) -> None:
        super().__init__(sock, page)
        self._gauge = Gauge(max_memory)

    def serve(self) -> None:
        try:
            super().serve()
        except _TooLarge:
            self._outbox.flush()
            _wire.send(self._socket, _wire.RETIRE, b"")

    def _serve_singly(self) -> bytes:
        return self._inbox.receive()  # all tasks go through `_run`

    def _run(self, sequence: int, call: Callable[[Any], Any], items: Sequence[Any]) -> None:
        end = sequence + len(items)
        for number, item in enumerate(items, sequence):
            if self._slots[_page.RECALLED] <= number:
                self._skip(number, end - number)
                return
            super()._run(number, call, (item,))
            if self._gauge.is_exceeded():
                raise _TooLarge


class Gauge:
    """Tells whether this process has more than so many bytes of memory of its own.

    These are its anonymous pages in memory, not those of files and of shared memory,
    and without those that it still has in common with the process that it is a fork of.
    To ask the kernel for that takes time. So it is asked when all anonymous pages are
    too many, and again when there are more, or after a while: a page that is
    written to is not shared any more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._enough = limit // _PAGE
        self._statm = os.open("/proc/self/statm", os.O_RDONLY)
        self._next_look = 0.0

    def is_exceeded(self) -> bool:
        _, resident, shared, _ = os.pread(self._statm, 256, 0).split(None, 3)
        pages = int(resident) - int(shared)
        if pages <= self._limit:
            return False
        begin = time.monotonic()
        if pages <= self._enough and begin < self._next_look:
            return False
        own = _own_memory() // _PAGE
        end = time.monotonic()
        self._next_look = end + (end - begin) / _SHARE_OF_TIME
        self._enough = pages + self._limit - own
        return own > self._limit


def _own_memory() -> int:
    """Return how many bytes of memory are this process's and in no mapping that others share.

    The sums of smaps_rollup would not do: what only this process has of shared memory at
    the moment, as a result that was just written there, is in none of them by itself.
    """
    kilobytes, counts = 0, False
    with suppress(OSError), open("/proc/self/smaps", "rb") as file:
        for line in file:
            if line.startswith(b"Private_Dirty:"):
                if counts:
                    kilobytes += int(line.split()[1])
            elif b":" not in line.split(None, 1)[0]:  # the head of a mapping
                counts = line.split(None, 2)[1].endswith(b"p")
        return kilobytes << 10
    return sys.maxsize  # no such file: then all pages count
