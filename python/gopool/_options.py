"""What a submission may ask for that `multiprocessing` has no word for.

All of it is keyword-only and off by default, and who asks for nothing pays nothing.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypedDict, TypeVar

from . import _core
from ._errors import TaskTimeoutError
from ._gofunctions.function import GoFunction

R = TypeVar("R")

#: What `except` takes.
ExceptionTypes = type[BaseException] | tuple[type[BaseException], ...]

#: Seconds that nothing exceeds, and that fit into 8 bytes as ns.
_LONGEST = 1e9

#: More than anybody's priorities and retries.
_MOST = (1 << 31) - 1


class CallOptions(TypedDict, total=False):
    """What `apply` and `apply_async` take besides the arguments of `multiprocessing`.

    timeout
        seconds that a task may run; by default the `task_timeout` of the pool, and None is
        any time. One that runs longer is killed with its worker, and raises
        `gopool.TaskTimeoutError`. Counted from the start of the task in its worker.
        ValueError if it is not above 0, or for threads, which can't be killed.
    retries
        how often a task that was lost with its worker is run again; by default never.
    retry_on
        an exception type, or a tuple of several: a task that raises one of these is
        run again as well.
    backoff
        seconds before a task is run again for the first time, 0.1 by default; each
        further time it waits twice as long, up to a minute.
    priority
        tasks of a higher priority are handed out before all of a lower one; 0 by
        default, and below that for what may wait.
    """

    timeout: float | None
    retries: int
    retry_on: ExceptionTypes
    backoff: float
    priority: int


class MapOptions(CallOptions, total=False):
    """What `map`, `starmap`, `imap` and their like take as keywords: also those of `CallOptions`.

    return_exceptions
        give the exception of a task that failed, or was lost with its worker, in
        the place of its result, and the results of all others, as
        `asyncio.gather` does; by default the first one is raised.
    progress
        show how many tasks have been completed: True for a bar of tqdm's, a
        dict for one with these arguments of `tqdm.tqdm`, or what is to be called as
        `progress(done, total)`, in a thread of the call's own, up to ten times a second
        and once in the end. `total` is None if the input has no length.
    """

    return_exceptions: bool
    progress: bool | Mapping[str, Any] | Callable[[int, int | None], object] | None


class Options(NamedTuple):
    """What a submission asks for; see `MapOptions`."""

    timeout: float | None = None
    return_exceptions: bool = False
    progress: Any = None
    retries: int = 0
    retry_on: ExceptionTypes = ()
    backoff: float = 0.1
    priority: int = 0

    @property
    def is_followed(self) -> bool:
        """Tell whether progress is wanted. (No arguments of tqdm's are some as well.)"""
        return self.progress is not None and self.progress is not False

    def asked(self, method: str, given: Any) -> Options:
        """Return these, changed by those given. Raises TypeError or ValueError for nonsense."""
        for name in given:
            if name not in _NAMES:
                raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
        options = self._replace(**given)
        options.check()
        return options

    def check(self) -> None:
        """Raise TypeError or ValueError for what makes no sense."""
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds or None, not {self.timeout}")
        if not (
            self.progress is None
            or isinstance(self.progress, (bool, Mapping))
            or callable(self.progress)
        ):
            kind = type(self.progress).__name__
            raise TypeError(f"progress must be True, a dict or a callable, not {kind}")
        self._check_retries()
        if not -_MOST <= operator.index(self.priority) <= _MOST:
            raise ValueError(f"priority {self.priority} is out of range")

    def _check_retries(self) -> None:
        if not 0 <= operator.index(self.retries) <= _MOST:
            raise ValueError(f"retries must be 0+, not {self.retries}")
        if self.retry_on and not self.retries:
            raise ValueError("retry_on without retries")
        if not all(isinstance(t, type) and issubclass(t, BaseException) for t in self._types()):
            raise TypeError("retry_on must be an exception type or a tuple of exception types")
        if not 0 <= self.backoff < math.inf:
            raise ValueError(f"backoff must be 0+ seconds, not {self.backoff}")

    def configure(self, job: int) -> None:
        """Tell Go of them: when the job has been started, and before it has tasks."""
        if self.timeout is not None:
            ns = max(1, round(min(self.timeout, _LONGEST) * 1e9))
            _core.native.bridge_Limit(job, ns)
        if self.retries:
            us = round(min(self.backoff, _LONGEST) * 1e6)
            _core.native.bridge_Retry(job, self.retries, us, self._retried())
        if self.priority:
            _core.native.bridge_Prioritize(job, self.priority)

    def wrap(self, func: Callable[..., R]) -> Callable[..., R]:
        """Return what workers are to call in the place of `func`."""
        types = self._types()
        if not types or isinstance(func, GoFunction):  # of whose failures Go has the kinds
            return func
        from ._retrying import Retrying

        return Retrying(func, types, self.retries + 1)

    def _retried(self) -> int:
        """Return for which failures Go has a task run again, a bit for each kind.

        What a limit raises, no worker can: it is killed. Others are kinds of Go functions'.
        """
        from ._gofunctions.failure import KINDS

        kinds: tuple[type[BaseException], ...] = (TaskTimeoutError, *KINDS)
        return sum(issubclass(kind, self._types()) << bit for bit, kind in enumerate(kinds))

    def _types(self) -> tuple[type[BaseException], ...]:
        return self.retry_on if isinstance(self.retry_on, tuple) else (self.retry_on,)


#: Those of most submissions.
NONE = Options()

_NAMES = frozenset(Options._fields)
