"""Memory that Python and Go both have mapped, in which bytes cross.

With it a call passes integers only. One exchange serves one call at a time;
those not in use wait here for the next.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections import deque

from . import _core
from ._memory import memory

#: Bytes of an exchange that is kept; a larger one is made for its call and dropped.
SIZE = 1 << 18


class Exchange:
    """`size` bytes, as `view` here and as `handle` there."""

    handle = 0
    _closed = False

    def __init__(self, size: int) -> None:
        self.handle = _core.new_number()
        self.size = size
        with memory(size) as file:
            self.view = memoryview(mmap.mmap(file.fileno(), size))
            _core.check(_core.native.bridge_OpenExchange(self.handle, file.fileno(), size))

    def close(self) -> None:
        """Unmap it in Go. Here it is unmapped when the last view of it is gone."""
        if not self._closed:
            _core.native.bridge_CloseExchange(self.handle)
            self._closed = True  # last: Ctrl-C may come in between, and a second time does no harm

    def __del__(self) -> None:
        # For one that Ctrl-C took from its borrower. Globals may be gone at exit.
        if _core is not None and _core.is_usable():
            self.close()


_free: deque[Exchange] = deque()
os.register_at_fork(after_in_child=_free.clear)
_users = 0  # pools that have not ended


def borrow(size: int = SIZE) -> Exchange:
    """Return an exchange of at least `size` bytes. Give it back."""
    if size <= SIZE:
        try:
            return _free.pop()
        except IndexError:
            size = SIZE
    return Exchange(size)


def give_back(exchange: Exchange) -> None:
    """Keep an exchange for the next borrower, or close it if there will be none."""
    if exchange.size == SIZE:
        _free.append(exchange)
        if not _users:  # asked when it is there: the last pool may be ending in another thread
            _close_free()
    else:
        exchange.close()


def retain() -> None:
    """Say that a pool begins: exchanges are kept while there is one."""
    global _users
    _users += 1


def release() -> None:
    """Say that a pool has ended."""
    global _users
    _users -= 1
    if not _users:
        _close_free()


def _close_free() -> None:
    with contextlib.suppress(IndexError):  # none is left, or another thread took the last
        while not _users:
            _free.pop().close()
