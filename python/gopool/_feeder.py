"""Feeding a job of `imap`: a thread that draws from the user's iterable, and its bounds.

The feeder holds no iterator and no pool, so that each is collected when the
program drops it. What it shares with the iterator is a `Feed`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ._coder import BATCH_BYTES, FIRST_BATCH, LAST_BATCH, Batch, Failure
from ._feed import Feed
from ._owner import Owner, Thread

#: Types whose iteration runs no code of the user's and never waits or fails.
_PLAIN = frozenset({list, tuple, range, str, bytes})

#: Seconds that a draw may take while somebody waits for the feeder to end.
_PATIENCE = 0.05


def is_plain(iterable: Iterable[Any]) -> bool:
    """Tell whether any number of items may be drawn at a time."""
    return type(iterable) in _PLAIN


class Feeder:
    """A thread that feeds a job from `source`, at least `chunk` items at a time.

    It pauses when `buffersize` items, if that is not None, or `BUFFER_BYTES` are on
    their way to the consumer. From a `plain` source it draws more than a chunk at a
    time. From any other it draws no item while it holds a whole chunk: the
    source may wait for the result of what it has yielded.
    """

    def __init__(
        self,
        supervisor: Owner,
        feed: Feed,
        source: Iterator[Any],
        plain: bool,
        chunk: int,
        buffersize: int | None,
        index: int = 0,
    ) -> None:
        self._supervisor = supervisor
        self._feed = feed
        self._source: Iterator[Any] | None = source
        self._plain = plain
        self._chunk = chunk
        self._buffersize = buffersize
        self._index = index  # items that were added
        self._budget = 0  # items that may be drawn without asking for room
        self._weight = 0  # bytes that were added without asking
        self._size = FIRST_BATCH
        self._over = False  # there is nothing more to be drawn
        self._error: BaseException | None = None  # what the source raised
        self._drawing = False  # is in code of the user's
        self._draws = 0
        self._ident = 0
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread, which owns its part of the feed from now on."""
        feeders = self._supervisor.feeders
        feeders.add(self)
        try:
            self._thread = Thread("gopool-feeder", self._run)
            self._feed.handed_over = True
        except BaseException:
            feeders.discard(self)
            raise

    def join(self) -> None:
        """Block until the thread has ended, unless it stays in code of the user's."""
        thread, draws = self._thread, -1
        while thread is not None and self._ident != threading.get_ident():
            if thread.ended.wait(_PATIENCE):
                thread.join()
                return
            if self._drawing and self._draws == draws:
                return
            draws = self._draws

    def _run(self) -> None:
        if self._feed.claim():
            return
        self._ident = threading.get_ident()
        try:
            self._feed_all()
        except BaseException as error:  # no memory; the consumer must not take it for the end
            self._feed.broke_off = self._index
            self._feed.add_error(self._index, error)
        self._draws += 1
        self._drawing = True
        self._source = None  # a generator's `finally` runs here
        self._drawing = False
        self._feed.seal()
        self._feed.leave()
        self._supervisor.feeders.discard(self)

    def _feed_all(self) -> None:
        while not self._over and self._wait_for_room():
            items = self._draw()
            for batch in self._feed.encode(items, self._index, self._chunk):
                if not self._add(batch):
                    return
        if self._error is not None:
            error, self._error = self._error, None
            self._feed.broke_off = self._index
            self._feed.add_error(self._index, error)

    def _wait_for_room(self) -> bool:
        """Block until a chunk may be drawn; tell whether the job takes any."""
        if self._budget >= self._chunk and self._weight < BATCH_BYTES:
            return True
        spare = self._chunk - 1  # of the room for a chunk, which one item less would not be
        bound = 0
        if self._buffersize is not None:
            bound = self._buffersize - spare
            # First said and then looked, as the consumer first takes and then looks:
            # one of them sees the other.
            self._feed.waits = True
        room = self._feed.room(bound)
        self._feed.waits = False
        self._weight = 0
        self._budget = min(room, LAST_BATCH) + spare
        return room > 0

    def _draw(self) -> list[Any]:
        """Draw a chunk, or several if that can't matter to anybody."""
        assert self._source is not None
        items: list[Any] = []
        count = self._chunk
        if self._plain:
            count *= max(1, min(self._size, self._budget) // count)
            self._size = min(2 * self._size, LAST_BATCH)
        self._draws += 1
        self._drawing = True
        try:
            items.extend(islice(self._source, count))
        except BaseException as error:  # the consumer's: it is raised in its place
            trace = error.__traceback__
            self._error = error.with_traceback(trace and trace.tb_next)  # without this frame
            self._over = True
            items.clear()  # as in multiprocessing: a chunk that was not drawn whole is not run
        self._drawing = False
        if len(items) < count:
            self._over = True
        self._budget -= len(items)
        return items

    def _add(self, batch: Batch | Failure) -> bool:
        """Add what was encoded, when there is room for it; tell whether the job takes more."""
        if isinstance(batch, Failure):
            self._index += 1
            return self._feed.add_error(batch.index, batch.error)
        if self._weight >= BATCH_BYTES:
            self._weight = 0
            if self._feed.room(0) < 0:
                batch.refused()
                return False
        self._index += batch.count
        self._weight += batch.weight
        return self._feed.add(batch)
