"""From calls to jobs: encode a function and its arguments, and hand them to Go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import _codec, _core, _exchange, _options
from ._coder import NO_BATCH, NO_FUNCTION, Batch, Function
from ._gathering import ROOM
from ._owner import Owner
from ._results import AsyncResult, slice_ms

if TYPE_CHECKING:
    from ._sender import Sender


def submit_call(
    owner: Sender,
    result: AsyncResult[Any],
    func: Callable[..., object],
    args: Iterable[Any],
    kwds: Mapping[str, Any],
) -> None:
    """Start the job of one call."""
    try:
        coder = owner.coder
        function = coder.function(func)
        once = not result._options.retries
        batch = coder.call(func, tuple(args), dict(kwds), once=once)
    except Exception as error:
        fail(owner, result, error)
        return
    result._left = 1
    if result._options is not _options.NONE:
        start(owner, result, 0, function, _codec.APPLY)
        add_with_options(result._job, result._options, batch)
        return
    status = start(owner, result, _core.SEALED, function, _codec.APPLY, batch)
    if status == _core.BRIEF and result._told is None and len(batch.data) <= ROOM:
        owner.gathering.count(owner.pool, func, function)


def add_with_options(job: int, options: _options.Options, batch: Batch) -> None:
    """Tell Go the options of a job that has been started, then its only batch."""
    try:
        options.configure(job)
        add_batch(job, batch)  # if the pool has ended, the result will say so
    finally:
        _core.native.bridge_Seal(job)


def fail(owner: Owner, result: AsyncResult[Any], error: Exception) -> None:
    """Have a result fail. Its job has no task, and calls back like any other."""
    result._error = error
    start(owner, result, _core.SEALED)
    result._forget()


def start(
    owner: Owner,
    result: AsyncResult[Any],
    flags: int,
    function: Function = NO_FUNCTION,
    convention: int = _codec.CALL,
    batch: Batch = NO_BATCH,
    *,
    chunk: int = 1,
) -> int:
    """Start the job of a result, with a batch if there is one, and return a status.

    Raises if the pool refuses it.
    """
    result._job = job = _core.new_number()
    owner.hurry()
    if result._told is not None:
        flags |= _core.NOTIFY
        owner.expect(job, result)
    status = start_job(owner, job, flags, function, convention, batch, chunk=chunk)
    if status < 0:
        result._left = 0
        owner.unexpect(job)
        raise owner.error(status)
    return status


def start_job(
    owner: Owner,
    job: int,
    flags: int,
    function: Function,
    convention: int,
    batch: Batch = NO_BATCH,
    *,
    chunk: int = 1,
) -> int:
    """Start a job with this number, with a batch if there is one. Return a status."""
    if function.by_name:
        flags |= _core.BY_REFERENCE
    convention |= function.flags
    owner.gathering.end()
    split, size = len(function.code), len(batch.data)
    exchange = _exchange.borrow(split + size)
    try:
        exchange.view[:split] = function.code
        exchange.view[split : split + size] = batch.data
        status = _core.native.bridge_Submit(
            owner.pool,
            job,
            exchange.handle,
            split,
            convention,
            size,
            batch.count,
            chunk,
            flags,
            0,
        )
    finally:
        _exchange.give_back(exchange)
    if status >= 0:
        batch.sent()
        function.sent()
    else:
        batch.refused()
    return status


def add_batch(job: int, batch: Batch) -> bool:
    """Add a batch to a job, and wait until the pool has room for it.

    Tell whether the job still takes any.
    """
    size = len(batch.data)
    exchange = _exchange.borrow(size)
    try:
        exchange.view[:size] = batch.data
        status = _core.native.bridge_Add(job, exchange.handle, size, batch.count, batch.index)
    finally:
        _exchange.give_back(exchange)
    if status >= 0:
        batch.sent()
    else:
        batch.refused()
    return await_room(job) if status == _core.HELD else status >= 0


def await_room(job: int) -> bool:
    """Block until a job's tasks are admitted to the pool; tell whether they are."""
    while (status := _core.native.bridge_Admitted(job, slice_ms(None))) == _core.TIMEOUT:
        pass
    return status >= 0
