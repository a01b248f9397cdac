"""Memory that Python and Go both have mapped, in which bytes cross.

With it a call passes integers only. One exchange serves one call at a time;
those not in use wait here for the next.
"""

from __future__ import annotations

import mmap
from collections import deque

from . import _core
from ._memory import memory_file

#: Bytes of an exchange that is kept; a larger one is made for its call and dropped.
SIZE = 1 << 18


class Exchange:
    """`size` bytes, as `view` here and as `handle` there."""

    def __init__(self, size: int) -> None:
        with memory_file(size) as fd:
            self._map = mmap.mmap(fd, size)
            self.handle = _core.check(_core.native.bridge_OpenExchange(fd, size))
        self.size = size
        self.view = memoryview(self._map)

    def close(self) -> None:
        """Unmap it on both sides."""
        self.view.release()
        self._map.close()
        _core.native.bridge_CloseExchange(self.handle)


_free: deque[Exchange] = deque()
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
    """Keep an exchange for the next borrower, or drop it if there will be none."""
    if exchange.size == SIZE and _users:
        _free.append(exchange)
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
    while not _users and _free:
        _free.pop().close()
