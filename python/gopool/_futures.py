"""The futures of `PoolExecutor`, and the jobs that give them their results.

The pool's thread for callbacks gives them out: in bulk, where calls were gathered.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

from . import _codec, _core, _jobs, _options
from ._coder import NO_BATCH, Function
from ._errors import BrokenPoolError, PoolTerminatedError, WorkerLostError
from ._gathering import ROOM, Gathering, Tray
from ._owner import report
from ._results import decode_segments, receive
from ._sender import Sender
from ._submission import add_with_options, start_job

if TYPE_CHECKING:
    from ._names import Names
    from .pool import Pool

R = TypeVar("R")


class PoolFuture(Future[R]):
    """A future whose call waits in the pool, from where it can be taken back."""

    def __init__(self, pool: Pool, calls: Calls, index: int) -> None:
        super().__init__()
        self._index = index
        self._calls: Calls | None = calls  # until there is a result
        calls.futures[index] = self

    def cancel(self) -> bool:
        """Cancel the call and return True, if no worker has been handed it."""
        calls = self._calls
        if calls is None or self.done():
            return super().cancel()
        if not calls.withdraw(self._index):
            return self.cancelled()  # another thread may have been quicker
        self._calls = None
        super().cancel()
        return self.set_running_or_notify_cancel() is False

    def running(self) -> bool:
        """Return whether a worker has been handed the call, and it is not done."""
        calls = self._calls
        return calls is not None and not (self.done() or calls.is_queued(self._index))

    def result(self, timeout: float | None = None) -> R:
        """Return the result when it is there, as `concurrent.futures.Future.result`. Blocks."""
        self._urge()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception when the call is done, or None if it raised none. Blocks."""
        self._urge()
        return super().exception(timeout)

    def _urge(self) -> None:
        """Have the call go out now, if it was gathered: somebody waits for it."""
        calls = self._calls
        if calls is not None and calls.tray is not None:
            calls.is_queued(self._index)


class Calls:
    """A job of calls of one function, and the futures of those that are not done.

    It holds the pool, which so lives until the last of them is done.
    """

    job = 0

    def __init__(self, pool: Pool, gathering: FutureGathering, func: Callable[..., Any]) -> None:
        self.job = _core.new_number()
        self.futures: dict[int, PoolFuture[Any]] = {}
        self.tray: Tray | None = None  # that they were gathered in
        self._pool = pool
        self._owner = pool._owner(func)
        self._function = func
        self._taken = 0  # segments whose outcomes the futures have
        self._open = gathering.calls
        self._open[self.job] = self

    def __del__(self) -> None:
        # Not sooner: who has just added a call to a tray may still ask whether it is in the job.
        if self.job and _core.is_usable():
            _jobs.forget(self.job)

    def withdraw(self, index: int) -> bool:
        """Take a call back; return False if it is too late. Its future is the caller's then."""
        return (
            _core.native.bridge_Withdraw(self.job, index) == 1
            and self.futures.pop(index, None) is not None
        )

    def is_queued(self, index: int) -> bool:
        """Tell whether no worker has been handed the call."""
        return _core.native.bridge_Queued(self.job, index) == 1

    def watch(self) -> None:
        """Have `_tell` called when there are more outcomes, or there will be none."""
        self._owner.watch(self.job, self, self._taken, 1)

    def _tell(self) -> None:
        """Give the futures what has arrived: in the thread for callbacks."""
        try:
            status, data = receive(self.job, self._taken)
            if status < 0:
                self.fail(self._owner.error(status))
            for first, outcomes in decode_segments(data, {}, self._function):
                self._taken += 1
                for index, outcome in enumerate(outcomes, first):
                    self._set(index, outcome)
        except BaseException as error:  # no memory, or no descriptor for a large result
            self.fail(error)
            return
        if status > 0 and (self.futures or self.tray is not None):
            self.watch()
        else:
            self.end()

    def _release(self) -> None:
        """Fail what is left: the pool was terminated."""
        self.fail(self._owner.error(_core.TERMINATED))

    def _set(self, index: int, outcome: Any) -> None:
        future = self.futures.pop(index, None)
        if future is None:
            return
        future._calls = None
        try:
            if type(outcome) is _codec.Raised:
                future.set_exception(as_broken(outcome.error))
            else:
                future.set_result(outcome)
        except BaseException as error:  # of a callback, SystemExit for one
            report(error)

    def fail(self, error: BaseException) -> None:
        """Give what is left an exception."""
        self.end()
        for index in list(self.futures):
            self._set(index, _codec.Raised(error))

    def end(self) -> None:
        """Say that no future will be given a result here any more."""
        tray, self.tray = self.tray, None
        if tray is not None:
            tray.end()  # who adds a call after this is told that it will not be made
        self._open.pop(self.job, None)


class FutureGathering(Gathering):
    """Gathers calls of `submit`."""

    def __init__(self, names: Names | None, pool: Pool) -> None:
        super().__init__(names)
        self._pool = ref(pool)
        self.calls: dict[int, Calls] = {}  # jobs with futures that are not done

    def _new_tray(self, func: Callable[..., object]) -> Tray:
        pool = self._pool()
        assert pool is not None
        assert self.names is not None
        return _FutureTray(func, Calls(pool, self, func), PoolFuture, self.names)

    def cancel(self) -> None:
        """Cancel all calls that no worker has been handed."""
        for calls in list(self.calls.values()):
            for future in list(calls.futures.values()):
                future.cancel()


class _FutureTray(Tray):
    """Takes calls of which each has a future."""

    def open(self, pool: int, function: Function) -> bool:
        if not super().open(pool, function):
            return False
        assert self._parts is not None
        calls: Calls = self._parts[0]
        calls.tray = self
        calls.watch()
        return True


def submit_call(
    pool: Pool, func: Callable[..., Any], args: tuple[Any, ...], kwds: dict[str, Any]
) -> PoolFuture[Any]:
    """Start the job of one call. Raises if the pool refuses it."""
    owner, gathering = pool._owner(func), pool._supervisor.gathering
    assert isinstance(owner, Sender)
    assert isinstance(gathering, FutureGathering)  # also for what runs in goroutines
    calls = Calls(pool, gathering, func)
    future: PoolFuture[Any] = PoolFuture(pool, calls, 0)
    try:
        function = owner.coder.function(func)
        batch = owner.coder.call(func, args, kwds)
    except Exception as error:
        calls.fail(error)
        return future
    owner.hurry()
    plain = pool._options is _options.NONE
    try:
        owner.expect(calls.job, calls)
        status = start_job(
            owner,
            calls.job,
            _core.NOTIFY | (_core.SEALED if plain else 0),
            function,
            _codec.APPLY,
            batch if plain else NO_BATCH,
        )
        if status < 0:
            owner.unexpect(calls.job)
            raise owner.error(status)
    except (ValueError, BrokenPoolError) as error:
        calls.end()
        raise refusal(error) from None
    if not plain:
        add_with_options(calls.job, pool._options, batch)
    elif status == _core.BRIEF and len(batch.data) <= ROOM:
        gathering.count(owner.pool, func, function)
    return future


#: What means of an executor of the standard library that it is broken.
_BREAKING = frozenset({WorkerLostError, PoolTerminatedError, BrokenPoolError})


def refusal(error: Exception) -> BaseException:
    """Return what an executor raises where the pool raises this."""
    if isinstance(error, ValueError):  # not running: another thread has shut it down
        return RuntimeError("cannot schedule new futures after shutdown")
    return as_broken(error)


def as_broken(error: BaseException) -> BaseException:
    """Return an exception that is also a `BrokenProcessPool`, if it is one of the pool's."""
    if type(error) not in _BREAKING:
        return error
    from . import _broken

    return _broken.twin(error)
