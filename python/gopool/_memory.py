"""Files that live in memory only, for mapping in two places."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(size: int) -> Iterator[int]:
    """Give a descriptor of `size` bytes of zeros, closed in the end; mappings outlive it.

    memfd_create(2) is not bounded by the size of /dev/shm. Where it is missing
    (macOS), an unlinked temporary file serves.
    """
    fd = _memfd() if hasattr(os, "memfd_create") else _unlinked()
    try:
        os.ftruncate(fd, size)
        yield fd
    finally:
        os.close(fd)


def _memfd() -> int:
    return os.memfd_create("gopool")


def _unlinked() -> int:
    fd, path = tempfile.mkstemp(prefix="gopool-")
    os.unlink(path)
    return fd
