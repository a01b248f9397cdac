"""Files that live in memory only, for mapping in two places."""

from __future__ import annotations

import os


def memory_file(size: int, reserved: int | None = None) -> int:
    """Return a descriptor of `size` bytes of zeros. Close it; mappings outlive it.

    memfd_create(2) is not bounded by the size of /dev/shm. Where it is missing
    (macOS), or not wanted (GOPOOL_MEMFD=0), an unlinked temporary file serves. Of that,
    only the first `reserved` bytes, by default all, can be written to without having
    been reserved (posix_fallocate): in a full file system that would be SIGBUS.
    """
    fd = os.memfd_create("gopool") if _has_memfd() else _unlinked()
    try:
        os.truncate(fd, size)
        if is_bounded(fd):
            os.posix_fallocate(fd, 0, size if reserved is None else reserved)
    except BaseException:
        os.close(fd)
        raise
    return fd


def is_bounded(fd: int) -> bool:
    """Tell whether a file is in a file system that may be full."""
    return os.fstatvfs(fd).f_blocks != 0 and hasattr(os, "posix_fallocate")


def _has_memfd() -> bool:
    return hasattr(os, "memfd_create") and os.environ.get("GOPOOL_MEMFD") != "0"


def _unlinked() -> int:
    import tempfile  # workers do not come here

    try:
        fd, path = tempfile.mkstemp(prefix="gopool-", dir="/dev/shm")
    except OSError:  # there is none, or it is not for us, or full
        fd, path = tempfile.mkstemp(prefix="gopool-")
    os.unlink(path)
    return fd
