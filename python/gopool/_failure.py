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


def encode(error: BaseException, by_value: bool = False) -> bytes:
    """Encode what a task raised, with the traceback as text."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        record = _codec.dumps_error(error, by_value)
    except Exception as reason:
        record = _codec.dumps(MaybeEncodingError(reason, error))
    return pickle.dumps((record, text), _packer.PROTOCOL)


def encode_unsendable(reason: Exception, value: Any) -> bytes:
    """Encode that a result can't be encoded, and why."""
    return encode(MaybeEncodingError(reason, value))


def decode(data: bytes | memoryview) -> BaseException:
    """Return what a task raised, with the remote traceback as its cause."""
    record, text = pickle.loads(data)
    try:
        error = pickle.loads(record)
    except Exception as reason:
        error = MaybeEncodingError(reason, "the exception of a task")
    if not isinstance(error, BaseException):  # __reduce__ may return anything
        error = MaybeEncodingError(TypeError("not an exception"), error)
    assert isinstance(error, BaseException)
    error.__cause__ = RemoteTraceback(f'\n"""\n{text}"""')
    return error
