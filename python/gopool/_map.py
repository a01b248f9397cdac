"""The input of `map` and its like: encoded at once, or, if it is large, as there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import _codec, _core
from ._feeder import BUFFER_BYTES, Feed, Feeder
from ._owner import Owner
from ._results import MapResult
from ._submission import fail, start


class _MapFeed(Feed):
    """What a result of `map` and the feeder of its job share."""

    def __init__(self, owner: Owner, result: MapResult[Any]) -> None:
        super().__init__(
            owner, result._function, result._job, result._kept, lend=not result._options.retries
        )

    def room(self, bound: int) -> int:
        # Results do not count: perhaps nobody asks for them until all are there.
        room: int = _core.native.bridge_RoomForArguments(self.job, BUFFER_BYTES)
        return room


def submit_items(
    supervisor: Owner,
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
        function = _codec.encode_function(func, supervisor.names)
    except Exception as error:
        fail(supervisor, result, error)
        return
    feeder = None
    try:
        start(supervisor, result, 0, function, convention, chunk=chunk)
        result._options.configure(result._job)
        feed = result._feed = _MapFeed(supervisor, result)
        result._left = len(items)
        once = not result._options.retries
        fed = _add_first(feed, _codec.encode_items(items, chunk, supervisor.names, lend=once))
        if fed < len(items):
            feeder = Feeder(supervisor, feed, iter(items[fed:]), True, chunk, None, fed)
            feeder.start()
    except BaseException:  # Ctrl-C: nobody has the result, and it may lack tasks
        supervisor.unexpect(result._job)
        raise
    finally:
        if feeder is None:  # else it does so; also if Ctrl-C came
            _core.native.bridge_Seal(result._job)


def _add_first(feed: Feed, batches: Iterable[_codec.Batch | _codec.Failure]) -> int:
    """Add what has `BUFFER_BYTES`, and return up to which item that is."""
    weight = end = 0
    for batch in batches:
        if isinstance(batch, _codec.Failure):
            end = batch.index + 1
            alive = feed.add_error(batch.index, batch.error)
        else:
            end = batch.index + batch.count
            weight += batch.weight
            alive = feed.add(batch)
        if not alive or weight > BUFFER_BYTES:
            break  # not alive: the pool has ended, and the result will say so
    return end
