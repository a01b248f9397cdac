"""Exceptions of tasks on their way to the caller.

A module of its own, because workers need it, and what it imports, only when a
task fails.
"""

from __future__ import annotations

import pickle
import traceback
from typing import Any

from . import _codec, _packer
from ._errors import MaybeEncodingError, RemoteTraceback


class Again(Exception):
    """Raised in the place of what a task raised, if the task is run again for that."""

    def __init__(self, error: BaseException, attempts: int) -> None:
        self.error = error
        self._attempts = attempts

    def last(self) -> BaseException:
        """Return what the task raised, which says that it was the last attempt."""
        note = f"raised in the last of {self._attempts} attempts"
        notes = getattr(self.error, "__notes__", [])  # as BaseException.add_note of Python 3.11
        if note not in notes:
            vars(self.error)["__notes__"] = [*notes, note]
        return self.error


def without_frame(error: BaseException) -> BaseException:
    """Take the caller's frame, which has caught it, off an exception's traceback.

    It would hold all that is kept there.
    """
    ours = error.__traceback__
    return error if ours is None else error.with_traceback(ours.tb_next)


def encode(error: BaseException, by_value: bool = False) -> bytes:
    """Encode what a task raised, with the traceback as text."""
    text = _traceback(error)
    try:
        record = _codec.dumps_error(error, by_value)
    except SystemExit:
        raise
    except BaseException as reason:
        record = _codec.dumps(_unsendable(reason, error))
    return pickle.dumps((record, text), _packer.PROTOCOL)


def encode_unsendable(reason: BaseException, value: Any) -> bytes:
    """Encode that a result can't be encoded, and why."""
    return encode(_unsendable(reason, value))


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:  # groups of exceptions may be too deep
        return "".join([*traceback.format_tb(error.__traceback__), type(error).__qualname__])


def _unsendable(reason: BaseException, value: Any) -> MaybeEncodingError:
    return MaybeEncodingError(_Shown(reason), _Shown(value))


class _Shown:
    """Has the repr of an object: the plain one if its own fails, as that of deep lists does."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        try:
            return repr(self._value)
        except SystemExit:
            raise
        except BaseException:
            return object.__repr__(self._value)


def decode(data: bytes | memoryview) -> BaseException:
    """Return what a task raised, with the remote traceback as its cause."""
    record, text = pickle.loads(data)
    try:
        error = pickle.loads(record)
    except Exception as reason:
        error = _unsendable(reason, "the exception of a task")
    if not isinstance(error, BaseException):  # __reduce__ may return anything
        error = _unsendable(TypeError("not an exception"), error)
    assert isinstance(error, BaseException)
    error.__cause__ = RemoteTraceback(f'\n"""\n{text}"""')
    return error
