"""The results of calls that were gathered (`_gathering.py`)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec, _core, _jobs
from ._results import AsyncResult, deadline_after, decode_segments, receive, slice_ms

if TYPE_CHECKING:
    from ._awaiting import Waiter
    from .pool import Pool

R = TypeVar("R")


class Group:
    """The outcomes of calls that were gathered. When all their results are gone, so are they."""

    job = 0

    def __init__(self, func: Callable[..., object]) -> None:
        self.job = _core.new_number()
        self.outcomes: dict[int, Any] = {}  # those decoded and not yet used, by slot
        self.status = 0  # below 0: there will be no more
        self._function = func
        self._taken = 0  # segments that are decoded
        self.awaited: dict[Waiter, GatheredResult[Any]] = {}  # by tasks of asyncio
        # By the same thread again, if unpickling asks for another outcome.
        self._collecting = threading.RLock()

    def __del__(self) -> None:
        if self.job and _core.is_usable():
            _jobs.forget(self.job)

    def wait(self, result: GatheredResult[Any], timeout: float | None) -> bool:
        """Block until a result's outcome is here, or will never be, and tell whether that is so."""
        if self._has(result):
            return True
        _core.check_process()
        deadline = deadline_after(timeout)
        while True:
            # First this and then look: what another thread takes in after it ends the wait.
            taken = self._taken
            if self._has(result):
                return True
            ms = slice_ms(deadline)
            if _core.native.bridge_Wait(self.job, taken, 1, ms) != _core.TIMEOUT:
                self._collect(result)
            elif ms == 0:
                return self._has(result)

    def watch(self, waiter: Waiter, result: GatheredResult[Any]) -> None:
        """Have a waiter woken when a result may be ready."""
        self.awaited[waiter] = result
        taken = self._taken  # First this and then look, as in `wait`.
        pool = result._pool
        if pool is None or self._has(result):
            self._wake([waiter])  # another thread took it in before the waiter was here
        else:
            pool._supervisor.watch(self.job, self, taken, 1)

    def _wake(self, waiters: list[Waiter]) -> None:
        from . import _awaiting

        for waiter in waiters:
            self.awaited.pop(waiter, None)
        _awaiting.wake(waiters)

    def _tell(self) -> None:
        """Wake those whose outcome has come: in the thread for callbacks."""
        try:
            self._collect(None)
        except BaseException:  # no memory, or no descriptor for a large result
            self._release()  # who wait try it themselves, and raise what that raises
            return
        taken = self._taken  # First this and then look, as in `wait`.
        self._wake([w for w, result in self.awaited.copy().items() if self._has(result)])
        for waiter, result in self.awaited.copy().items():
            pool = result._pool
            if pool is not None:  # one is enough: it is the same for all
                pool._supervisor.watch(self.job, self, taken, 1)
                return
            self._wake([waiter])  # another thread has taken its outcome

    def _release(self) -> None:
        self._wake(list(self.awaited))

    def release(self, result: GatheredResult[Any]) -> None:
        """Wake those who wait for a result: it was cancelled."""
        if self.awaited:
            self._wake([w for w, awaited in self.awaited.copy().items() if awaited is result])

    def _has(self, result: GatheredResult[Any]) -> bool:
        return result._index in self.outcomes or result._group is None or self.status < 0

    def _collect(self, result: GatheredResult[Any] | None) -> None:
        """Decode what has arrived. Interrupted by Ctrl-C, what was not counted comes again."""
        with self._collecting:
            if result is not None and self._has(result):  # another thread was quicker
                return
            taken = self._taken
            status, data = receive(self.job, taken)
            if status < 0:
                self.status = status
                return
            for first, some in decode_segments(data, {}, self._function, gathered=True):
                self.outcomes.update(zip(range(first, first + len(some)), some, strict=True))
                taken += 1
                self._taken = max(self._taken, taken)


class GatheredResult(AsyncResult[R]):
    """The result of a call that was gathered with others."""

    _error: BaseException | None = None
    _value: Any = None

    def __init__(self, pool: Pool, group: Group, index: int) -> None:
        self._pool = pool
        self._group: Group | None = group
        self._index = index

    def _watch(self, waiter: Waiter) -> None:
        group = self._group
        if group is not None:
            group.watch(waiter, self)
        else:
            from . import _awaiting

            _awaiting.wake([waiter])

    def _unwatch(self, waiter: Waiter) -> bool:
        group = self._group
        if group is None:
            return False
        group.awaited.pop(waiter, None)
        return self in group.awaited.copy().values()

    def cancel(self, *, running: bool = False) -> bool:
        group = self._group
        if group is None or group.wait(self, 0):
            return False
        if _core.native.bridge_CancelTask(group.job, self._index, running) != 1:
            return False
        self._error = _core.cancelled()
        self._group = self._pool = None
        group.release(self)
        return True

    def _wait(self, timeout: float | None) -> bool:
        group = self._group
        return group is None or group.wait(self, timeout)

    def _collect(self, timeout: float | None) -> bool:
        group, pool = self._group, self._pool
        if group is None:
            return True
        if not group.wait(self, timeout):
            return False
        outcome = group.outcomes.get(self._index, group)
        if self._group is None:  # another thread was quicker, or has cancelled it
            return True
        if outcome is group:
            assert pool is not None
            self._error = pool._supervisor.error(group.status)
        elif type(outcome) is _codec.Raised:
            self._error = outcome.error
        else:
            self._value = outcome
        self._group = self._pool = None
        group.outcomes.pop(self._index, None)
        return True
