"""The input of `map` and its like: encoded at once, or, if it is large, as there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._coder import Batch, Failure
from ._feed import BUFFER_BYTES, EncodedFeed, Feed
from ._feeder import Feeder
from ._results import MapResult
from ._submission import fail, start

if TYPE_CHECKING:
    from ._sender import Sender


class _MapFeed(EncodedFeed):
    """What a result of `map` and the feeder of its job share."""

    def room(self, bound: int) -> int:
        # Results do not count: perhaps nobody asks for them until all are there.
        room: int = _core.native.bridge_RoomForArguments(self.job, BUFFER_BYTES)
        return room


def submit_items(
    owner: Sender,
    result: MapResult[Any],
    func: Callable[..., object],
    items: Sequence[Any],
    convention: int,
    chunk: int,
) -> None:
    """Start the job of a call with each item. An item that can't be encoded has failed.

    What comes after the first `BUFFER_BYTES` is encoded by a thread, as workers get on.
    """
    try:
        function = owner.coder.function(func)
    except Exception as error:
        fail(owner, result, error)
        return
    feeder = None
    try:
        start(owner, result, 0, function, convention, chunk=chunk)
        result._options.configure(result._job)
        once = not result._options.retries
        feed = _MapFeed(owner, func, convention, result._job, result._kept, once=once)
        result._feed = feed
        result._left = len(items)
        fed = _add_first(feed, owner.coder.items(func, convention, items, chunk, once=once))
        if fed < len(items):
            feeder = Feeder(owner, feed, iter(items[fed:]), True, chunk, None, fed)
            feeder.start()
    except BaseException:  # Ctrl-C: nobody has the result, and it may lack tasks
        owner.unexpect(result._job)
        raise
    finally:
        if feeder is None:  # else it does so; also if Ctrl-C came
            _core.native.bridge_Seal(result._job)


def _add_first(feed: Feed, batches: Iterable[Batch | Failure]) -> int:
    """Add what has `BUFFER_BYTES`, and return up to which item that is."""
    weight = end = 0
    for batch in batches:
        if isinstance(batch, Failure):
            end = batch.index + 1
            alive = feed.add_error(batch.index, batch.error)
        else:
            end = batch.index + batch.count
            weight += batch.weight
            alive = feed.add(batch)
        if not alive or weight > BUFFER_BYTES:
            break  # not alive: the pool has ended, and the result will say so
    return end
