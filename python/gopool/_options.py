"""What a submission may ask for that `multiprocessing` has no word for.

All of it is keyword-only and off by default, and who asks for nothing pays nothing.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict, TypeVar

from . import _core

R = TypeVar("R")

#: What `except` takes.
ExceptionTypes = type[BaseException] | tuple[type[BaseException], ...]


class CallOptions(TypedDict, total=False):
    """What `apply` and `apply_async` take besides the arguments of `multiprocessing`.

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

    retries: int
    retry_on: ExceptionTypes
    backoff: float
    priority: int


class MapOptions(CallOptions, total=False):
    """What `map`, `starmap`, `imap` and their like take as keywords.

    return_exceptions
        give the exception of a task that failed, or was lost with its worker, in
        the place of its result, and the results of all others, as
        `asyncio.gather` does; by default the first one is raised.
    """

    return_exceptions: bool


@dataclass(frozen=True)
class Options:
    """What a submission asks for; see `MapOptions`."""

    return_exceptions: bool = False
    retries: int = 0
    retry_on: ExceptionTypes = ()
    backoff: float = 0.1
    priority: int = 0

    def asked(self, method: str, given: Any) -> Options:
        """Return these, changed by those given. Raises TypeError or ValueError for nonsense."""
        for name in given:
            if name not in _NAMES:
                raise TypeError(f"{method}() got an unexpected keyword argument {name!r}")
        options = replace(self, **given)
        options.check()
        return options

    def check(self) -> None:
        """Raise TypeError or ValueError for what makes no sense."""
        if not 0 <= operator.index(self.retries) <= _MOST:
            raise ValueError(f"retries must be 0+, not {self.retries}")
        if self.retry_on and not self.retries:
            raise ValueError("retry_on without retries")
        if not all(isinstance(t, type) and issubclass(t, BaseException) for t in self._types()):
            raise TypeError("retry_on must be an exception type or a tuple of exception types")
        if not 0 <= self.backoff < math.inf:
            raise ValueError(f"backoff must be 0+ seconds, not {self.backoff}")
        if not -_MOST <= operator.index(self.priority) <= _MOST:
            raise ValueError(f"priority {self.priority} is out of range")

    def configure(self, job: int) -> None:
        """Tell Go of them: when the job has been started, and before it has tasks."""
        if self.retries:
            backoff = min(self.backoff, _LONGEST_BACKOFF)
            _core.native.bridge_Retry(job, self.retries, round(backoff * 1e6))
        if self.priority:
            _core.native.bridge_Prioritize(job, self.priority)

    def wrap(self, func: Callable[..., R]) -> Callable[..., R]:
        """Return what workers are to call in the place of `func`."""
        types = self._types()
        if not types:
            return func
        from ._retrying import Retrying

        return Retrying(func, types, self.retries + 1)

    def _types(self) -> tuple[type[BaseException], ...]:
        return self.retry_on if isinstance(self.retry_on, tuple) else (self.retry_on,)


#: More than anybody's priorities and retries.
_MOST = (1 << 31) - 1

#: Seconds, which is a year.
_LONGEST_BACKOFF = 365 * 86400.0

#: Those of most submissions.
NONE = Options()

_NAMES = {field.name for field in fields(Options)}
