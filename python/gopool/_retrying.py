"""Functions whose tasks are run again if they raise certain exceptions.

A module of its own, which workers import with the first such function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._dump import name_of
from ._failure import Again, without_frame


class Retrying:
    """Calls a function. What it raises of these types says that the task is to be run again."""

    def __init__(
        self,
        function: Callable[..., Any],
        types: tuple[type[BaseException], ...],
        attempts: int,
    ) -> None:
        self._function = function
        self._types = types
        self._attempts = attempts  # at the most
        self.__qualname__ = name_of(function)

    def __reduce__(self) -> Any:
        return Retrying, (self._function, self._types, self._attempts)

    def __call__(self, *args: Any, **kwds: Any) -> Any:
        try:
            return self._function(*args, **kwds)
        except self._types as error:
            if isinstance(error, SystemExit):
                raise  # ends the worker, with which the task is lost
            raise Again(without_frame(error), self._attempts) from None
