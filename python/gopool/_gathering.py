"""Calls of `apply_async` that are gathered: many short ones of a function are one job.

A call is left in a tray, memory into which Go looks by itself, so that most calls
make no call into the extension. See docs/architecture.md, Gathering.

Everything here does without locks while calls are added: a signal's handler, a
finalizer or another thread may add one between any two steps.
"""

from __future__ import annotations

import itertools
import pickle
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from . import _codec, _core
from ._coder import Function
from ._exchange import Exchange, borrow, give_back
from ._gathered import GatheredResult, Group
from ._packer import PROTOCOL

if TYPE_CHECKING:
    from ._names import Names
    from .pool import Pool

# The layout of a tray (gopool/bridge/tray.go). The word of slot 0 is not 0 while Go
# looks into the tray; that of any other is the size of the call behind it.
_SLOT, _SLOTS, _HEAD = 256, 1024, 8
_SLOT_WORDS = _SLOT // 8

#: A call of more bytes is not gathered.
ROOM = _SLOT - _HEAD

#: So many calls of a function in a row, short ones, begin to be gathered.
_SEVERAL = 8

#: What Ring returns: the call is not in the job; or it is the last.
_NOT_TAKEN, _LAST = 0, 2

_ENDED = object()  # the function of a tray that takes no more calls


class Gathering:
    """Which calls a pool gathers now."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names  # those that its workers know; None: nothing is gathered
        self.tray: Tray | None = None
        self._last: object = None
        self._row = 0  # short calls of the last function, with nothing else between
        self._before = 0  # the same, before what is being submitted
        self._closed = False
        # Only tried: who finds it taken does not gather. (Ctrl-C may leave it so.)
        self._opening = threading.Lock()

    def end(self) -> None:
        """Have what was gathered run before what is submitted next."""
        self._before, self._row = self._row, 0
        tray = self.tray
        if tray is not None and not tray.end():
            self._before = 0  # to begin again at once would cost more than it saves

    def close(self) -> None:
        """Gather no more, and have run what was gathered."""
        self._closed = True  # first: who opens a tray now looks at it behind that
        self.end()

    def count(self, pool: int, func: Callable[..., object], function: Function) -> None:
        """Note that a short call was submitted. If there were several, gather those to come."""
        self._row = self._before + 1 if func is self._last else 1
        self._last = func
        if self._row < _SEVERAL or not self._opening.acquire(False):
            return
        try:
            tray = self._new_tray(func)
            if tray.open(pool, function):
                if self.tray is not None:
                    self.tray.end()  # another thread's, opened meanwhile: its calls come before
                self.tray = tray
                if self._closed:
                    tray.end()
        except OSError:
            pass  # no descriptor or memory to be had: the next call is one by itself
        finally:
            self._opening.release()

    def _new_tray(self, func: Callable[..., object]) -> Tray:
        assert self.names is not None
        return Tray(func, Group(func), GatheredResult, self.names)


class Tray:
    """Takes calls of one function until it is full, or something else is submitted."""

    # None: it has ended. One attribute, so that a thread that adds a call has all or nothing.
    _parts: tuple[Any, memoryview, memoryview] | None = None

    def __init__(
        self,
        func: Callable[..., object],
        group: Any,  # of the outcomes: its job is the tray's
        result: Callable[[Pool, Any, int], Any],  # makes that of a call, which has a slot
        names: Names,
    ) -> None:
        self._result = result
        self._job = group.job
        exchange = borrow(_SLOT * _SLOTS)
        self._exchange: Exchange | None = exchange
        self._atoms_only = names.looks_closely  # others may have to go by value
        self._claim = itertools.count(1).__next__  # returns each number to one thread
        self.function: object = func
        self._parts = group, exchange.view, exchange.view.cast("Q")

    def __del__(self) -> None:
        if self._parts is not None and _core.is_usable():
            self.end()  # before the memory goes

    def open(self, pool: int, function: Function) -> bool:
        """Start the job; tell whether the pool takes it."""
        assert self._exchange is not None
        size = len(function.code)
        self._exchange.view[:size] = function.code
        flags = _core.BY_REFERENCE | _core.GATHER
        handle = self._exchange.handle
        submit = _core.native.bridge_Submit
        return submit(pool, self._job, handle, size, _codec.APPLY, 0, 0, 1, flags, 0) >= 0

    def add(self, pool: Pool, args: Any, kwds: Any) -> Any:
        """Add a call and return its result, or None if it has to be submitted by itself."""
        parts = self._parts
        index = self._claim()
        if index >= _SLOTS or parts is None:
            return None
        record = self._encode(args, kwds)
        size = len(record)
        if not 0 < size <= ROOM:
            return None
        group, view, words = parts
        result = self._result(pool, group, index)
        start = index * _SLOT + _HEAD
        view[start : start + size] = record
        words[index * _SLOT_WORDS] = size  # now it is there; before, it never was
        if words[0] == 0 or self.function is _ENDED:
            answer = _core.native.bridge_Ring(self._job, index)
            if answer == _LAST:
                self.end()
            elif answer <= _NOT_TAKEN:
                return None
        return result

    def end(self) -> bool:
        """Take no more calls, and have those here run. Return False if there was room for more."""
        if self._parts is None:
            return True
        self.function = _ENDED  # first: who comes later asks Go whether its call was taken
        full = _core.native.bridge_Seal(self._job) == 1
        self._parts = None
        exchange, self._exchange = self._exchange, None
        if full and exchange is not None:
            give_back(exchange)  # all claims are stores by now: nobody can be writing there
        return full

    def _encode(self, args: Any, kwds: Any) -> bytes:
        """Return a call that can be gathered in bytes; none, if it can't be."""
        if type(args) is tuple and type(kwds) is dict:
            if _codec.are_atoms(args) and (not kwds or _codec.are_atoms(kwds.values())):
                return pickle.dumps((args, kwds), PROTOCOL)
            if not self._atoms_only:
                with suppress(Exception):  # submitted by itself, the call will fail
                    return _codec.dumps((args, kwds))
        return b""
