"""The regions of others, from which this process reads large messages.

In the caller these are the regions of its workers, known by number. A worker
knows one, the caller's, by the number 0.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
import weakref
from itertools import accumulate

from . import _arena, _snapshot
from ._region import CALLER, HELD, RECORD, ROWS, Region, aligned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Lender:
    """The region of another process. Its descriptor is the lender's, and closed with it."""

    def __init__(self, fd: int, freed: Callable[[int], None] | None = None) -> None:
        """Make one for the file behind a descriptor. `freed` hears of bytes that are let go."""
        self.fd = fd
        self._freed = freed
        self._region: Region | None = None
        self._shared: dict[int, weakref.ref[Any]] = {}

    def region(self) -> Region:
        """Map the region, when it is first needed."""
        if self._region is None:
            try:
                self._region = Region(self.fd, self._freed)
            except (OSError, ValueError) as error:
                raise MemoryError(
                    "no address space for shared memory: raise the limit (ulimit -v), or set "
                    "GOPOOL_SHARED_MEMORY=0"
                ) from error
        return self._region

    def share(self, slab: int, offset: int, length: int) -> memoryview:
        """Return the bytes of a slab that others have as well: who writes to them gets a copy.

        In a worker. The caller looks at the region of each for what it holds.
        """
        ref = self._shared.get(slab)
        memory = None if ref is None else ref()
        if memory is None:
            assert _arena.own is not None
            own = _arena.own.region()
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
        return os.pread(self.fd, 1, HELD + slab) != b"\0"

    def is_awaited(self) -> bool:
        """Tell whether there are messages that may have to be read yet."""
        if self._region is None and not any(os.pread(self.fd, 8, ROWS)):
            return False  # it was never used
        return self.region().is_awaited()

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


def prune() -> None:
    """Forget lenders that have ended and from which nothing is to be read any more."""
    for number in tuple(ended):
        _prune(number)


def _prune(number: int) -> None:
    try:
        ended.remove(number)
    except KeyError:
        return
    # Nobody else looks at it now, and could close it meanwhile: threads may be here at the
    # same time, also in destructors.
    try:
        lender = lenders.get(number)
        if lender is None:
            return
        if not lender.is_awaited():
            del lenders[number]
            lender.retire()
            return
    except BaseException:
        ended.add(number)
        raise
    ended.add(number)
    if not lender.is_awaited():  # by now; who has seen to that did not find it in the set
        _prune(number)


def _disown() -> None:
    """In a forked child: the descriptors are closed by `_process`."""
    lenders.clear()
    ended.clear()


os.register_at_fork(after_in_child=_disown)


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
