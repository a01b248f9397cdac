"""What a submission may ask for that `multiprocessing` has no word for.

All of it is keyword-only and off by default, and who asks for nothing pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

from . import _core

#: Seconds of a time limit that nothing exceeds, and that fit into 8 bytes as ns.
_LONGEST = 1e9


class CallOptions(TypedDict, total=False):
    """What `apply` and `apply_async` take besides the arguments of `multiprocessing`.

    timeout
        seconds that a task may run; by default the `task_timeout` of the pool, and None is any time.
        One that runs longer is killed with its worker, and raises `gopool.TaskTimeoutError`. Counted
        from the start of the task in its worker. ValueError if it is not above 0, or for threads,
        which can't be killed.
    """

    timeout: float | None


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


@dataclass(frozen=True)
class Options:
    """What a submission asks for; see `MapOptions`."""

    timeout: float | None = None
    return_exceptions: bool = False
    progress: Any = None

    @property
    def is_followed(self) -> bool:
        """Tell whether progress is wanted. (No arguments of tqdm's are some as well.)"""
        return self.progress is not None and self.progress is not False

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
        if not (
            self.progress is None
            or isinstance(self.progress, (bool, Mapping))
            or callable(self.progress)
        ):
            kind = type(self.progress).__name__
            raise TypeError(f"progress must be True, a dict or a callable, not {kind}")

    def configure(self, job: int) -> None:
        """Tell Go of them: when the job has been started, and before it has tasks."""
        if self.timeout is not None:
            ns = max(1, round(min(self.timeout, _LONGEST) * 1e9))
            _core.native.bridge_Limit(job, ns)


#: Those of most submissions.
NONE = Options()

_NAMES = {field.name for field in fields(Options)}
