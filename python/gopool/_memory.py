"""Files that live in memory only, for mapping in two places."""

from __future__ import annotations

import os
import tempfile


def memory_file(size: int) -> int:
    """Return a descriptor of `size` bytes of zeros. Close it; mappings outlive it.

    memfd_create(2) is not bounded by the size of /dev/shm. Where it is missing
    (macOS), an unlinked temporary file serves.
    """
    fd = os.memfd_create("gopool") if hasattr(os, "memfd_create") else _unlinked()
    try:
        os.truncate(fd, size)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _unlinked() -> int:
    fd, path = tempfile.mkstemp(prefix="gopool-")
    os.unlink(path)
    return fd
