"""The exceptions of the package: the standard library's, and those it has no word for."""

from __future__ import annotations

import builtins
from multiprocessing import TimeoutError

# The stubs of typeshed leave them out.
from multiprocessing.pool import (  # type: ignore[attr-defined]
    MaybeEncodingError,
    RemoteTraceback,
)

__all__ = [
    "BrokenPoolError",
    "GoError",
    "GoPanicError",
    "MaybeEncodingError",
    "PoolTerminatedError",
    "RemoteTraceback",
    "TaskTimeoutError",
    "TimeoutError",
    "WorkerLostError",
]


class WorkerLostError(RuntimeError):
    """Raised when the worker that ran the task ended before the task did.

    The task may have run in part and is not run again, unless `retries` were asked for. All
    other tasks are unaffected, and a new worker takes the place of the lost one. With
    `multiprocessing.Pool` the caller waits for ever.

    The message has in words what the attributes say.
    """

    def __init__(
        self,
        message: str,
        exitcode: int | None = None,
        *,
        function: str = "",
        index: int = 0,
        attempts: int = 1,
        peak_memory: int | None = None,
        out_of_memory: bool = False,
        stack: str | None = None,
    ) -> None:
        super().__init__(message)
        #: As `multiprocessing.Process.exitcode`: minus the signal's number, if it was a signal.
        self.exitcode = exitcode
        #: The qualified name of the function that the task called.
        self.function = function
        #: The number of the task among those of its call, from 0.
        self.index = index
        #: How often the task was run in all.
        self.attempts = attempts
        #: Bytes of memory that the worker had at most, or None if that is not known: with
        #: forkserver, and sometimes if other processes are started at that moment.
        self.peak_memory = peak_memory
        #: Whether the kernel probably killed the worker for memory: by SIGKILL that the pool
        #: did not send, when the system counted a process killed for memory.
        self.out_of_memory = out_of_memory
        #: Where the worker was in Python when it crashed (SIGSEGV and the like), if it could
        #: tell. A program that has `faulthandler` enabled sees it on standard error as well.
        self.stack = stack


class TaskTimeoutError(builtins.TimeoutError):
    """Raised when a task ran longer than its time limit, and was killed with its worker.

    Like a task that was lost (`WorkerLostError`), it may have run in part and is not run
    again. All others are unaffected, and a new worker takes the place of the killed one.

    A builtin `TimeoutError`, and no `multiprocessing.TimeoutError`: that says that a result is
    not there yet, and programs ask again for it, which would never end here.
    """

    def __init__(
        self, message: str, *, function: str = "", index: int = 0, seconds: float = 0.0
    ) -> None:
        super().__init__(message)
        #: The qualified name of the function that the task called.
        self.function = function
        #: The number of the task among those of its call, from 0.
        self.index = index
        #: The limit that was exceeded.
        self.seconds = seconds


class PoolTerminatedError(RuntimeError):
    """Raised when the pool was terminated before the result was there.

    With `multiprocessing.Pool` the caller waits for ever.
    """


class BrokenPoolError(RuntimeError):
    """Raised when workers end before they are ready, several in a row.

    The message has the traceback of the initializer, if that is what failed.
    All outstanding and later calls of the pool raise this error, and error callbacks are
    called with it. With `multiprocessing.Pool` workers are started again and again, without end.
    """


class GoError(Exception):
    """Raised when a Go function returned an error that is not nil. Says what the error says."""

    def __init__(self, text: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        #: The names of its type and of those that it wraps, as `errors.Unwrap` finds them,
        #: such as `"*fs.PathError"` and `"syscall.Errno"`.
        self.names = names


class GoPanicError(RuntimeError):
    """Raised when a Go function panicked. Says what the panic says.

    No `GoError`, since a panic is a bug of the function and no answer of it: the stack is
    the cause of this error, as the traceback of a worker is that of what a task raised.
    """

    def __init__(self, text: str, stack: str = "") -> None:
        super().__init__(text)
        #: Of the goroutine that panicked.
        self.stack = stack
