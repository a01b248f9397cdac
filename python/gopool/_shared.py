"""`shared`: a large value that all workers map, and messages only mention."""

from __future__ import annotations

import multiprocessing.context
import os
import sys
from typing import Any, Generic, TypeVar

from . import _arena, _lender, _mention
from ._packer import Packer
from ._region import CALLER, RECORD

T = TypeVar("T")


def shared(value: T) -> Shared[T]:
    """Put a value into memory that workers of all pools map, and return a reference to it.

    The reference can be an argument or a part of one, be held by a function
    (`functools.partial`), and be among `initargs`. Sending it costs a few bytes, whatever it
    refers to. In the worker, `reference.get()` returns the value. It is pickled once, here,
    so later changes to `value` are not seen. What its pickle keeps in buffers of protocol 5
    (numpy arrays, Arrow tables) is in memory once for all workers, and read-only.

    The memory is freed when the reference is gone, no task that mentions it is
    outstanding, and no worker uses it. Raises what pickling raises.
    """
    return Shared(value)


class Shared(Generic[T]):
    """A reference to a value in memory that all workers map; see `shared`."""

    slab = -1  # where it is; -1: in `_record` itself, for want of shared memory
    _owner = 0  # the process that frees it
    _memory: Any = None  # in a worker: where it is

    def __init__(self, value: T) -> None:
        from . import _caller_arena

        _caller_arena.retain()
        self._let_go = _caller_arena.let_go
        self._owner = os.getpid()
        packed = Packer(None, shared=True).pack(value)
        if isinstance(packed, bytes):
            self._record = packed
            return
        self._record = packed.record
        assert _arena.own is not None
        _arena.own.keep(packed)
        self.slab = packed.slab
        packed.sent()
        _mention.some = True

    def get(self) -> T:
        """Return the value: in each process the same object each time.

        The first call in a process unpickles it, without copying its buffers.
        """
        if self._owner != os.getpid() and self._memory is None and self.slab >= 0:
            value: T = _reference(self._record, self.slab).get()  # it was inherited
            return value
        try:
            return self._value  # type: ignore[no-any-return]
        except AttributeError:
            self._value: Any = self._load()
            return self._value  # type: ignore[no-any-return]

    def _load(self) -> Any:
        import pickle

        if self.slab < 0:
            return pickle.loads(self._record)
        if self._memory is None:
            assert _arena.own is not None
            return _lender.unpickle(self._record, _arena.own.view(self.slab))
        return _lender.unpickle(self._record, self._memory)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.slab >= 0:
            if multiprocessing.context.get_spawning_popen() is not None:
                return _inherited, (self._record, self.slab)
            found = _mention.local.found
            if found is None:
                raise TypeError(
                    "a reference to a shared value can only be sent to workers of gopool; "
                    "send what its get() returns"
                )
            found.append(self)
        return _reference, (self._record, self.slab)

    def __del__(self) -> None:
        if sys is None or sys.is_finalizing():
            return  # the memory goes with the process
        if self._owner == os.getpid():
            self._let_go(self.slab)


def _inherited(record: bytes, slab: int) -> Shared[Any]:
    """In a process that may become a worker: return a reference that the parent has as well."""
    reference: Shared[Any] = Shared.__new__(Shared)
    reference.slab, reference._record = slab, record
    return reference


def _reference(record: bytes, slab: int) -> Shared[Any]:
    """In a worker: return the reference to a value of the caller's, as long as that has it."""
    _lender.forget_gone()
    reference: Shared[Any] | None = _lender.references.get(slab)
    if reference is None:
        reference = _inherited(record, slab)
        if slab >= 0:
            _, _, offset, length = RECORD.unpack_from(record)
            reference._memory = _lender.lenders[CALLER].share(slab, offset, length).toreadonly()
            _lender.references[slab] = reference
    return reference
