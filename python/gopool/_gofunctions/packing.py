"""Items for Go functions in pools, and what came of them: packed by msgpack, or in columns.

Goroutines read a batch where Go has it, so nothing is sent. It begins with its kind, and with
the token of the arrays that it has the addresses of: these are kept until Go gives the
token back, because no goroutine reads them any more.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .. import _codec, _core, _wire
from .._coder import LAST_BATCH, Batch, Coder, Failure, Function
from .buffers import Loan
from .failure import failure
from .function import GoFunction, borrow, give_back
from .packer import Packer, unpack, unpack_lent

if TYPE_CHECKING:
    from .._owner import Owner

#: Addresses of what the pool calls in the extension; number of the function there.
_CODE = struct.Struct("<4Q")

# The head of a batch: its kind (gopool/gofunc/call.h), and a token or 0.
_HEAD = struct.Struct("<2Q")
_PACKED, _INTS, _FLOATS, _RANGE = range(4)
_BOUNDS = struct.Struct("<2q")  # of a range: the first, and the step

#: A batch ends when it has so many bytes.
_BATCH_BYTES = 1 << 18

#: In what bridge_Call returns: the encoding is above these bits, the size in them
#: (gopool/bridge/call.go).
_SIZE_BITS = 40

#: Names of functions, by their code.
names: dict[bytes, str] = {}

#: What goroutines may read to the end of the process: they were given up in their call.
_read_for_ever: list[_Kept] = []


class _Kept:
    """Arrays that are kept until Go has given their token back."""

    def __init__(self, owner: Owner, views: list[memoryview]) -> None:
        self._owner = owner
        self._views = views

    def _tell(self) -> None:
        if self._owner._hears_no_more:  # it is not the token that came, but the end
            self._release()
        # Otherwise this object goes, with the arrays.

    def _release(self) -> None:
        _read_for_ever.append(self)

    def let_go(self) -> None:
        """Keep them no more: Go has not had them. The pool may have ended meanwhile."""
        self._views = []


class _ByAddress(Batch):
    """A batch that has addresses of arrays."""

    def __init__(
        self, owner: Owner, views: list[memoryview], data: bytes, count: int, index: int
    ) -> None:
        self._owner = owner
        self._token = _core.new_number()
        self._kept = _Kept(owner, views)
        owner.expect(self._token, self._kept)
        super().__init__(_HEAD.pack(_PACKED, self._token) + data, count, index)
        self.weight += sum(view.nbytes for view in views)

    def refused(self) -> None:
        self._owner.unexpect(self._token)
        self._kept.let_go()


class Packing(Coder):
    """Packs for the goroutines of a pool."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def function(self, func: GoFunction) -> Function:  # type: ignore[override]
        """Return where a function is, unless this is a forked child, in which it can't run."""
        address = func.package.native.binding_Address
        if func.encoded is None:
            # An item of one that has not exactly one parameter is an array of all arguments.
            flags = _codec.GO | (0 if func.arity == 1 else _codec.STAR)
            code = _CODE.pack(address(0), address(1), address(2), func.number)
            func.encoded = Function(code, flags, by_name=True)
            names[code] = func.__qualname__
        return func.encoded

    def call(  # type: ignore[override]
        self, func: GoFunction, args: tuple[Any, ...], kwds: dict[str, Any], *, once: bool = True
    ) -> Batch:
        scratch = borrow()
        try:
            packed = func.pack(func.bind(args, kwds), scratch.packer)
            return self.batch(packed, 1, 0, scratch.packer)
        finally:
            give_back(scratch)

    def part(  # type: ignore[override]
        self,
        func: GoFunction,
        convention: int,
        items: Sequence[Any],
        index: int,
        chunk: int,
        *,
        once: bool = True,
    ) -> Iterator[Batch | Failure]:
        if not items:
            return
        column = _column(func, items) if convention == _codec.CALL else None
        if column is not None:
            yield Batch(column, len(items), index)
            return
        if convention == _codec.CALL and func.arity != 1:
            items, convention = [(item,) for item in items], _codec.STAR
        yield from self._pack(func, convention == _codec.STAR, items, index)

    def _pack(
        self, func: GoFunction, star: bool, items: Sequence[Any], index: int
    ) -> Iterator[Batch | Failure]:
        """Pack items, as many in one go as are expected to fill a batch."""
        scratch = borrow()
        stream = _Stream(self, scratch.packer, index)
        at, width = 0, 1
        try:
            while at < len(items):
                group = items[at : at + width]
                try:
                    data = _pack_group(func, star, group, scratch.packer)
                except Exception as error:
                    if len(group) > 1:  # one of them is to blame
                        width = 1
                        continue
                    yield from stream.fail(error)
                else:
                    yield from stream.add(data, len(group))
                    width = max(1, min(4 * width, LAST_BATCH, _BATCH_BYTES * width // len(data)))
                at += len(group)
            yield from stream.take()
        finally:
            give_back(scratch)

    def batch(self, packed: bytes, count: int, index: int, packer: Packer) -> Batch:
        """Return a batch of what was packed, and of the arrays that it has addresses of."""
        if packer.kept:
            kept, packer.kept = packer.kept, []
            return _ByAddress(self._owner, kept, packed, count, index)
        return Batch(_HEAD.pack(_PACKED, 0) + packed, count, index)

    def outcome(self, func: GoFunction, view: memoryview, status: int) -> Any:  # type: ignore[override]
        encoding, size = status >> _SIZE_BITS, status & ((1 << _SIZE_BITS) - 1)
        if encoding == _wire.PACKED:
            return func.revive(func.unpack(view[:size]))
        return _codec.decode_outcomes(encoding, 0, 1, view[:0], view[:size])[0]


class _Stream:
    """A batch in the making, of items that are packed some at a time."""

    def __init__(self, packing: Packing, packer: Packer, index: int) -> None:
        self._packing = packing
        self._packer = packer
        self._packed = b""
        self._count = 0  # of items in it
        self._end = index  # of what comes next

    def add(self, data: bytes, count: int) -> Iterator[Batch]:
        """Add so many items, and yield the batch if it is full."""
        self._packed += data
        self._count += count
        self._end += count
        if len(self._packed) >= _BATCH_BYTES:
            yield from self.take()

    def take(self) -> Iterator[Batch]:
        """Yield what was added, if anything, as a batch."""
        if self._count:
            index = self._end - self._count
            yield self._packing.batch(self._packed, self._count, index, self._packer)
            self._packed, self._count = b"", 0

    def fail(self, error: Exception) -> Iterator[Batch | Failure]:
        """Yield what was added, and why the next item can't be."""
        yield from self.take()
        yield Failure(self._end, error)
        self._end += 1


def _column(func: GoFunction, items: Sequence[Any]) -> bytes | None:
    """Return a batch of items that are plain numbers, as the one parameter is; None if not."""
    try:
        if func.column == "d":
            return _HEAD.pack(_FLOATS, 0) + array("d", items).tobytes()
        if func.column == "q" and type(items) is range:
            _BOUNDS.pack(items[0], items[-1])  # or they do not fit
            return _HEAD.pack(_RANGE, 0) + _BOUNDS.pack(items[0], items.step)
        if func.column == "q":
            return _HEAD.pack(_INTS, 0) + array("q", items).tobytes()
    except (TypeError, OverflowError, ValueError, struct.error):
        pass  # packed one by one, that which is wrong fails in its place
    return None


def _pack_group(func: GoFunction, star: bool, group: Sequence[Any], packer: Packer) -> bytes:
    """Return items packed, one behind the other. Raises if one can't be."""
    if len(group) == 1:
        if star:
            return func.pack(func.bind(tuple(group[0]), {}), packer)
        return func.pack_one(group[0], packer)
    if star:
        if not all(func.takes(len(item)) for item in group):
            raise TypeError
        if func.adapts:
            group = [func.adapted(item, packer) for item in group]
    elif func.adapts:
        group = [func.adapted((item,), packer)[0] for item in group]
    data = packer.pack(group if type(group) is list else list(group))
    head = 1 if len(group) < 1 << 4 else 3 if len(group) < 1 << 16 else 5  # of the array
    return data[head:]


def outcomes(func: GoFunction, count: int, lengths: memoryview, data: memoryview) -> list[Any]:
    """Return results in order; in place of each that is an exception, a `Raised`."""
    marked = lengths.cast("Q").tolist()
    if max(marked) < _wire.LENT_BIT:  # none is marked: an array, if it is given the head of one
        try:
            values = func.unpack(b"\xdd" + count.to_bytes(4, "big") + data)
            return values if func.reviver is None else list(map(func.reviver, values))
        except Exception:
            pass  # one of them is to blame
    sizes = [length & ~_wire.MARKS for length in marked]
    records = _codec.split(data, sizes)
    return [_outcome(func, *pair) for pair in zip(records, marked, strict=True)]


def _outcome(func: GoFunction, record: memoryview, mark: int) -> Any:
    try:
        if mark & _wire.FAILURE_BIT:
            return _codec.Raised(failure(unpack(record)))
        if mark & _wire.LENT_BIT:
            native = func.package.native
            (token,) = _wire.NUMBER.unpack_from(record)
            native.binding_Release(token, 1)
            return func.revive(unpack_lent(record[_wire.NUMBER.size :], Loan(native, token)))
        return func.revive(func.unpack(record))
    except Exception as error:
        return _codec.Raised(error)
