"""The exceptions of the package: the standard library's, and those it has no word for."""

from __future__ import annotations

from multiprocessing import TimeoutError

# The stubs of typeshed leave them out.
from multiprocessing.pool import (  # type: ignore[attr-defined]
    MaybeEncodingError,
    RemoteTraceback,
)

__all__ = [
    "BrokenPoolError",
    "MaybeEncodingError",
    "PoolTerminatedError",
    "RemoteTraceback",
    "TimeoutError",
    "WorkerLostError",
]


class WorkerLostError(RuntimeError):
    """Raised when the worker that ran the task ended before the task did.

    The task may have run in part and is not run again. All other tasks are
    unaffected, and a new worker takes the place of the lost one. With
    `multiprocessing.Pool` the caller waits for ever.

    The message names the exit code or the signal that ended the worker.
    """

    def __init__(self, message: str, exitcode: int | None = None) -> None:
        super().__init__(message)
        #: As `multiprocessing.Process.exitcode`: minus the signal's number, if it was a signal.
        self.exitcode = exitcode


class PoolTerminatedError(RuntimeError):
    """Raised when the pool was terminated before the result was there.

    With `multiprocessing.Pool` the caller waits for ever.
    """


class BrokenPoolError(RuntimeError):
    """Raised when workers end before they are ready, several in a row.

    The message has the traceback of the initializer, if that is what failed.
    All outstanding and later calls of the pool raise this error. With
    `multiprocessing.Pool` workers are started again and again, without end.
    """
