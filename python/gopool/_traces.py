"""Stacks that a worker's faulthandler writes, where the parent can read them.

They are written to the file of the worker's page (`_page`), behind its end, so that they
need no descriptor and no room of their own, and outlive the worker. A process
that receives a descriptor shares its position, which nobody else here uses.
"""

from __future__ import annotations

import faulthandler
import os


def enable(fd: int) -> None:
    """In a worker: have a crash write all stacks to a file, behind its end."""
    os.lseek(fd, 0, os.SEEK_END)
    faulthandler.enable(fd)


def read(fd: int, start: int) -> bytes:
    """Return what has been written behind the first `start` bytes of a file, and remove it."""
    size = os.fstat(fd).st_size - start
    if not size:
        return b""
    traces = os.pread(fd, size, start)
    os.truncate(fd, start)
    os.lseek(fd, start, os.SEEK_SET)
    return traces
