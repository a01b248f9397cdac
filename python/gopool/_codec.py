"""What processes send each other: what both sides of a pool know of it.

The caller's half is `_pickling.py`. Pickling is that of `multiprocessing`: its
`ForkingPickler` knows the reducers that were registered for it.
"""

from __future__ import annotations

import io
import pickle
from itertools import accumulate
from multiprocessing.reduction import ForkingPickler

from . import _mention, _wire
from ._lender import load, reach
from ._packer import LARGE, NOT_FOUND, PROTOCOL, Sink

# Workers import this module when they start: what they seldom need is imported
# where it is needed.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

# Calling conventions: how a function is called with an item.
CALL, STAR, APPLY = range(3)
CONVENTION = 3  # the bits that say which

# Added to a calling convention; all but the first are those of gopool/bridge as well
# (region.go, goroutines.go).
BY_VALUE = 4  # the function was sent by value, and so may results be
LENT = 8  # the function is in a slab
MENTIONING = 16  # first come the shared values that it mentions
GO = 32  # the function is one of Go's, and so are its items and outcomes (`_gofunctions`)

#: Types whose values never change and have no parts that do.
ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None)})
SIZED = frozenset({str, bytes})


def is_large(value: Any) -> bool:
    """Tell whether an atom is large."""
    return type(value) in SIZED and len(value) >= LARGE


def are_atoms(values: Any) -> bool:
    """Tell whether values can't change and are pickled by nobody's rules but Python's."""
    return ATOMS.issuperset(map(type, values))


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
SHARED_ITEMS, STREAMED_ITEMS, LENT_ITEM = b"\0", b"\1", b"\2"
WITH_MENTIONS = 128  # added to it: first come the shared values that are mentioned


def decode_batch(
    data: bytes | memoryview, at: int
) -> tuple[Sequence[Any], Callable[[Any], Any] | None]:
    """Return the items of the batch that begins there, and what unpickles each if need be."""
    kind = data[at]
    if kind == SHARED_ITEMS[0]:
        return pickle.loads(data[at + 1 :]), None
    data = memoryview(data)[at:]
    if kind & WITH_MENTIONS:
        kind &= ~WITH_MENTIONS
        data = memoryview(bytes([kind]) + _mention.skip(data[1:]))
    if kind == LENT_ITEM[0]:
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
