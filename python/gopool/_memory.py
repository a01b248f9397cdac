"""Files that live in memory only, for mapping in two places."""

from __future__ import annotations

import os
import tempfile
from io import FileIO


def memory(size: int) -> FileIO:
    """Return a file of `size` bytes of zeros. Close it; mappings outlive it.

    memfd_create(2) is not bounded by the size of /dev/shm. Where it is missing
    (macOS), an unlinked temporary file serves.
    """
    create = getattr(os, "memfd_create", _unlinked)
    # One call, in which Ctrl-C can't come between the descriptor and who closes it.
    file = next(map(FileIO, map(create, ("gopool",))))
    os.truncate(file.fileno(), size)
    return file


def memory_file(size: int) -> int:
    """Return a descriptor of such a file, for who is not interrupted by Ctrl-C. Close it."""
    with memory(size) as file:
        return os.dup(file.fileno())


def _unlinked(prefix: str) -> int:
    fd, path = tempfile.mkstemp(prefix=prefix)
    os.unlink(path)
    return fd
