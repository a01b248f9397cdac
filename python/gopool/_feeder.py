"""Feeding a job of `imap`: a thread that draws from the user's iterable, and its bounds.

The feeder holds no iterator and no pool, so that each is collected when the
program drops it. What it shares with the iterator is a `Feed`.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from . import _codec, _core, _jobs
from ._owner import Owner, Thread
from ._submission import add_batch, start_job

#: Feeding pauses when a job holds so many bytes, encoded.
BUFFER_BYTES = 1 << 26

#: Types whose iteration runs no code of the user's and never waits or fails.
_PLAIN = frozenset({list, tuple, range, str, bytes})

#: Seconds that a draw may take while somebody waits for the feeder to end.
_PATIENCE = 0.05


def is_plain(iterable: Iterable[Any]) -> bool:
    """Tell whether any number of items may be drawn at a time."""
    return type(iterable) in _PLAIN


class Lot(deque[Any]):
    """Decoded outcomes that the consumer is going to take."""

    def __init__(self, outcomes: Iterable[Any] = (), taken: int = 0, end: int = 0) -> None:
        super().__init__(outcomes)
        self.taken = taken  # segments of the job up to the last of them
        self.end = end  # outcomes of the job up to the last of them


class Feed:
    """What an iterator and its feeder share. The last one to leave drops the job."""

    def __init__(
        self,
        owner: Owner,
        func: Callable[..., object],
        job: int = 0,
        kept: dict[int, Any] | None = None,
        *,
        lend: bool = True,
    ) -> None:
        self._owner = owner
        self._lend = lend
        self._function = func
        self.job = job or _core.new_number()
        self.lot = Lot()
        self.kept = {} if kept is None else kept  # outcomes that never left this process
        self.broke_off = -1  # where the input raised, which is not what a task did
        self.waits = False  # the feeder wants to be told what is used
        # Who draws 0 owns the feeder's part: its thread, or, until that has been
        # started for certain, who drops the iterator. Drawing is atomic.
        self.claim = itertools.count().__next__
        self.handed_over = False
        self._dropped = False
        self._leave = itertools.count().__next__

    def start(self, flags: int, chunk: int, convention: int = _codec.CALL) -> Exception | None:
        """Start the job. Return why the function can't be sent, if it can't.

        Raises if the pool refuses the job.
        """
        function, failure = _codec.NO_FUNCTION, None
        try:
            function = _codec.encode_function(self._function, self._owner.names)
        except Exception as error:
            failure = error
        status = start_job(self._owner, self.job, flags, function, convention, chunk=chunk)
        if status < 0:
            raise self._owner.error(status)
        return failure

    def bound(self, chunk: int) -> int | None:
        """Return how many items may be on their way, if the caller does not say.

        None is any number: bytes are bounded.
        """
        return None

    def room(self, bound: int) -> int:
        """Block until the job has room; return for how many items, below 0 if for none ever.

        Of these so many may be on their way; 0 is any number.
        """
        return _core.native.bridge_Room(self.job, BUFFER_BYTES, bound, self.used())

    def encode(
        self, items: Sequence[Any], index: int, chunk: int
    ) -> Iterator[_codec.Batch | _codec.Failure]:
        """Prepare items for the workers, of which the first has this index."""
        return _codec.encode_part(items, index, chunk, self._owner.names, lend=self._lend)

    def used(self) -> int:
        """Return how many outcomes the consumer has taken."""
        lot = self.lot
        return lot.end - len(lot)

    def cancel(self, running: bool) -> bool:
        """Have no more tasks run, nor fed; see `Owner.cancel`."""
        return self._owner.cancel(self.job, running)

    def drop(self) -> None:
        """Forget the results: the iterator is gone, or at its end. What is fed still runs."""
        self._dropped = True
        self.lot = Lot()
        self.kept.clear()
        if not self.handed_over and self.claim() == 0:  # there is no feeder
            _jobs.forget(self.job)
            return
        try:
            _jobs.neglect(self.job)
        finally:  # also if Ctrl-C came
            self.leave()

    def leave(self) -> None:
        """Say that the feeder has ended, or that the iterator is gone."""
        if self._leave() == 1:
            _jobs.forget(self.job)

    def add(self, batch: _codec.Batch) -> bool:
        """Add a batch to the job; tell whether the job takes more."""
        return add_batch(self.job, batch)

    def add_error(self, index: int, error: BaseException) -> bool:
        """Add what next() will raise in its turn; tell whether the job takes more."""
        if not self._dropped:
            self.kept[index] = _codec.Raised(error)
        return _core.native.bridge_AddLocal(self.job, index) == 0

    def add_all(self, items: Collection[Any], chunk: int) -> None:
        """Add a few items and seal the job, in the thread of the caller."""
        for batch in self.encode(list(items), 0, chunk):
            if isinstance(batch, _codec.Failure):
                self.add_error(batch.index, batch.error)
            else:
                self.add(batch)
        self.seal()

    def seal(self) -> None:
        _core.native.bridge_Seal(self.job)


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
        self._size = _codec.FIRST_BATCH
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
        if self._budget >= self._chunk and self._weight < _codec.BATCH_BYTES:
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
        self._budget = min(room, _codec.LAST_BATCH) + spare
        return room > 0

    def _draw(self) -> list[Any]:
        """Draw a chunk, or several if that can't matter to anybody."""
        assert self._source is not None
        items: list[Any] = []
        count = self._chunk
        if self._plain:
            count *= max(1, min(self._size, self._budget) // count)
            self._size = min(2 * self._size, _codec.LAST_BATCH)
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

    def _add(self, batch: _codec.Batch | _codec.Failure) -> bool:
        """Add what was encoded, when there is room for it; tell whether the job takes more."""
        if isinstance(batch, _codec.Failure):
            self._index += 1
            return self._feed.add_error(batch.index, batch.error)
        if self._weight >= _codec.BATCH_BYTES:
            self._weight = 0
            if self._feed.room(0) < 0:
                return False
        self._index += batch.count
        self._weight += batch.weight
        return self._feed.add(batch)
