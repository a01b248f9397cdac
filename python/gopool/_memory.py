"""Files that live in memory only, for mapping in two places."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def memory(size: int, reserved: int | None = None) -> FileIO:
    """Return a file of `size` bytes of zeros. Close it; mappings outlive it.

    memfd_create(2) is not bounded by the size of /dev/shm. Where it is missing
    (macOS), or not wanted (GOPOOL_MEMFD=0), an unlinked temporary file serves. Of that,
    only the first `reserved` bytes, by default all, can be written to without having
    been reserved (posix_fallocate): in a full file system that would be SIGBUS.
    """
    *others, last = (os.memfd_create,) if _has_memfd() else (_in_shared_memory, _temporary)
    for create in others:
        with suppress(OSError):  # there is no such directory, or it is not for us, or full
            return _made(create, size, reserved)
    return _made(last, size, reserved)


def _made(create: Callable[[str], int], size: int, reserved: int | None) -> FileIO:
    # One call, in which Ctrl-C can't come between the descriptor and who closes it.
    file = next(map(FileIO, map(create, ("gopool",))))
    try:
        os.truncate(file.fileno(), size)
        if is_bounded(file.fileno()):
            os.posix_fallocate(file.fileno(), 0, size if reserved is None else reserved)
    except BaseException:
        file.close()
        raise
    return file


def memory_file(size: int, reserved: int | None = None) -> int:
    """Return a descriptor of such a file, for who is not interrupted by Ctrl-C. Close it."""
    with memory(size, reserved) as file:
        return os.dup(file.fileno())


def occupied(fd: int) -> int:
    """Return how many bytes of memory such a file takes up."""
    try:
        return os.fstat(fd).st_blocks * 512
    except OSError:  # it is closed meanwhile
        return 0


def is_bounded(fd: int) -> bool:
    """Tell whether a file is in a file system that may be full."""
    return os.fstatvfs(fd).f_blocks != 0 and hasattr(os, "posix_fallocate")


def _has_memfd() -> bool:
    return hasattr(os, "memfd_create") and os.environ.get("GOPOOL_MEMFD") != "0"


def _in_shared_memory(name: str) -> int:
    return _temporary(name, "/dev/shm")


def _temporary(name: str, directory: str | None = None) -> int:
    import tempfile  # workers do not come here

    fd, path = tempfile.mkstemp(prefix=f"{name}-", dir=directory)
    os.unlink(path)
    return fd
