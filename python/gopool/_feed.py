"""What the iterator of `imap` and its feeder share, and the results that are to be taken."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _codec, _core, _jobs
from ._coder import NO_FUNCTION, Batch, Failure
from ._owner import Owner
from ._submission import add_batch, start_job

if TYPE_CHECKING:
    from ._sender import Sender

#: Feeding pauses when a job holds so many bytes, encoded.
BUFFER_BYTES = 1 << 26


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
    ) -> None:
        self._owner = owner
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
        raise NotImplementedError

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

    def encode(self, items: Sequence[Any], index: int, chunk: int) -> Iterator[Batch | Failure]:
        """Prepare items for the workers, of which the first has this index."""
        raise NotImplementedError

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

    def add(self, batch: Batch) -> bool:
        """Add a batch to the job; tell whether the job takes more."""
        raise NotImplementedError

    def add_error(self, index: int, error: BaseException) -> bool:
        """Add what next() will raise in its turn; tell whether the job takes more."""
        if not self._dropped:
            self.kept[index] = _codec.Raised(error)
        return _core.native.bridge_AddLocal(self.job, index) == 0

    def add_all(self, items: Collection[Any], chunk: int) -> None:
        """Add a few items and seal the job, in the thread of the caller."""
        for batch in self.encode(list(items), 0, chunk):
            if isinstance(batch, Failure):
                self.add_error(batch.index, batch.error)
            else:
                self.add(batch)
        self.seal()

    def seal(self) -> None:
        _core.native.bridge_Seal(self.job)


class EncodedFeed(Feed):
    """The feed of a job whose items are encoded."""

    def __init__(
        self,
        owner: Sender,
        func: Callable[..., object],
        convention: int = _codec.CALL,
        job: int = 0,
        kept: dict[int, Any] | None = None,
        *,
        once: bool = True,
    ) -> None:
        """Make one for a job; `once` says that workers read each item at most once."""
        super().__init__(owner, func, job, kept)
        self._coder = owner.coder
        self._convention = convention
        self._once = once

    def start(self, flags: int, chunk: int, convention: int = _codec.CALL) -> Exception | None:
        self._convention = convention
        function, failure = NO_FUNCTION, None
        try:
            function = self._coder.function(self._function)
        except Exception as error:
            failure = error
        status = start_job(self._owner, self.job, flags, function, convention, chunk=chunk)
        if status < 0:
            raise self._owner.error(status)
        return failure

    def encode(self, items: Sequence[Any], index: int, chunk: int) -> Iterator[Batch | Failure]:
        return self._coder.part(
            self._function, self._convention, items, index, chunk, once=self._once
        )

    def add(self, batch: Batch) -> bool:
        return add_batch(self.job, batch)
