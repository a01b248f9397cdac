"""The only importer of the extension: loading, the fork guard, statuses as exceptions.

The extension holds a Go runtime, which does not survive a fork. So it is loaded
when the first pool starts and not before, workers never load it, and in a
forked child of a process that has it every use raises at once.

Only the compiled module is installed: the wrappers that gopy generates around
it change the working directory on import and put a callback into `gc.callbacks`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from ._errors import PoolTerminatedError
from ._extension import Extension

_ABI = 1

# Statuses; gopool/bridge/status.go has the same table.
TIMEOUT, NOT_RUNNING, TERMINATED, BROKEN, UNKNOWN, SYSTEM, PANIC, CANCELLED, MALFORMED = range(
    -1, -10, -1
)

#: Results below this are minus the size of the exchange that would do.
TOO_SMALL = -1000

# Kinds of event.
WORKER_GONE, STOP_ALL, FINISHED, TRIM, KILL, WORKER_RETIRES = range(1, 7)

# Flags of Submit.
BY_REFERENCE, SEALED, NOTIFY, ORDERED, LOCAL, GATHER = 1, 2, 4, 8, 16, 32

#: What Add returns if tasks wait until the pool has room for them.
HELD = 1

#: What Submit returns if the call is so short that calls of its function should be gathered.
BRIEF = 1


_extension = Extension("gopool._native", "bridge_", _ABI, "reinstall it")

if TYPE_CHECKING:
    from . import _native

    native = _native
else:
    native = _extension


#: Returns a number for a pool, a job or an exchange. Numbers are chosen on this side,
#: so that Ctrl-C can't come between an object in Go and its number.
new_number = itertools.count(1).__next__


def check_process() -> None:
    """Raise RuntimeError in a forked child of a process that had loaded the extension."""
    _ = native.bridge_ABI


def is_usable() -> bool:
    """Tell whether the extension is loaded, and by this process."""
    return "bridge_ABI" in vars(_extension)


def is_forked() -> bool:
    """Tell whether this process was forked from one that had loaded the extension."""
    return _extension.is_forked()


def error(status: int) -> Exception:
    """Return the exception for a status."""
    if status in (NOT_RUNNING, UNKNOWN):
        return ValueError("Pool not running")
    if status == TERMINATED:
        return PoolTerminatedError("the pool was terminated before the result was there")
    if status == CANCELLED:
        return cancelled()
    if status == SYSTEM:
        return OSError("the operating system refused a descriptor or memory for a worker")
    return RuntimeError(f"internal error in gopool (status {status}); see standard error")


def cancelled() -> Exception:
    """Return the exception of what was cancelled."""
    from concurrent.futures import CancelledError  # which most programs never need

    return CancelledError()


def check(status: int) -> int:
    """Return a result, or raise what it stands for."""
    if status < 0:
        raise error(status)
    return status
