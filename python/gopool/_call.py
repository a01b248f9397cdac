"""A blocking call: the whole round trip of one task in one call of Go's.

`apply` has nobody to share the cost of a job with. So it goes without a job's
number, a result object and a second call that collects, unless something comes
that only they can deal with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec, _core, _exchange, _jobs
from ._results import SLICE_MS, AsyncResult

if TYPE_CHECKING:
    from ._sender import Sender
    from .pool import Pool

R = TypeVar("R")


def call(
    pool: Pool,
    owner: Sender,
    func: Callable[..., R],
    args: Iterable[Any],
    kwds: Mapping[str, Any],
) -> R:
    """Have a worker call `func(*args, **kwds)` and return the result. Blocks.

    Raises what the call raises, or what pickle raises, or what the pool refuses it with.
    """
    function = owner.coder.function(func)
    split = len(function.code)
    batch = owner.coder.call(func, tuple(args), dict(kwds))
    data = function.code + batch.data
    convention = _codec.APPLY | function.flags
    size = len(data)
    owner.gathering.end()
    job = _core.new_number()
    exchange = _exchange.borrow(size)
    try:
        exchange.view[:size] = data
        status = _core.native.bridge_Call(
            owner.pool, job, exchange.handle, split, size, convention, function.by_name, SLICE_MS
        )
        if status >= 0:
            # Nobody else uses the exchange, whatever this runs.
            return owner.coder.outcome(func, exchange.view, status)  # type: ignore[no-any-return]
        if status != _core.TIMEOUT:
            batch.refused()
            raise owner.error(status)
        # There is a job, and more to its outcome than a value, or no outcome yet.
        result: AsyncResult[R] = AsyncResult(pool, func)
        result._left = 1
        result._job = job
    except BaseException:  # Ctrl-C, for one: there may be a job that nobody knows
        _jobs.forget(job)
        raise
    finally:
        _exchange.give_back(exchange)
    return result.get()
