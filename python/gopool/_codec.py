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
import sys
import types
from array import array
from contextlib import suppress
from itertools import accumulate, chain
from multiprocessing.reduction import ForkingPickler

from . import _arena, _mention, _wire
from ._lender import load, reach
from ._packer import LARGE, NOT_FOUND, PROTOCOL, Packer, Sink

# Workers import this module when they start: what they seldom need is imported
# where it is needed.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any

    from ._arena import Lent
    from ._names import Names
    from ._shared import Shared

# Calling conventions: how a function is called with an item.
CALL, STAR, APPLY = range(3)
CONVENTION = 3  # the bits that say which

# Added to a calling convention; the last two are gopool/bridge/region.go's as well.
BY_VALUE = 4  # the function was sent by value, and so may results be
LENT = 8  # the function is in a slab
MENTIONING = 16  # first come the shared values that it mentions

#: Types whose values never change and have no parts that do.
ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None)})
_SIZED = frozenset({str, bytes})


#: A batch ends when it has so many bytes: each worker that runs a part is sent all of it.
BATCH_BYTES = 1 << 16
#: How many items a batch has: first few, so that workers start early, then more.
FIRST_BATCH, LAST_BATCH = 32, 4096
#: And a range, whose bytes are few however long it is.
RANGE_BATCH = 1 << 20


def is_large(value: Any) -> bool:
    """Tell whether an atom is large."""
    return type(value) in _SIZED and len(value) >= LARGE


def dumps(value: Any) -> bytes:
    """Pickle as `multiprocessing` does, atoms in a quicker way."""
    if type(value) in ATOMS:
        return pickle.dumps(value, PROTOCOL)
    buffer = io.BytesIO()
    ForkingPickler(buffer, PROTOCOL).dump(value)
    return buffer.getvalue()


def dumps_error(error: BaseException, by_value: bool) -> bytes:
    """Pickle what a task raised: by value if need be and the caller said so."""
    try:
        return dumps(error)
    except NOT_FOUND as reason:
        if not by_value:
            raise
        from . import _by_value

        sink = Sink()
        _by_value.dump(error, None, reason, sink, apart=False)
        return b"".join(sink.chunks)


# The first byte of a batch: its items share one pickle, or each has its own, or its
# one item is in a slab.
_SHARED, _STREAMED, _LENT = b"\0", b"\1", b"\2"
_MENTIONING = 128  # added to it: first come the shared values that are mentioned


class Function:
    """A function as workers are told it.

    One that is pickled by name is the same function wherever the bytes are.
    """

    def __init__(
        self,
        code: bytes,
        flags: int = 0,
        lent: Lent | None = None,
        mentions: Collection[Shared[Any]] = (),
        *,
        by_name: bool = False,
    ) -> None:
        self.by_name = by_name
        self.code = _mention.head(mentions) + code if mentions else code
        #: What is added to the calling convention.
        self.flags = flags | (LENT if lent is not None else 0) | (MENTIONING if mentions else 0)
        self._lent = lent
        self._mentions = mentions

    def sent(self) -> None:
        """Say that the job has it."""
        if self._lent is not None:
            self._lent.sent()


#: Functions that were encoded before, by module and name.
_encoded: dict[tuple[str, str], Function] = {}
_MAX_ENCODED = 256


def encode_function(function: Callable[..., Any], names: Names) -> Function:
    """Pickle a function: by value, if workers do not find it. Raises what pickle raises."""
    # Pickle asks no reducers for those that it pickles by name.
    kind = type(function)
    if kind is types.BuiltinFunctionType and _is_of_module(function):
        return Function(pickle.dumps(function, PROTOCOL), by_name=True)
    if (kind is types.FunctionType or kind is type) and names.find(function):  # type: ignore[arg-type]
        with suppress(*NOT_FOUND):
            return _encode_named(function)
    packer = Packer(_arena.own, names, asking=True, shared=True)
    code = packer.pack(function)
    flags = BY_VALUE if packer.by_value else 0
    if isinstance(code, bytes):
        return Function(code, flags, None, packer.mentions)
    return Function(code.record, flags, code, packer.mentions)


def _encode_named(function: Any) -> Function:
    module, name = function.__module__, function.__qualname__
    encoded = _encoded.get((module, name))
    # What pickle makes sure of: that the function is what is found by this name.
    if encoded is None or getattr(sys.modules.get(module), name, None) is not function:
        encoded = Function(pickle.dumps(function, PROTOCOL), by_name=True)
        if len(_encoded) == _MAX_ENCODED:
            _encoded.clear()
        _encoded[module, name] = encoded
    return encoded


def _is_of_module(function: Any) -> bool:
    """Tell a function such as `len` from a bound method such as `[].append`."""
    return isinstance(function.__self__, types.ModuleType)


class Batch:
    """Encoded items, `count` of them, of which the first has this index in its job."""

    def __init__(
        self,
        data: bytes,
        count: int,
        index: int,
        lent: Lent | None = None,
        mentions: Collection[Shared[Any]] = (),
    ) -> None:
        self._mentions = mentions
        if mentions:
            data = bytes([data[0] | _MENTIONING]) + _mention.head(mentions) + data[1:]
        self.data = data
        self.count = count
        self.index = index
        self._lent = lent
        #: Bytes, here and elsewhere.
        self.weight = len(data) if lent is None else lent.size

    def sent(self) -> None:
        """Say that the job has it."""
        if self._lent is not None:
            self._lent.sent()


NO_FUNCTION = Function(b"", by_name=True)
NO_BATCH = Batch(b"", 0, 0)


class Failure:
    """An item that can't be encoded, and why."""

    def __init__(self, index: int, error: Exception) -> None:
        self.index = index
        self.error = error


def encode_call(
    args: tuple[Any, ...], kwds: dict[str, Any], names: Names, *, lend: bool = True
) -> Batch:
    """Encode the one item of an `apply`. Raises what pickle raises.

    If it is large it is lent, unless it may be read more than once.
    """
    values = (*args, *kwds.values()) if kwds else args
    if are_atoms(values) and not any(map(is_large, values)):
        return Batch(_SHARED + pickle.dumps([(args, kwds)], PROTOCOL), 1, 0)
    packer = Packer(_arena.own if lend else None, names)
    record = packer.pack((args, kwds))
    if isinstance(record, bytes):
        head = _STREAMED + _wire.NUMBER.pack(1) + _wire.NUMBER.pack(len(record))
        return Batch(head + record, 1, 0, None, packer.mentions)
    return Batch(_LENT + record.record, 1, 0, record, packer.mentions)


def encode_items(
    items: Sequence[Any], chunk: int, names: Names, *, lend: bool = True
) -> Iterator[Batch | Failure]:
    """Encode items in batches of whole chunks: small ones first, so that workers start early."""
    start, size, last = 0, FIRST_BATCH, LAST_BATCH
    if type(items) is range:
        size = last = RANGE_BATCH
    while start < len(items):
        end = min(len(items), start + -(-size // chunk) * chunk)
        yield from encode_part(items[start:end], start, chunk, names, lend=lend)
        start, size = end, min(2 * size, last)


def encode_part(
    items: Sequence[Any], index: int, chunk: int, names: Names, *, lend: bool = True
) -> Iterator[Batch | Failure]:
    """Encode items, of which the first has this index: in one batch, unless they are large."""
    if type(items) is range:  # has few bytes, and what is in it never changes
        yield Batch(_SHARED + pickle.dumps(items, PROTOCOL), len(items), index)
    elif _can_share(items):
        yield Batch(_SHARED + pickle.dumps(list(items), PROTOCOL), len(items), index)
    else:
        yield from _encode_stream(items, index, chunk, names, lend)


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
        self._records: list[bytes] = []
        self._mentions: set[Shared[Any]] = set()
        self._size = 0

    def add(self, record: bytes, mentions: Sequence[Shared[Any]]) -> None:
        self._records.append(record)
        self._size += len(record)
        if mentions:
            self._mentions.update(mentions)

    def is_full(self, chunk: int) -> bool:
        return self._size >= BATCH_BYTES and len(self._records) % chunk == 0

    def take(self, end: int) -> Iterator[Batch]:
        """Yield what was added, if anything, as a batch that ends before index `end`."""
        count = len(self._records)
        if count:
            lengths = array("Q", map(len, self._records)).tobytes()
            head = _STREAMED + _wire.NUMBER.pack(count) + lengths
            mentions, self._mentions = self._mentions, set()
            yield Batch(head + b"".join(self._records), count, end - count, None, mentions)
            self._records = []
            self._size = 0


def _encode_stream(
    items: Sequence[Any], index: int, chunk: int, names: Names, lend: bool
) -> Iterator[Batch | Failure]:
    """Pickle items one by one, as many to a batch as its bytes allow."""
    packer, stream = Packer(_arena.own if lend else None, names), _Stream()
    for item in items:
        try:
            record = packer.pack(item)
        except Exception as error:
            yield from stream.take(index)
            yield Failure(index, error)
        else:
            if isinstance(record, bytes):
                stream.add(record, packer.mentions)
            else:
                yield from stream.take(index)
                yield Batch(_LENT + record.record, 1, index, record, packer.mentions)
        index += 1
        if stream.is_full(chunk):
            yield from stream.take(index)
    yield from stream.take(index)


def decode_batch(
    data: bytes | memoryview, at: int
) -> tuple[Sequence[Any], Callable[[Any], Any] | None]:
    """Return the items of the batch that begins there, and what unpickles each if need be."""
    kind = data[at]
    if kind == _SHARED[0]:
        return pickle.loads(data[at + 1 :]), None
    data = memoryview(data)[at:]
    if kind & _MENTIONING:
        kind &= ~_MENTIONING
        data = memoryview(bytes([kind]) + _mention.skip(data[1:]))
    if kind == _LENT[0]:
        return [data[1:]], load
    (count,) = _wire.NUMBER.unpack_from(data, 1)
    start = 1 + _wire.NUMBER.size
    lengths = data[start : start + 8 * count].cast("Q")
    return split(data[start + 8 * count :], lengths.tolist()), pickle.loads


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
    sizes = [length & ~_wire.MARKS for length in marked]
    return list(map(_decode, split(data, sizes), marked))


def _decode(record: memoryview, length: int) -> Any:
    if length & _wire.LENT_BIT:
        reach(record)  # or the result is there to be asked for again
    try:
        if length & _wire.LENT_BIT:
            return load(record)
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


def with_errors(outcomes: list[Any]) -> list[Any]:
    """Return outcomes with exceptions in the place of what stands for them."""
    return [outcome.error if type(outcome) is Raised else outcome for outcome in outcomes]
