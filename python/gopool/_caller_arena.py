"""The caller's arena: one for all of its pools, from the first one on until the last one ends."""

from __future__ import annotations

import os
import threading

from . import _arena, _core, _memory, _region
from ._interrupts import register_at_fork
from ._lender import ended, lenders

#: Workers hear of results that are gone when they had so many bytes.
_NOTED = 1 << 24

#: Of so many bytes Go closes the file, as to free them takes a while.
_MUCH = 1 << 26

# Guards what follows. A destructor may want it while its own thread has it.
_lock = threading.RLock()
_users = 0  # pools that have not ended
_published = False  # Go knows it
_freed = 0  # bytes of results that are gone since workers heard of it


def retain() -> None:
    """Say that a pool begins. Only the first one begins an arena: all must have the same."""
    global _users
    with _lock:
        if not _users and os.environ.get("GOPOOL_SHARED_MEMORY") != "0":
            fd = _region.file()
            if fd >= 0:  # else large messages go the usual way
                _arena.own = _arena.Arena(fd, _region.CALLER, _is_mapped)
        _users += 1


def _is_mapped(slab: int) -> bool:
    return any(
        lender.has_shared(slab) for number, lender in tuple(lenders.items()) if number not in ended
    )


def let_go(slab: int) -> None:
    """Have a shared value freed, if it is in a slab, and say that it is gone.

    Called in any thread at any time.
    """
    if slab >= 0 and _arena.own is not None:
        note_freed(_arena.own.let_go(slab))
    release()


def trim() -> None:
    """Give up memory: pools have been idle for a while."""
    if _arena.own is not None:
        _arena.own.trim()


def note_freed(size: int) -> None:
    """Count bytes of results that are gone, and have their workers know of large amounts.

    Called in any thread at any time.
    """
    global _freed
    _freed += size
    if _freed >= _NOTED and _core.is_usable():
        _freed = 0
        _core.native.bridge_TrimSoon()


def publish() -> None:
    """Tell Go of the arena, before the first message is sent."""
    global _published
    with _lock:
        if _arena.own is not None and not _published:
            _core.check(_core.native.bridge_OpenRegion(_arena.own.fd))
            _published = True


def release() -> None:
    """Say that a pool has ended, or that a shared value is gone: in any thread at any time."""
    global _users, _published
    with _lock:
        _users -= 1
        if _users or _arena.own is None:
            return
        fd = _arena.own.fd
        frees_much = _memory.occupied(fd) > _MUCH
        _arena.own = None  # and unmapped, which is quick while there is a descriptor yet
        if _published:
            _published = False
            _core.native.bridge_CloseRegion()
            if frees_much:
                _core.native.bridge_CloseSoon(fd)
                return
        os.close(fd)


def _disown() -> None:
    """In a forked child: it has no pool."""
    global _users, _published, _lock
    _users, _published, _lock = 0, False, threading.RLock()


register_at_fork(after_in_child=_disown)
