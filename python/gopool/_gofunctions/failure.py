"""What Go functions have failed with, as exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any

from .._errors import GoError, GoPanicError, RemoteTraceback

#: By the kind of a failure (gopool/gofunc).
KINDS: tuple[type[BaseException], ...] = (
    GoError,
    GoPanicError,
    TypeError,
    OverflowError,
    ValueError,
    CancelledError,
)


def failure(record: Sequence[Any]) -> BaseException:
    """Return the exception for a failure, with a stack of Go's as its cause if there is one."""
    number, text, names, stack = record
    kind = KINDS[number]
    error: BaseException
    if kind is GoError:
        error = GoError(text, tuple(names))
    elif kind is GoPanicError:
        error = GoPanicError(text, stack)
    else:
        error = kind(text)
    if stack:
        error.__cause__ = RemoteTraceback(f'\n"""\n{stack}"""')
    return error
