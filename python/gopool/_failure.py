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


class _Shown(str):
    """A representation in the place of what it represents."""

    def __repr__(self) -> str:
        return str(self)


def _show(value: object) -> _Shown:
    """Represent what can't be pickled. `repr` may fail too, as of what is very deep."""
    try:
        return _Shown(repr(value))
    except Exception:
        return _Shown(object.__repr__(value))


def _unsendable(reason: object, value: object) -> MaybeEncodingError:
    return MaybeEncodingError(_show(reason), _show(value))


def encode(error: BaseException, by_value: bool = False) -> bytes:
    """Encode what a task raised, with the traceback as text."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        record = _codec.dumps_error(error, by_value)
    except Exception as reason:
        record = _codec.dumps(_unsendable(reason, error))
    return pickle.dumps((record, text), _packer.PROTOCOL)


def encode_unsendable(reason: Exception, value: Any) -> bytes:
    """Encode that a result can't be encoded, and why."""
    return encode(_unsendable(reason, value))


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
