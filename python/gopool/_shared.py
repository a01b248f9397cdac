"""`shared`: a large value that all workers map, and messages only mention."""

from __future__ import annotations

import multiprocessing.context
import os
import sys
import weakref
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
    mark = 0  # what tells it from others that the slab had or will have
    _owner = 0  # the process that frees it
    _memory: Any = None  # in a worker: where it is

    def __init__(self, value: T) -> None:
        from . import _caller_arena

        _caller_arena.retain()
        self._let_go = _caller_arena.let_go
        self._owner = os.getpid()
        self._values: list[T] = []  # what `get` has unpickled; only the first counts
        packer = Packer(_arena.own, None, shared=True)
        packed = packer.pack(value)
        self._mentions = packer.mentions  # other references in the value live as long as this
        if isinstance(packed, bytes):
            self._record = packed
            return
        self._record = packed.record
        assert _arena.own is not None
        self.mark = _arena.own.keep(packed)
        self.slab = packed.slab
        packed.sent()
        _made_here[self.slab] = self
        _mention.some = True

    def get(self) -> T:
        """Return the value: in each process the same object each time.

        The first call in a process unpickles it, without copying its buffers.

        Raises ReferenceError in a worker that inherited the reference, if the caller has
        let go of it.
        """
        if self._owner != os.getpid() and self._memory is None and self.slab >= 0:
            value: T = _reference(self._record, self.slab, self.mark, inherited=True).get()
            return value
        if not self._values:
            # Threads may be here at the same time: the first one's is everybody's.
            self._values.append(self._load())
        return self._values[0]

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
                return _inherited, (self._record, self.slab, self.mark)
            found = _mention.local.found
            if found is None:
                raise TypeError(
                    "a reference to a shared value can only be sent to workers of gopool; "
                    "send what its get() returns"
                )
            found.append(self)
        return _reference, (self._record, self.slab, self.mark)

    def __del__(self) -> None:
        if sys is None or sys.is_finalizing():
            return  # the memory goes with the process
        if self._owner == os.getpid():
            self._let_go(self.slab)


#: Those of this process's own, by slab.
_made_here: weakref.WeakValueDictionary[int, Shared[Any]] = weakref.WeakValueDictionary()
os.register_at_fork(after_in_child=_made_here.clear)


def _inherited(record: bytes, slab: int, mark: int) -> Shared[Any]:
    """In a process that may become a worker: return a reference that the parent has as well."""
    reference: Shared[Any] = Shared.__new__(Shared)
    reference.slab, reference.mark = slab, mark
    reference._record, reference._values = record, []
    return reference


def _reference(record: bytes, slab: int, mark: int, *, inherited: bool = False) -> Shared[Any]:
    """In a worker: return the reference to a value of the caller's, as long as that has it.

    The caller has it for sure if a message mentions it, but not if it was inherited.
    """
    made_here = _made_here.get(slab)
    if made_here is not None and made_here.mark == mark:  # it is a part of another's value
        return made_here
    if slab >= 0 and CALLER not in _lender.lenders:
        raise RuntimeError("a reference to a shared value means nothing but in workers of gopool")
    _lender.forget_gone()
    reference: Shared[Any] | None = _lender.references.get(slab)
    if reference is None or reference.mark != mark:
        reference = _inherited(record, slab, mark)
        if slab >= 0:
            _, _, offset, length = RECORD.unpack_from(record)
            caller = _lender.lenders[CALLER]
            reference._memory = caller.share(slab, offset, length).toreadonly()
            # Asked behind that: what is mapped and kept by now is not given to another.
            if inherited and not caller.region().is_kept(slab, mark):
                reference._memory = None  # who has the traceback does not have the memory
                raise ReferenceError("the caller has let go of this shared value")
            _lender.references[slab] = reference
    return reference
