"""Large messages, in shared memory: written once, and not copied by who reads them.

A process writes them to slabs of a region of its own, its arena. What it sends
says where: a `record`. Who reads that gets objects over the slab itself, which are
writable and nobody else's, as if they had been unpickled in the usual way; the slab
is free again when they are gone.
"""

from __future__ import annotations

import bisect
import os
import struct
import threading
from collections import deque
from contextlib import suppress

from . import _region, _snapshot
from ._interrupts import register_at_fork
from ._memory import is_bounded
from ._region import DATA, GRAIN, Region, aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

#: Bytes of free memory that an arena keeps when its pool is idle.
KEPT = 1 << 22

#: How many slabs are looked at for each that is wanted: they may be free.
_PROBES = 16


class Lent:
    """A message in a slab, on its way until `sent` or dropped."""

    slab = -1
    span: Any = None

    def __init__(self, arena: Arena, size: int) -> None:
        self._arena = arena
        self.size = size
        self.record = b""

    def sent(self) -> None:
        """Say that it has been received, or certainly will be."""
        self.slab = -1

    def __del__(self) -> None:
        if self.slab >= 0:
            self._arena.take_back(self)


class Arena:
    """A region of this process's own. Its descriptor is the arena's, and closed with it."""

    def __init__(
        self, fd: int, number: int, is_mapped: Callable[[int], bool] = lambda slab: False
    ) -> None:
        """Make one in the file behind a descriptor. Other processes know it by `number`.

        `is_mapped` tells whether any of them has a shared slab.
        """
        self.fd = fd
        self._is_mapped = is_mapped
        self._number = number
        self._region: Region | None = None
        self._is_bounded = is_bounded(fd)
        self._lock: Any = threading.RLock()  # so that its owner can be told, by `_is_changing`
        end = os.fstat(fd).st_size
        self._free = [(DATA, end - DATA)] if end > DATA else []  # offset, length; by offset
        self._spans: dict[int, tuple[int, int]] = {}  # of slabs that may be in use
        self._shared: set[int] = set()  # those of them that several workers may have
        self._queue: deque[int] = deque()  # the same slabs, in the order to look at them
        self._spare = iter(range(_region.SLABS))
        self._used: list[int] = []  # slabs that were in use
        self._top = DATA  # no memory has been used from here on
        self._survivors = 0  # slabs in use when all were looked at last

    def close(self) -> None:
        os.close(self.fd)

    def region(self) -> Region:
        """Map the region, when it is first needed."""
        if self._region is None:
            self._region = Region(self.fd)
        return self._region

    def lend(
        self, chunks: Sequence[Any], buffers: Sequence[Any], *, shared: bool = False
    ) -> Lent | None:
        """Copy a pickle, in pieces, and its buffers to a slab. Return None if there is no room.

        There is none either for the handler of a signal that comes amid another call.

        Many may read it if it is `shared`, else one.
        """
        lengths = [sum(map(len, chunks)), *map(len, buffers)]
        size = sum(aligned(length) for length in lengths)
        lent = Lent(self, size)
        if self._is_changing():
            return None
        with self._lock:
            if not self._allocate(lent, -(-size // GRAIN) * GRAIN):
                return None
            if shared:
                self._shared.add(lent.slab)
        assert self._region is not None
        data, start = self._region.data, lent.span[0]
        at = start
        for chunk in chunks:
            data[at : at + len(chunk)] = chunk
            at += len(chunk)
        at = start + aligned(lengths[0])
        for buffer in buffers:
            data[at : at + len(buffer)] = buffer
            at += aligned(len(buffer))
        lent.record = struct.pack(
            f"<{4 + len(lengths)}Q", self._number, lent.slab, start, size, *lengths
        )
        return lent

    def keep(self, lent: Lent) -> int:
        """Have a slab stay that no message is about, until `let_go`. Return its mark."""
        return self.region().keep(lent.slab)

    def let_go(self, slab: int) -> int:
        """Return how many bytes it has. Called in any thread at any time."""
        size = self._spans[slab][1]  # asked first: once let go, it may be gone or another's
        self.region().let_go(slab)
        return size

    def view(self, slab: int) -> memoryview:
        """Return what is in a slab that is kept, to be read here."""
        offset, length = self._spans[slab]
        memory = _snapshot.export(self.region().memory, offset, length)
        return memoryview(memory).cast("B").toreadonly()

    def take_back(self, lent: Lent) -> None:
        """Have a slab again whose message was not sent. Called in any thread at any time."""
        if self._region is not None and self._spans.get(lent.slab) is lent.span:
            self._region.unsend(lent.slab)

    def _is_changing(self) -> bool:
        """Tell whether this thread is amid a change: a signal's handler or a destructor asks.

        It can neither wait for the end of that nor come in between. The lock itself is asked,
        as `threading.Condition` does: what else would say so could be left wrong by Ctrl-C.
        """
        is_changing: bool = self._lock._is_owned()
        return is_changing

    def _allocate(self, lent: Lent, length: int) -> bool:
        if self._region is None:
            if not self._free:
                return False
            try:
                self.region()
            except (OSError, ValueError):  # the process may have no more address space
                self._free = []
                return False
        self._collect(_PROBES)
        at = self._find(length)
        if (at is None or self._free[at][0] + length > self._top) and len(
            self._spans
        ) >= 2 * self._survivors:
            # Before it grows, all are looked at; at times that make this cheap for each.
            self._collect(len(self._spans))
            self._survivors = len(self._spans)
            at = self._find(length)
        if at is None:
            return False
        offset, free = self._free[at]
        if self._is_bounded:
            try:
                os.posix_fallocate(self.fd, offset, length)
            except OSError:  # the file system is full; to write there would be SIGBUS
                return False
        slab = self._used.pop() if self._used else next(self._spare, -1)
        if slab < 0:
            return False
        if free == length:
            del self._free[at]
        else:
            self._free[at] = (offset + length, free - length)
        self._top = max(self._top, offset + length)
        lent.span = self._spans[slab] = (offset, length)
        lent.slab = slab
        assert self._region is not None
        self._region.send(slab)
        self._queue.append(slab)
        return True

    def _find(self, length: int) -> int | None:
        """Return which of the free pieces is the first that is long enough."""
        for at, (_, free) in enumerate(self._free):
            if free >= length:
                return at
        return None

    def _collect(self, count: int) -> None:
        """Look at so many slabs, and have those again that are free."""
        assert self._region is not None
        for _ in range(min(count, len(self._queue))):
            slab = self._queue.popleft()
            if self._is_free(slab):
                self._shared.discard(slab)
                self._used.append(slab)
                self._put(*self._spans.pop(slab))
            else:
                self._queue.append(slab)

    def _is_free(self, slab: int) -> bool:
        assert self._region is not None
        return self._region.is_free(slab) and not (slab in self._shared and self._is_mapped(slab))

    def _put(self, offset: int, length: int) -> None:
        """Add to the free pieces, as one with its neighbours."""
        at = bisect.bisect(self._free, (offset, length))
        if at < len(self._free) and self._free[at][0] == offset + length:
            length += self._free.pop(at)[1]
        if at and sum(self._free[at - 1]) == offset:
            at -= 1
            offset, before = self._free.pop(at)
            length += before
        self._free.insert(at, (offset, length))

    def trim(self, keep: int = KEPT) -> None:
        """Give memory that is free back to the system, but for so many bytes."""
        if self._is_changing():
            return
        with self._lock:
            if self._region is None:
                return
            self._collect(len(self._queue))
            top = self._top
            self._top = max((sum(span) for span in self._spans.values()), default=DATA)
            for offset, length in self._free:
                end = min(offset + length, top)
                kept = min(keep, max(0, end - offset))
                keep -= kept
                if offset + kept < end:
                    self._region.remove(offset + kept, end)
                if kept:
                    self._top = max(self._top, offset + kept)


#: Of what this process sends to workers of its pools; None: it has none, and sends all
#: messages as they are.
own: Arena | None = None

#: Of what it returns, if it is a worker itself.
results: Arena | None = None


def _disown() -> None:
    """In a forked child: it has no pool and is no worker."""
    global own, results
    for arena in (own, results):
        if arena is not None:
            with suppress(OSError):  # it is closed: the hook is called again if it was interrupted
                arena.close()
    own = results = None


register_at_fork(after_in_child=_disown)
