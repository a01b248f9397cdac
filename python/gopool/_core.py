"""The only importer of the extension: loading, the fork guard, statuses as exceptions.

The extension holds a Go runtime, which does not survive a fork. So it is loaded
when the first pool starts and not before, workers never load it, and in a
forked child of a process that has it every use raises at once.

Only the compiled module is installed: the wrappers that gopy generates around
it change the working directory on import and put a callback into `gc.callbacks`.
"""

from __future__ import annotations

import os
import threading
from types import ModuleType
from typing import TYPE_CHECKING

from ._errors import BrokenPoolError, PoolTerminatedError

if TYPE_CHECKING:
    from . import _native

_ABI = 1

# Statuses; gopool/bridge/status.go has the same table.
TIMEOUT, NOT_RUNNING, TERMINATED, BROKEN, UNKNOWN, SYSTEM, PANIC = range(-1, -8, -1)

#: Results below this are minus the size of the exchange that would do.
TOO_SMALL = -1000

# Kinds of event.
WORKER_GONE, STOP_ALL, FINISHED = range(1, 4)

# Flags of Submit.
BY_REFERENCE, SEALED, NOTIFY = 1, 2, 4

_module: ModuleType | None = None
_forked_from: int | None = None
_loading = threading.Lock()


def native() -> "_native":
    """Return the extension; load it first if need be.

    Raises RuntimeError in a child forked from a process that had it.
    """
    if _forked_from is not None:
        raise RuntimeError(
            f"this process was forked from process {_forked_from}, which had started gopool; "
            "use its pools there, or start this process by spawn or forkserver"
        )
    if _module is not None:
        return _module
    return _load()


def _load() -> ModuleType:
    global _module
    with _loading:
        if _module is None:
            from . import _native

            if _native.bridge_ABI() != _ABI:
                raise ImportError("gopool._native is from another version of gopool: reinstall it")
            _module = _native
    return _module


def is_usable() -> bool:
    """Tell whether the extension is loaded and this process the one that did it."""
    return _module is not None and _forked_from is None


def _after_fork_in_child() -> None:
    global _forked_from, _loading
    _loading = threading.Lock()
    if _module is not None and _forked_from is None:
        _forked_from = os.getppid()


os.register_at_fork(after_in_child=_after_fork_in_child)


def error(status: int, cause: str = "") -> Exception:
    """Return the exception for a status, with what broke the pool if it is broken."""
    if status == NOT_RUNNING or status == UNKNOWN:
        return ValueError("Pool not running")
    if status == TERMINATED:
        return PoolTerminatedError("the pool was terminated before the result was there")
    if status == BROKEN:
        return BrokenPoolError(f"workers can't be started: {cause}")
    if status == SYSTEM:
        return OSError("the operating system refused a descriptor or memory for a worker")
    return RuntimeError(f"internal error in gopool (status {status}); see standard error")


def check(status: int) -> int:
    """Return a result, or raise what it stands for."""
    if status < 0:
        raise error(status)
    return status
