"""Stacks that a worker's faulthandler writes, where the parent can read them.

They are written to the file of the worker's page (`_page`), behind its end, so that they
need no descriptor and no room of their own, and outlive the worker. A process
that receives a descriptor shares its position, which nobody else here uses.
"""

from __future__ import annotations

import faulthandler
import os
import signal

#: Has a worker write the stacks of all its threads, whatever it does. It is one that
#: programs hardly use; 0 where there are no real-time signals.
SIGNAL = getattr(signal, "SIGRTMAX", 2) - 2


def enable(fd: int) -> int:
    """In a worker: have stacks written to a file, behind its end, in a crash and on `SIGNAL`.

    Returns the signal, or 0 if the program has a use of its own for it.
    """
    os.lseek(fd, 0, os.SEEK_END)
    if faulthandler.is_enabled():  # by the parent, which may have put Go's handlers above it
        from . import _extension

        faulthandler.disable()
        _extension.drop_handlers()
    faulthandler.enable(fd)
    if not SIGNAL or signal.getsignal(SIGNAL) != signal.SIG_DFL:
        return 0
    faulthandler.register(SIGNAL, fd, all_threads=True, chain=False)
    return SIGNAL


def read(fd: int, start: int) -> bytes:
    """Return what has been written behind the first `start` bytes of a file, and remove it."""
    size = os.fstat(fd).st_size - start
    if not size:
        return b""
    traces = os.pread(fd, size, start)
    os.truncate(fd, start)
    os.lseek(fd, start, os.SEEK_SET)
    return traces
