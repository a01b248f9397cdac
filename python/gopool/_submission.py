"""From calls to jobs: encode a function and its arguments, and hand them to Go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from . import _codec, _core, _exchange
from ._results import SLICE, AsyncResult, MapResult
from ._supervisor import Supervisor


def submit_call(
    supervisor: Supervisor,
    result: AsyncResult[Any],
    func: Callable[..., object],
    args: Iterable[Any],
    kwds: Mapping[str, Any],
    *,
    wait: bool,
) -> None:
    """Start the job of one call; with `wait`, stay for its result if that comes soon."""
    try:
        function = _codec.encode_function(func)
        batch = _codec.Batch(_codec.encode_call(tuple(args), dict(kwds)), 1, 0)
    except Exception as error:
        _fail(supervisor, result, error)
        return
    result._left = 1
    start = _call if wait else _submit
    _start(supervisor, result, start, function, _codec.APPLY, batch, flags=_core.SEALED)


def submit_items(
    supervisor: Supervisor,
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
    _start(supervisor, result, _submit, function, convention, chunk=chunk)
    try:
        for batch in _codec.encode_items(items, chunk):
            if isinstance(batch, _codec.Failure):
                result._fail(batch.index, batch.error)
                continue
            result._left += batch.count
            if not _add(result._job, batch):
                break  # the pool has ended; the result will say so
    finally:
        _core.native.bridge_Seal(result._job)


def _fail(supervisor: Supervisor, result: AsyncResult[Any], error: Exception) -> None:
    """Have a result fail. Its job has no task, and calls back like any other."""
    result._error = error
    _start(supervisor, result, _submit, flags=_core.SEALED)
    _core.native.bridge_Forget(result._job)


#: Starts a job with what an exchange holds: code of so many bytes, then a batch.
_Starter = Callable[[int, "_exchange.Exchange", int, int, _codec.Batch, int, int], int]


def _start(
    supervisor: Supervisor,
    result: AsyncResult[Any],
    start: _Starter,
    function: _codec.Function = _codec.NO_FUNCTION,
    convention: int = _codec.CALL,
    batch: _codec.Batch = _codec.NO_BATCH,
    *,
    chunk: int = 1,
    flags: int = 0,
) -> None:
    """Start the job of a result, with a batch if there is one. Raises if the pool refuses it."""
    if function.by_name:
        flags |= _core.BY_REFERENCE
    split, end = len(function.code), len(function.code) + len(batch.data)

    def submit() -> int:
        exchange = _exchange.borrow(end)
        try:
            exchange.view[:split] = function.code
            exchange.view[split:end] = batch.data
            status = start(supervisor.pool, exchange, split, convention, batch, chunk, flags)
        finally:
            _exchange.give_back(exchange)
        if status >= 0:
            result._job = status
        return status

    if result._told is None:
        status = submit()
    else:
        flags |= _core.NOTIFY
        status = supervisor.submit_notified(submit, result)
    if status < 0:
        result._left = 0
        raise supervisor.error(status)


def _submit(
    pool: int,
    exchange: _exchange.Exchange,
    split: int,
    convention: int,
    batch: _codec.Batch,
    chunk: int,
    flags: int,
) -> int:
    size, count = len(batch.data), batch.count
    return _core.native.bridge_Submit(
        pool, exchange.handle, split, convention, size, count, chunk, flags
    )


def _call(
    pool: int,
    exchange: _exchange.Exchange,
    split: int,
    convention: int,
    batch: _codec.Batch,
    _chunk: int,
    flags: int,
) -> int:
    size = len(batch.data)
    return _core.native.bridge_Call(pool, exchange.handle, split, convention, size, flags, SLICE)


def _add(job: int, batch: _codec.Batch) -> bool:
    """Add a batch to a job; tell whether the job still takes any."""
    size = len(batch.data)
    exchange = _exchange.borrow(size)
    try:
        exchange.view[:size] = batch.data
        status = _core.native.bridge_Add(job, exchange.handle, size, batch.count, batch.index)
    finally:
        _exchange.give_back(exchange)
    return status == 0
