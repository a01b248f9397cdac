"""Shared memory in which one process keeps slabs for others to read.

A region is a file in memory that one process, its owner, fills (`_arena`). Each slab
has a row of two words in the table at the region's start, and is free when both are 0:

    courier   not 0 while a message that names the slab is on its way or may be read again
    holder    the process that has objects over the slab, which are its own alone; or the
              mark of the shared value that the owner keeps there

gopool/slabs.go has the same numbers; docs/architecture.md has the argument why no
slab is given out twice. Nothing is locked, as a word has one writer at a time.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import struct
import weakref
from contextlib import suppress

from . import _snapshot
from ._memory import memory_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Rows of the table: more slabs there can't be.
SLABS = 1 << 15

# Bytes from the region's start. What is before is the worker's page (`_page`).
TABLE = 1 << 16
HELD = TABLE + 16 * SLABS  # of a worker: a byte for each slab of the caller's that it has mapped
ROWS = HELD + SLABS  # a word: how many rows have ever been in use
DATA = 1 << 20  # where slabs begin

#: Slabs begin at multiples of this.
GRAIN = mmap.PAGESIZE

#: What a message says that is in a slab: number of the region, slab, offset, length;
#: behind that, the length of its pickle and of each of the pickle's buffers.
RECORD = struct.Struct("<QQQQ")

#: The number of the caller's region, in its workers.
CALLER = 0

#: The pickle and its buffers begin at multiples of this, which suits every type.
_ALIGNMENT = 64


def aligned(size: int) -> int:
    """Return how many bytes of a slab so many take."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT


#: What the system says where a file may not be so large.
_TOO_LARGE = frozenset({errno.EFBIG, errno.ENOSPC, errno.EINVAL, errno.ENOMEM})


def file() -> int:
    """Return a descriptor of a file for a region, -1 if none can be so large.

    Only what is used of it takes memory.
    """
    size = DATA + 2 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return memory_file(size, DATA)
    except OSError as error:
        if error.errno not in _TOO_LARGE:
            raise
        return -1


class Region:
    """A region as this process has it mapped. What is made of its slabs keeps it mapped."""

    def __init__(self, fd: int, freed: Callable[[int], None] | None = None) -> None:
        """Map all of the file behind a descriptor, which stays the caller's.

        `freed` hears of bytes that are let go, in any thread at any time.
        """
        self._freed = freed
        self.memory = mmap.mmap(fd, 0)
        self.data = memoryview(self.memory)
        self._words = self.data[TABLE:HELD].cast("Q")
        self._held = self.data[HELD:ROWS]
        self._rows = self.data[ROWS : ROWS + 8].cast("Q")
        self._holds: dict[int, weakref.ref[Any]] = {}
        self._spans: dict[int, tuple[int, int]] = {}  # of the slabs in _holds: offset, length
        self._retired = False
        self._process = os.getpid()

    # For the owner.

    def send(self, slab: int) -> None:
        """Say that a message will name a free slab."""
        if slab >= self._rows[0]:
            self._rows[0] = slab + 1
        self._words[2 * slab] = SENDING

    def unsend(self, slab: int) -> None:
        """Take that back, unless the message has been received."""
        if not self._is_inherited() and self._words[2 * slab] == SENDING:
            self._words[2 * slab] = 0

    def keep(self, slab: int) -> int:
        """Have a slab stay that no message is about. Return the mark of what is in it.

        No other value has that mark, also none of a process that was forked from this one.
        """
        mark = next(_marks) << 32 | os.getpid()
        self._words[2 * slab + 1] = mark
        self._words[2 * slab] = 0
        return mark

    def let_go(self, slab: int) -> None:
        """Keep a slab no longer."""
        if not self._is_inherited():
            self._words[2 * slab + 1] = 0

    def is_kept(self, slab: int, mark: int) -> bool:
        """Tell whether a slab is kept, and still has what was marked so."""
        return self._words[2 * slab + 1] == mark

    def is_held(self, slab: int) -> bool:
        return bool(self._words[2 * slab + 1])

    def is_free(self, slab: int) -> bool:
        # In this order: who receives the message becomes the holder before its
        # courier leaves.
        return not self._words[2 * slab] and not self._words[2 * slab + 1]

    def show(self, slab: int, held: bool) -> None:
        """Let the caller see whether this worker has a slab of the caller's mapped."""
        if not self._is_inherited():
            self._held[slab] = held

    def remove(self, start: int, end: int) -> None:
        """Give the memory between two offsets back to the system, if it takes it."""
        with suppress(OSError, AttributeError):  # not all file systems do, nor all systems
            self.memory.madvise(mmap.MADV_REMOVE, start, end - start)

    # For the others.

    def retire(self) -> None:
        """Keep only memory that is held: the owner has ended, and no message is on its way."""
        self._retired = True
        start = DATA
        for offset, length in [*sorted(self._spans.values()), (len(self.data), 0)]:
            if start < offset:
                self.remove(start, offset)
            start = -(-(offset + length) // GRAIN) * GRAIN

    def hold(self, slab: int, offset: int, length: int) -> memoryview:
        """Return the bytes of a slab that a message names; they are this process's alone.

        The slab is let go when the last object over the bytes is gone. Asked again
        before that, for a message that is read again, this returns the same bytes.
        """
        ref = self._holds.get(slab)
        memory = None if ref is None else ref()
        if memory is None:
            self._words[2 * slab + 1] = os.getpid()
            # Objects refer to what exports the bytes, so that must be one for each slab.
            memory = _snapshot.export(self.memory, offset, length)
            memory.region = self  # which hears of the end of it
            self._spans[slab] = (offset, length)
            self._holds[slab] = weakref.ref(memory, lambda _: self._let_go(slab))
        return memoryview(memory).cast("B")

    def _let_go(self, slab: int) -> None:
        """Called in any thread at any time."""
        if self._is_inherited():
            return
        self._holds.pop(slab, None)
        offset, length = self._spans.pop(slab)
        self._words[2 * slab + 1] = 0
        if self._retired:
            self.remove(offset, -(-(offset + length) // GRAIN) * GRAIN)
        elif self._freed is not None:
            self._freed(length)

    def _is_inherited(self) -> bool:
        """Tell whether this is a forked child, which changes nothing that the parent sees.

        Asked, and not told by a hook of `os.fork`: objects may end before any hook has run.
        """
        return os.getpid() != self._process


#: From 1 on: no mark is the number of a process.
_marks = itertools.count(1)

#: In a courier's word: the message has not been received.
SENDING = 1 << 32
