"""A forked child keeps what it inherits over slabs, as any other memory, while the parent goes on.

Slabs are shared memory, so a child would see what the parent's objects over them become,
and other messages in their place once these are gone. So the child copies each slab
that is held to memory of its own, at the same address; the parent waits for
that in its `os.fork`. Nothing is done where none is held.
"""

from __future__ import annotations

import io
import itertools
import mmap
import os
import threading
import weakref
from contextlib import suppress

from ._interrupts import register_at_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What this process has over slabs, by a number of its own: address, length and what exports it.
_held: dict[int, tuple[int, int, weakref.ref[Any]]] = {}
_new_number = itertools.count().__next__

_MREMAP_MAYMOVE, _MREMAP_FIXED = 1, 2

# Held from before a fork until after it: no other child may have an end of the pipe. It may be
# taken again, by a signal's handler that forks.
_lock = threading.RLock()
_pipe: tuple[io.FileIO, io.FileIO] | None = None
_here = threading.local()  # `reader`: the end of the last fork's that this thread has kept


def export(memory: mmap.mmap, offset: int, length: int) -> Any:
    """Return an object that exports bytes of a mapping; objects over the bytes keep it alive."""
    import ctypes  # by those alone who get large messages

    exporter = (ctypes.c_char * length).from_buffer(memory, offset)
    number = _new_number()
    ref = weakref.ref(exporter, lambda _: _held.pop(number, None))
    _held[number] = ctypes.addressof(exporter), length, ref
    return exporter


def _before() -> None:
    global _pipe
    if _held:
        with suppress(OSError):  # without a descriptor, the child copies what the parent may change
            reader, writer = os.pipe()
            _pipe = io.FileIO(reader, "rb"), io.FileIO(writer, "wb")


def _in_parent() -> None:
    global _pipe
    if _pipe is not None:
        _here.reader, writer = _pipe
        writer.close()
        _pipe = None


def _await_child() -> None:
    reader = getattr(_here, "reader", None)
    if reader is not None and not reader.closed:
        reader.read(1)  # until the child closes its end, or ends
        reader.close()


def _in_child() -> None:
    global _pipe
    try:
        # A collection of garbage may come at any time, and unmap what nobody keeps.
        kept = [(address, length, ref()) for address, length, ref in _held.copy().values()]
        for address, length, exporter in kept:
            if exporter is not None:
                _copy(address, length)
    except BaseException as error:
        # Hooks can't raise. The child would go on with memory that others write to.
        os.write(2, f"gopool: ending a forked child: {error!r}\n".encode())
        os._exit(os.EX_OSERR)
    finally:
        _held.clear()
        if _pipe is not None:
            for end in _pipe:
                end.close()
            _pipe = None


def _copy(address: int, length: int) -> None:
    """Replace shared memory by memory of this process's own with the same content."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
    new = libc.mmap(
        None,
        ctypes.c_size_t(length),
        mmap.PROT_READ | mmap.PROT_WRITE,
        mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
        -1,
        ctypes.c_size_t(0),
    )
    if new == ctypes.c_void_p(-1).value:
        raise MemoryError("no memory for what a forked child inherits")
    ctypes.memmove(new, address, length)
    size = ctypes.c_size_t(-(-length // mmap.PAGESIZE) * mmap.PAGESIZE)
    moved = libc.mremap(
        ctypes.c_void_p(new),
        size,
        size,
        _MREMAP_MAYMOVE | _MREMAP_FIXED,
        ctypes.c_void_p(address),
    )
    if moved != address:
        raise OSError(ctypes.get_errno(), "moving what a forked child inherits")


os.register_at_fork(before=_before)
register_at_fork(after_in_parent=_in_parent, after_in_child=_in_child)
# The lock is around those, and taken and released by functions of C: a signal's handler can't
# raise in them and leave it taken, so that every later fork would wait for ever.
os.register_at_fork(
    before=_lock.acquire,
    after_in_parent=_lock.release,
    after_in_child=_lock.release,
)
# Without the lock: others may fork meanwhile.
register_at_fork(after_in_parent=_await_child)
