"""Arrays of numbers on their way to Go functions and back, as extension types of msgpack.

    inline      code, dimensions, shape, the numbers
    by address  code, dimensions, shape, where the numbers are in this process

Small ones are copied. For large ones only the address crosses: arguments stay where
they are until no goroutine reads them any more, and results are Go's memory, which lives
until the last array over it is gone.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from array import array
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._extension import Extension

# Extension types (gopool/gofunc).
INLINE, ADDRESS = 1, 2

#: An argument of so many bytes crosses by address.
LARGE = 1 << 15

_HEAD = struct.Struct("<cB6x")  # code and dimensions; the shape follows, 8 bytes for each
_WORD = struct.Struct("<Q")

#: What formats of buffers stand for: bools, integers, such without a sign, floats.
_KINDS = {
    "?": "?",
    **dict.fromkeys("bhilqn", "i"),
    **dict.fromkeys("BHILQN", "u"),
    **dict.fromkeys("fd", "f"),
}

#: What Go calls numbers, by their kind and size.
_CODES = {
    ("?", 1): "?",
    **{("i", array(code).itemsize): code for code in "bhiq"},
    **{("u", array(code).itemsize): code for code in "BHIQ"},
    **{("f", array(code).itemsize): code for code in "fd"},
}


def encode(view: memoryview, kept: list[memoryview]) -> tuple[int, bytes]:
    """Return the type and the bytes of the extension for what a view shows.

    If that crosses by address the view is added to `kept`, to be held until Go is done.
    Raises TypeError for what are no numbers, or in more than two dimensions.
    """
    head = _head(view)
    if view.nbytes < LARGE or not view.c_contiguous:
        return INLINE, head + view.tobytes()
    kept.append(view)
    return ADDRESS, head + _WORD.pack(address_of(view))


def _head(view: memoryview) -> bytes:
    order, kind = view.format[:-1], _KINDS.get(view.format[-1:], "")
    code = _CODES.get((kind, view.itemsize))
    if code is None or order not in _NATIVE:
        raise TypeError(f"an array of format {view.format!r} can't be passed to Go")
    if view.ndim not in (1, 2):
        raise TypeError(f"an array of {view.ndim} dimensions can't be passed to Go")
    return _HEAD.pack(code.encode(), view.ndim) + struct.pack(f"<{view.ndim}Q", *(view.shape or ()))


_NATIVE = frozenset({"", "@", "=", "<" if sys.byteorder == "little" else ">"})


class _Buffer(ctypes.Structure):
    """Py_buffer, of which only the first word is of interest."""

    _fields_ = (("address", ctypes.c_void_p), ("rest", ctypes.c_void_p * 15))


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = (ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int)
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = (ctypes.POINTER(_Buffer),)


def address_of(value: Any) -> int:
    """Return where the bytes of a buffer are, which need not be writable."""
    buffer = _Buffer()
    _get_buffer(value, buffer, 0)
    try:
        return buffer.address or 0
    finally:
        _release_buffer(buffer)


class Loan:
    """Memory of Go's that results are in: given back when the last array over it is gone."""

    def __init__(self, native: Extension, token: int) -> None:
        """Take over a count that has been made for this."""
        self._native = native
        self._token = token

    def __del__(self) -> None:
        if self._native.is_usable():  # in a forked child there is nobody to take it back
            self._native.binding_Release(self._token, -1)


class _Memory:
    """What numpy makes an array over."""

    def __init__(self, interface: dict[str, Any], loan: Loan) -> None:
        self.__array_interface__ = interface
        self._loan = loan


def decode(kind: int, data: bytes, loan: Loan | None) -> Any:
    """Return the array that an extension stands for; of numpy, if that is installed."""
    code, dimensions = _HEAD.unpack_from(data)
    shape = struct.unpack_from(f"<{dimensions}Q", data, _HEAD.size)
    start = _HEAD.size + 8 * dimensions
    numpy = _numpy()
    if numpy is None:
        return _copied(kind, code, prod(shape), data[start:])
    dtype = numpy.dtype(_dtype(code.decode()))
    if kind == INLINE:
        return numpy.frombuffer(data, dtype, offset=start).reshape(shape).copy()
    assert loan is not None
    (address,) = _WORD.unpack_from(data, start)
    place = {"shape": shape, "typestr": dtype.str, "data": (address, False), "version": 3}
    return numpy.asarray(_Memory(place, loan))


def _copied(kind: int, code: bytes, count: int, rest: bytes) -> array[Any]:
    """Return an array of Python's, which are never over memory of others."""
    numbers = array(_array_code(code))
    if kind == ADDRESS:
        (address,) = _WORD.unpack(rest)
        rest = ctypes.string_at(address, count * numbers.itemsize)
    numbers.frombytes(rest)
    return numbers


def empty(code: str) -> Any:
    """Return an array without numbers."""
    numpy = _numpy()
    if numpy is None:
        return array(_array_code(code.encode()))
    return numpy.empty(0, _dtype(code))


def _dtype(code: str) -> str:
    """Return numpy's name of what it calls by another name where that has as many bytes."""
    return code if code == "?" else f"{_KINDS[code]}{array(code).itemsize}"


def _array_code(code: bytes) -> str:
    return "B" if code == b"?" else code.decode()  # arrays have no bools


@cache
def _numpy() -> Any:
    """Return numpy, imported with the first array that Go returns, or None."""
    try:
        import numpy
    except ImportError:
        return None
    return numpy
