"""The regions of others, from which this process reads large messages.

In the caller these are the regions of its workers, known by number. A worker
knows one, the caller's, by the number 0.
"""

from __future__ import annotations

import errno
import mmap
import os
import pickle
import struct
import sys
import weakref
from itertools import accumulate

from . import _arena, _snapshot
from ._interrupts import register_at_fork
from ._region import CALLER, HELD, RECORD, ROWS, SENDING, SLABS, TABLE, Region, aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Lender:
    """The region of another process. Its descriptor is the lender's, and closed with it."""

    _region: Region | None = None

    def __init__(self, fd: int, freed: Callable[[int], None] | None = None) -> None:
        """Make one for the file behind a descriptor. `freed` hears of bytes that are let go."""
        self.fd = fd
        self._freed = freed
        self._shared: dict[int, weakref.ref[Any]] = {}

    def region(self) -> Region:
        """Map the region, when it is first needed."""
        if self._region is None:
            try:
                region = Region(self.fd, self._freed)
            except (OSError, ValueError) as error:
                if getattr(error, "errno", 0) in (errno.EMFILE, errno.ENFILE):
                    raise
                raise MemoryError(
                    "no address space for shared memory: raise the limit (ulimit -v), or set "
                    "GOPOOL_SHARED_MEMORY=0"
                ) from error
            # In one step, as threads may do this at the same time: all need the one that
            # knows what is held.
            return self.__dict__.setdefault("_region", region)  # type: ignore[no-any-return]
        return self._region

    def share(self, slab: int, offset: int, length: int) -> memoryview:
        """Return the bytes of a slab that others have as well: who writes to them gets a copy.

        In a worker. The caller looks at the region of each for what it holds.
        """
        ref = self._shared.get(slab)
        memory = None if ref is None else ref()
        if memory is None:
            assert _arena.results is not None
            own = _arena.results.region()
            own.show(slab, True)
            private = mmap.mmap(self.fd, length, mmap.MAP_PRIVATE, offset=offset)
            memory = _snapshot.export(private, 0, length)
            self._shared[slab] = weakref.ref(memory, lambda _: self._let_go(slab, own))
        return memoryview(memory).cast("B")

    def _let_go(self, slab: int, own: Region) -> None:
        """Called in any thread at any time."""
        self._shared.pop(slab, None)
        own.show(slab, False)

    def has_shared(self, slab: int) -> bool:
        """Tell whether the region's owner has a slab of this process mapped."""
        try:
            return os.pread(self.fd, 1, HELD + slab) != b"\0"
        except OSError:  # another thread has just closed it, as its owner has ended
            return False

    def is_awaited(self) -> bool:
        """Tell whether there are messages to be read yet, if its process has ended.

        One that was not received by then never will be.
        """
        # Not by a mapping: there may be no address space for one.
        rows = int.from_bytes(os.pread(self.fd, 8, ROWS), sys.byteorder)
        table = os.pread(self.fd, 16 * min(rows, SLABS), TABLE)
        return any(courier % SENDING for courier in memoryview(table).cast("Q")[::2])

    def retire(self) -> None:
        """Close it. Its process has ended, so what is free will not be used again."""
        os.close(self.fd)
        if self._region is not None:
            self._region.retire()


lenders: dict[int, Lender] = {}

#: In a worker: references to shared values of the caller's (`_shared`), by slab.
references: dict[int, Any] = {}


def forget_gone() -> None:
    """In a worker: let go of shared values that the caller has let go of."""
    for slab in tuple(references):
        if not lenders[CALLER].region().is_held(slab):
            references.pop(slab, None)


#: Numbers of those whose process has ended, and of which there is something to be read.
ended: set[int] = set()


_calls = 0  # of prune


def prune() -> None:
    """Forget lenders that have ended and from which nothing is to be read any more.

    Called in any thread at any time.
    """
    global _calls
    _calls += 1
    seen = 0
    while seen != _calls:  # who came meanwhile passed over what is looked at here
        seen = _calls
        for number in tuple(ended):
            _look_at(number)


def _look_at(number: int) -> None:
    """Forget a lender that has ended, unless there is something to be read."""
    claimed = True  # by who takes it off: nobody else closes it meanwhile
    try:
        ended.remove(number)
        lender = lenders[number]
        if not lender.is_awaited():
            del lenders[number]
            lender.retire()
    except KeyError:
        claimed = False
    finally:
        if claimed and number in lenders:
            ended.add(number)


def _disown() -> None:
    """In a forked child: the descriptors are closed by `_process`."""
    lenders.clear()
    ended.clear()
    references.clear()


register_at_fork(after_in_child=_disown)


def reach(record: Any) -> None:
    """Map the region of a message. Raises if it can't be mapped now, as opposed to never."""
    lender = lenders.get(RECORD.unpack_from(record)[0])
    if lender is not None:
        lender.region()


def load(record: Any) -> Any:
    """Unpickle a message that is in a slab. Raises what unpickling raises."""
    number, slab, offset, length = RECORD.unpack_from(record)
    return unpickle(record, lenders[number].region().hold(slab, offset, length))


def load_shared(record: Any) -> Any:
    """Unpickle what is in a slab for all workers."""
    number, slab, offset, length = RECORD.unpack_from(record)
    return unpickle(record, lenders[number].share(slab, offset, length))


def unpickle(record: Any, data: memoryview) -> Any:
    lengths = struct.unpack_from(f"<{len(record) // 8 - 4}Q", record, RECORD.size)
    starts = accumulate(map(aligned, lengths), initial=0)
    parts = [data[start : start + size] for start, size in zip(starts, lengths, strict=False)]
    return pickle.loads(parts[0], buffers=parts[1:])
