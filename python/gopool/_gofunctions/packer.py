"""Arguments of Go functions as msgpack, and results from it (gopool/gofunc)."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from .structs import declared

try:
    import msgpack
except ImportError as error:
    raise ImportError("Go packages need msgpack: pip install 'gopool[go]'") from error

if TYPE_CHECKING:
    from .buffers import Loan

# The module of arrays is imported with the first of them.

#: An extension type; those of arrays are in `buffers`.
_DURATION = 3

_NANOSECONDS = struct.Struct("<q")
_MICROSECOND = datetime.timedelta(microseconds=1)
_SECOND = datetime.timedelta(seconds=1)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


#: Bytes.
_LARGE = 1 << 20


class Packer:
    """Packs values, in one thread at a time."""

    def __init__(self) -> None:
        self._pack = self._new()
        #: Views of what was packed by address: to be held until Go is done with it.
        self.kept: list[memoryview] = []

    def _new(self) -> Callable[[Any], bytes]:
        packer = msgpack.Packer(default=self._prepare, unicode_errors="surrogateescape")
        pack: Callable[[Any], bytes] = packer.pack
        return pack

    def pack(self, value: Any) -> bytes:
        """Return a value packed. Raises TypeError, OverflowError or ValueError if it can't be."""
        packed = self._pack(value)
        if len(packed) > _LARGE:  # and a packer keeps memory for the largest that it has packed
            self._pack = self._new()
        return packed

    def numbers(self, view: memoryview) -> msgpack.ExtType:
        """Return what is packed as the numbers that a view shows."""
        from . import buffers

        return msgpack.ExtType(*buffers.encode(view, self.kept))

    def bytes(self, value: Any) -> Any:
        """Return what is packed as bytes, for what has the buffer protocol."""
        from . import buffers

        view = memoryview(value)
        if view.itemsize != 1:
            raise TypeError(f"bytes are required, not an array of format {view.format!r}")
        if view.nbytes < buffers.LARGE or not view.c_contiguous:
            return view.tobytes()
        return self.numbers(view.cast("B"))

    def _prepare(self, value: Any) -> Any:
        """Return what msgpack knows, for what it does not know."""
        struct_type = declared.get(type(value))
        if struct_type is not None:
            return struct_type.fields(value, self)
        if isinstance(value, datetime.timedelta):
            return msgpack.ExtType(_DURATION, _duration(value))
        if isinstance(value, datetime.datetime):
            return _timestamp(value)
        if hasattr(value, "tolist"):  # an array, of whomever, or a number of numpy's
            return self._prepare_array(value)
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, Sequence):
            return list(value)
        if hasattr(value, "__index__"):
            return value.__index__()
        raise TypeError(f"a value of type {type(value).__qualname__} can't be passed to Go")

    def _prepare_array(self, value: Any) -> Any:
        try:
            view = memoryview(value)
        except (TypeError, ValueError):  # it has no bytes that others may see
            return value.tolist()
        return self.numbers(view) if view.ndim else value.tolist()


def _duration(value: datetime.timedelta) -> bytes:
    try:
        return _NANOSECONDS.pack(value // _MICROSECOND * 1000)
    except struct.error:
        raise OverflowError(f"{value} does not fit time.Duration") from None


def _timestamp(value: datetime.datetime) -> msgpack.Timestamp:
    """Return a moment: a datetime without a time zone is in that of the machine, as ever."""
    seconds, rest = divmod(value.astimezone(datetime.timezone.utc) - _EPOCH, _SECOND)
    return msgpack.Timestamp(seconds, rest.microseconds * 1000)


def _extension(loan: Loan | None, kind: int, data: bytes) -> Any:
    if kind == _DURATION:
        (nanoseconds,) = _NANOSECONDS.unpack(data)
        return datetime.timedelta(microseconds=nanoseconds // 1000)
    from . import buffers

    return buffers.decode(kind, data, loan)


_unpack = partial(
    msgpack.unpackb, timestamp=3, strict_map_key=False, unicode_errors="surrogateescape"
)

#: Returns a value from what it was packed as, if it has no memory of Go's.
unpack: Callable[[bytes | memoryview], Any] = partial(_unpack, ext_hook=partial(_extension, None))

#: The same, for numbers: it takes a third of the time.
unpack_plain: Callable[[bytes | memoryview], Any] = msgpack.unpackb


def unpack_lent(data: bytes | memoryview, loan: Loan) -> Any:
    """Return a value whose arrays are over memory of Go's."""
    return _unpack(data, ext_hook=partial(_extension, loan))
