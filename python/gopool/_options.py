"""What a submission may ask for that `multiprocessing` has no word for.

All of it is keyword-only and off by default, and who asks for nothing pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

from . import _core

#: Seconds of a time limit that nothing exceeds, and that fit into 8 bytes as ns.
_LONGEST = 1e9


class CallOptions(TypedDict, total=False):
    """What `apply` and `apply_async` take besides the arguments of `multiprocessing`.

    timeout
        seconds that a task may run; by default the `task_timeout` of the pool, and None is
        any time. One that runs longer is killed with its worker, and raises
        `gopool.TaskTimeoutError`. Counted from the start of the task in its worker.
        ValueError if it is not above 0, or for threads, which can't be killed.
    """

    timeout: float | None


class MapOptions(CallOptions, total=False):
    """What `map`, `starmap`, `imap` and their like take as keywords: also those of `CallOptions`.

    return_exceptions
        give the exception of a task that failed, or was lost with its worker, in
        the place of its result, and the results of all others, as
        `asyncio.gather` does; by default the first one is raised.
    """

    return_exceptions: bool


@dataclass(frozen=True)
class Options:
    """What a submission asks for; see `MapOptions`."""

    timeout: float | None = None
    return_exceptions: bool = False

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
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds or None, not {self.timeout}")

    def configure(self, job: int) -> None:
        """Tell Go of them: when the job has been started, and before it has tasks."""
        if self.timeout is not None:
            ns = max(1, round(min(self.timeout, _LONGEST) * 1e9))
            _core.native.bridge_Limit(job, ns)


#: Those of most submissions.
NONE = Options()

_NAMES = {field.name for field in fields(Options)}
