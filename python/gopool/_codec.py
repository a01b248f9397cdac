"""Encoding of functions, arguments and results.

Many tasks share one encoding, so that the cost of each is small. What a task
may change is never shared with another task, though: values that cannot change
are pickled together (a list), all others one by one (a stream).

Pickling is that of `multiprocessing`: its `ForkingPickler` knows the reducers
that were registered for it.
"""

from __future__ import annotations

import io
import pickle
import types
from array import array
from itertools import accumulate, chain
from multiprocessing.reduction import ForkingPickler

from . import _wire

# Workers import this module when they start: what they seldom need is imported
# where it is needed.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

PROTOCOL = 5

# Calling conventions: how a function is called with an item.
CALL, STAR, APPLY = range(3)

#: Types whose values never change and have no parts that do.
ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None)})
_SIZED = frozenset({str, bytes})


#: A batch ends when it has so many bytes: each worker that runs a part is sent all of it.
BATCH_BYTES = 1 << 16
#: How many items a batch has: first few, so that workers start early, then more.
FIRST_BATCH, LAST_BATCH = 32, 4096


def dumps(value: Any) -> bytes:
    """Pickle as `multiprocessing` does, atoms in a quicker way."""
    if type(value) in ATOMS:
        return pickle.dumps(value, PROTOCOL)
    buffer = io.BytesIO()
    ForkingPickler(buffer, PROTOCOL).dump(value)
    return buffer.getvalue()


# The first byte of a batch: its items share one pickle, or each has its own.
_SHARED, _STREAMED = b"\0", b"\1"


class Function:
    """A function as workers are told it.

    One that is pickled by name is the same function wherever the bytes are.
    """

    def __init__(self, code: bytes, by_name: bool) -> None:
        self.code = code
        self.by_name = by_name


def encode_function(function: Callable[..., Any]) -> Function:
    """Pickle a function. Raises what pickle raises."""
    kind = type(function)
    by_name = (
        kind is types.FunctionType
        or kind is type
        or (kind is types.BuiltinFunctionType and _is_of_module(function))
    )
    if by_name:  # pickle asks no reducers for these
        return Function(pickle.dumps(function, PROTOCOL), True)
    return Function(dumps(function), False)


def _is_of_module(function: Any) -> bool:
    """Tell a function such as `len` from a bound method such as `[].append`."""
    return isinstance(function.__self__, types.ModuleType)


class Batch:
    """Encoded items, `count` of them, of which the first has this index in its job."""

    def __init__(self, data: bytes, count: int, index: int) -> None:
        self.data = data
        self.count = count
        self.index = index


NO_FUNCTION = Function(b"", True)
NO_BATCH = Batch(b"", 0, 0)


class Failure:
    """An item that can't be encoded, and why."""

    def __init__(self, index: int, error: Exception) -> None:
        self.index = index
        self.error = error


def encode_call(args: tuple[Any, ...], kwds: dict[str, Any]) -> bytes:
    """Encode the one item of an `apply`. Raises what pickle raises."""
    if are_atoms(args) and are_atoms(kwds.values()):
        return _SHARED + pickle.dumps([(args, kwds)], PROTOCOL)
    record = dumps((args, kwds))
    return _STREAMED + _wire.NUMBER.pack(1) + _wire.NUMBER.pack(len(record)) + record


def encode_items(items: Sequence[Any], chunk: int) -> Iterator[Batch | Failure]:
    """Encode items in batches of whole chunks: small ones first, so that workers start early."""
    start, size = 0, FIRST_BATCH
    while start < len(items):
        end = min(len(items), start + -(-size // chunk) * chunk)
        yield from encode_part(items[start:end], start, chunk)
        start, size = end, min(2 * size, LAST_BATCH)


def encode_part(items: Sequence[Any], index: int, chunk: int) -> Iterator[Batch | Failure]:
    """Encode items, of which the first has this index: in one batch, unless they are large."""
    if type(items) is range:  # has few bytes, and what is in it never changes
        yield Batch(_SHARED + pickle.dumps(items, PROTOCOL), len(items), index)
    elif _can_share(items):
        yield Batch(_SHARED + pickle.dumps(list(items), PROTOCOL), len(items), index)
    else:
        yield from _encode_stream(items, index, chunk)


def are_atoms(values: Any) -> bool:
    """Tell whether values can't change and are pickled by nobody's rules but Python's."""
    return ATOMS.issuperset(map(type, values))


def _can_share(items: Sequence[Any]) -> bool:
    """Tell whether items can be pickled together: immutable ones, few bytes in all."""
    kinds = set(map(type, items))
    if kinds == {tuple}:
        items = list(chain.from_iterable(items))
        kinds = set(map(type, items))
    if not kinds <= ATOMS:
        return False
    if kinds & _SIZED:
        return sum(len(item) for item in items if type(item) in _SIZED) <= BATCH_BYTES
    return True


class _Stream:
    """A batch in the making, of items that are pickled one by one."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._pickler = ForkingPickler(self._buffer, PROTOCOL)
        self._lengths = array("Q")

    def add(self, item: Any) -> None:
        """Append an item, or nothing at all where that raises."""
        begin = self._buffer.tell()
        try:
            self._pickler.dump(item)
        except BaseException:
            self._buffer.seek(begin)
            self._buffer.truncate()
            raise
        finally:
            self._pickler.clear_memo()
        self._lengths.append(self._buffer.tell() - begin)

    def is_full(self, chunk: int) -> bool:
        return self._buffer.tell() >= BATCH_BYTES and len(self._lengths) % chunk == 0

    def take(self, end: int) -> Iterator[Batch]:
        """Yield what was added, if anything, as a batch that ends before index `end`."""
        count = len(self._lengths)
        if count:
            head = _STREAMED + _wire.NUMBER.pack(count) + self._lengths.tobytes()
            yield Batch(head + self._buffer.getvalue(), count, end - count)
            self._buffer.seek(0)
            self._buffer.truncate()
            self._lengths = array("Q")


def _encode_stream(items: Sequence[Any], index: int, chunk: int) -> Iterator[Batch | Failure]:
    """Pickle items one by one, as many to a batch as its bytes allow."""
    stream = _Stream()
    for item in items:
        try:
            stream.add(item)
        except Exception as error:
            yield from stream.take(index)
            yield Failure(index, error)
        index += 1
        if stream.is_full(chunk):
            yield from stream.take(index)
    yield from stream.take(index)


def decode_batch(data: memoryview) -> tuple[Sequence[Any], bool]:
    """Return the items of a batch, and whether each is still pickled."""
    if data[:1] == _SHARED:
        return pickle.loads(data[1:]), False
    (count,) = _wire.NUMBER.unpack_from(data, 1)
    start = 1 + _wire.NUMBER.size
    lengths = data[start : start + 8 * count].cast("Q")
    return split(data[start + 8 * count :], lengths.tolist()), True


def split(data: memoryview, lengths: list[int]) -> list[memoryview]:
    """Cut bytes into pieces of these lengths."""
    ends = list(accumulate(lengths))
    return [data[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def decode_outcomes(
    encoding: int, skip: int, count: int, lengths: memoryview, data: memoryview
) -> list[Any]:
    """Return results in order; in place of each that is an exception, a `Raised`.

    A result that can't be decoded is the exception that says so.
    """
    if encoding in _wire.COLUMNS:
        return data.cast(_wire.COLUMNS[encoding]).tolist()
    if encoding == _wire.NONES:
        return [None] * count
    if encoding == _wire.LIST:
        values: list[Any] = pickle.loads(data)
        return values[skip : skip + count]
    if count == 1:
        (length,) = _wire.NUMBER.unpack(lengths)
        return [_decode(data, length)]
    marked = lengths.cast("Q").tolist()
    sizes = [length & ~_wire.FAILURE_BIT for length in marked]
    return list(map(_decode, split(data, sizes), marked))


def _decode(record: memoryview, length: int) -> Any:
    try:
        if length & _wire.FAILURE_BIT:
            from . import _failure

            return Raised(_failure.decode(record))
        return pickle.loads(record)
    except Exception as error:
        return Raised(error)


class Raised:
    """In place of a result: what the task raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
