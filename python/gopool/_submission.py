"""From calls to jobs: encode a function and its arguments, and hand them to Go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import _codec, _core, _exchange
from ._gathering import ROOM
from ._owner import Owner
from ._results import AsyncResult, MapResult


def submit_call(
    supervisor: Owner,
    result: AsyncResult[Any],
    func: Callable[..., object],
    args: Iterable[Any],
    kwds: Mapping[str, Any],
    *,
    wait: int = 0,
) -> None:
    """Start the job of one call, and wait up to `wait` ms for its result."""
    try:
        function = _codec.encode_function(func)
        batch = _codec.Batch(_codec.encode_call(tuple(args), dict(kwds)), 1, 0)
    except Exception as error:
        _fail(supervisor, result, error)
        return
    result._left = 1
    status = _start(supervisor, result, _core.SEALED, function, _codec.APPLY, batch, wait=wait)
    if status == _core.BRIEF and result._told is None and len(batch.data) <= ROOM:
        supervisor.gathering.count(supervisor.pool, func, function)


def submit_items(
    supervisor: Owner,
    result: MapResult[Any],
    func: Callable[..., object],
    items: Sequence[Any],
    convention: int,
    chunk: int,
) -> None:
    """Start the job of a call with each item. An item that can't be encoded has failed."""
    try:
        function = _codec.encode_function(func)
    except Exception as error:
        _fail(supervisor, result, error)
        return
    try:
        _start(supervisor, result, 0, function, convention, chunk=chunk)
        for batch in _codec.encode_items(items, chunk):
            if isinstance(batch, _codec.Failure):
                result._fail(batch.index, batch.error)
                continue
            result._left += batch.count
            if not add_batch(result._job, batch):
                break  # the pool has ended; the result will say so
    finally:
        _core.native.bridge_Seal(result._job)
    if not result._left:  # no item could be encoded
        result._forget()


def _fail(supervisor: Owner, result: AsyncResult[Any], error: Exception) -> None:
    """Have a result fail. Its job has no task, and calls back like any other."""
    result._error = error
    _start(supervisor, result, _core.SEALED)
    result._forget()


def _start(
    supervisor: Owner,
    result: AsyncResult[Any],
    flags: int,
    function: _codec.Function = _codec.NO_FUNCTION,
    convention: int = _codec.CALL,
    batch: _codec.Batch = _codec.NO_BATCH,
    *,
    chunk: int = 1,
    wait: int = 0,
) -> int:
    """Start the job of a result, with a batch if there is one, and return a status.

    Raises if the pool refuses it. Waits up to `wait` ms for the outcome.
    """
    result._job = job = _core.new_number()
    if not wait:  # the caller goes on, perhaps to submit more
        supervisor.hurry()
    if result._told is not None:
        flags |= _core.NOTIFY
        supervisor.expect(job, result)
    status = start_job(supervisor, job, flags, function, convention, batch, chunk=chunk, wait=wait)
    if status < 0:
        result._left = 0
        supervisor.unexpect(job)
        raise supervisor.error(status)
    return status


def start_job(
    supervisor: Owner,
    job: int,
    flags: int,
    function: _codec.Function,
    convention: int,
    batch: _codec.Batch = _codec.NO_BATCH,
    *,
    chunk: int = 1,
    wait: int = 0,
) -> int:
    """Start a job with this number, with a batch if there is one. Return a status."""
    if function.by_name:
        flags |= _core.BY_REFERENCE
    supervisor.gathering.end()
    split, size = len(function.code), len(batch.data)
    exchange = _exchange.borrow(split + size)
    try:
        exchange.view[:split] = function.code
        exchange.view[split : split + size] = batch.data
        return _core.native.bridge_Submit(
            supervisor.pool,
            job,
            exchange.handle,
            split,
            convention,
            size,
            batch.count,
            chunk,
            flags,
            wait,
        )
    finally:
        _exchange.give_back(exchange)


def add_batch(job: int, batch: _codec.Batch) -> bool:
    """Add a batch to a job; tell whether the job still takes any."""
    size = len(batch.data)
    exchange = _exchange.borrow(size)
    try:
        exchange.view[:size] = batch.data
        status = _core.native.bridge_Add(job, exchange.handle, size, batch.count, batch.index)
    finally:
        _exchange.give_back(exchange)
    return status == 0
