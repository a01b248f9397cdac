"""What a submission may ask for that `multiprocessing` has no word for.

All of it is keyword-only and off by default, and who asks for nothing pays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict


class CallOptions(TypedDict, total=False):
    """What `apply` and `apply_async` take besides the arguments of `multiprocessing`."""


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

    def configure(self, job: int) -> None:
        """Tell Go of them: when the job has been started, and before it has tasks."""


#: Those of most submissions.
NONE = Options()

_NAMES = {field.name for field in fields(Options)}
