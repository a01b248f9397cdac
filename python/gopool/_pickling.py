"""Functions and items for worker processes: pickled.

Many tasks share one pickle, so that the cost of each is small. What a task may change is
never shared with another task, though: values that cannot change are pickled together
(a list), all others one by one (a stream). See `_codec.py`.
"""

from __future__ import annotations

import pickle
import sys
import types
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from . import _arena, _codec, _mention, _wire
from ._coder import BATCH_BYTES, Batch, Coder, Failure, Function
from ._packer import NOT_FOUND, PROTOCOL, Packer

if TYPE_CHECKING:
    from ._arena import Lent
    from ._names import Names
    from ._shared import Shared


class Pickling(Coder):
    """Pickles for processes that know certain names."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def function(self, func: Callable[..., Any]) -> Function:
        """Pickle a function: by value, if workers do not find it. Raises what pickle raises."""
        # Pickle asks no reducers for those that it pickles by name.
        kind = type(func)
        if kind is types.BuiltinFunctionType and _is_of_module(func):
            return Function(pickle.dumps(func, PROTOCOL), by_name=True)
        if (kind is types.FunctionType or kind is type) and self._names.find(func):  # type: ignore[arg-type]
            with suppress(*NOT_FOUND):
                return _named(func)
        packer = Packer(_arena.own, self._names, asking=True, shared=True)
        code = packer.pack(func)
        flags = _codec.BY_VALUE if packer.by_value else 0
        if isinstance(code, bytes):
            return _mentioning(code, flags, None, packer.mentions)
        return _mentioning(code.record, flags | _codec.LENT, code, packer.mentions)

    def call(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        *,
        once: bool = True,
    ) -> Batch:
        """Pickle the one item of an `apply`. If it is large and read once, it is lent."""
        values = (*args, *kwds.values()) if kwds else args
        if _codec.are_atoms(values) and not any(map(_codec.is_large, values)):
            return Batch(_codec.SHARED_ITEMS + pickle.dumps([(args, kwds)], PROTOCOL), 1, 0)
        packer = Packer(_arena.own if once else None, self._names)
        record = packer.pack((args, kwds))
        if isinstance(record, bytes):
            head = _codec.STREAMED_ITEMS + _wire.NUMBER.pack(1) + _wire.NUMBER.pack(len(record))
            return _batch(head + record, 1, 0, None, packer.mentions)
        return _batch(_codec.LENT_ITEM + record.record, 1, 0, record, packer.mentions)

    def part(
        self,
        func: Callable[..., Any],
        convention: int,
        items: Sequence[Any],
        index: int,
        chunk: int,
        *,
        once: bool = True,
    ) -> Iterator[Batch | Failure]:
        if type(items) is range:  # has few bytes, and what is in it never changes
            yield Batch(_codec.SHARED_ITEMS + pickle.dumps(items, PROTOCOL), len(items), index)
        elif _can_share(items):
            data = pickle.dumps(list(items), PROTOCOL)
            yield Batch(_codec.SHARED_ITEMS + data, len(items), index)
        else:
            packer = Packer(_arena.own if once else None, self._names)
            yield from _stream(items, index, chunk, packer)

    def outcome(self, func: Callable[..., Any], view: memoryview, status: int) -> Any:
        return pickle.loads(view[:status])


#: Functions that were pickled before, by module and name.
_pickled: dict[tuple[str, str], Function] = {}
_MAX_PICKLED = 256


def _named(function: Any) -> Function:
    module, name = function.__module__, function.__qualname__
    pickled = _pickled.get((module, name))
    # What pickle makes sure of: that the function is what is found by this name.
    if pickled is None or getattr(sys.modules.get(module), name, None) is not function:
        pickled = Function(pickle.dumps(function, PROTOCOL), by_name=True)
        if len(_pickled) == _MAX_PICKLED:
            _pickled.clear()
        _pickled[module, name] = pickled
    return pickled


def _is_of_module(function: Any) -> bool:
    """Tell a function such as `len` from a bound method such as `[].append`."""
    return isinstance(function.__self__, types.ModuleType)


def _mentioning(
    code: bytes, flags: int, lent: Lent | None, mentions: Collection[Shared[Any]]
) -> Function:
    """Return a function, behind the shared values that it mentions."""
    if mentions:
        return Function(_mention.head(mentions) + code, flags | _codec.MENTIONING, lent, mentions)
    return Function(code, flags, lent)


def _batch(
    data: bytes, count: int, index: int, lent: Lent | None, mentions: Collection[Shared[Any]]
) -> Batch:
    """Return a batch, behind the shared values that it mentions."""
    if mentions:
        data = bytes([data[0] | _codec.WITH_MENTIONS]) + _mention.head(mentions) + data[1:]
    return Batch(data, count, index, lent, mentions)


def _can_share(items: Sequence[Any]) -> bool:
    """Tell whether items can be pickled together: immutable ones, few bytes in all."""
    kinds = set(map(type, items))
    if kinds == {tuple}:
        items = list(chain.from_iterable(items))
        kinds = set(map(type, items))
    if not kinds <= _codec.ATOMS:
        return False
    if kinds & _codec.SIZED:
        return sum(len(item) for item in items if type(item) in _codec.SIZED) <= BATCH_BYTES
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
            head = _codec.STREAMED_ITEMS + _wire.NUMBER.pack(count) + lengths
            mentions, self._mentions = self._mentions, set()
            yield _batch(head + b"".join(self._records), count, end - count, None, mentions)
            self._records = []
            self._size = 0


def _stream(
    items: Sequence[Any], index: int, chunk: int, packer: Packer
) -> Iterator[Batch | Failure]:
    """Pickle items one by one, as many to a batch as its bytes allow."""
    stream = _Stream()
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
                yield _batch(_codec.LENT_ITEM + record.record, 1, index, record, packer.mentions)
        index += 1
        if stream.is_full(chunk):
            yield from stream.take(index)
    yield from stream.take(index)
