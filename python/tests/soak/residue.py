"""What a process holds while it has no pool: it must always be the same."""

from __future__ import annotations

import ctypes
import gc
import time

from support import leaks

from gopool import _core

GRACE = 30.0
"""Seconds in which what is on its way out has to have gone.

A pool that was dropped lives until those callbacks have been called that it was asked for.
"""


class Residue:
    """What there is now, to compare with later."""

    def __init__(self) -> None:
        self._snapshot = leaks.take_snapshot()
        self._goroutines = _core.native.bridge_Goroutines()
        self._handles = _core.native.bridge_Handles()

    def growth(self) -> list[str]:
        """Describe what has been added and does not go away."""
        deadline = time.monotonic() + GRACE
        while True:
            found = leaks.leaks(self._snapshot, leaks.take_snapshot())
            for name, before, now in (
                ("goroutines", self._goroutines, _core.native.bridge_Goroutines()),
                ("handles", self._handles, _core.native.bridge_Handles()),
            ):
                if now > before:
                    found.append(f"{name}: {now}, before {before}")
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.01)


_libc = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3


def return_what_is_free() -> None:
    """Have malloc give memory back whenever it can.

    Each thread's heap keeps 128 KiB of what is free at its end; but that is 8 MiB once a block of
    4 MiB has been freed, unless somebody says that it has to stay what it is.
    """
    _libc.mallopt(_M_MMAP_THRESHOLD, 128 << 10)


def resident() -> int:
    """Return the bytes of memory that are this process's own, of which it has given back the rest.

    Pages of files, most of them the interpreter's and the extension's code, are the kernel's.
    """
    gc.collect()
    _libc.malloc_trim(0)
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem")) * 1024
