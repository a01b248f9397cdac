"""From calls to jobs whose tasks run in threads of this process: nothing is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from . import _codec, _core, _options
from ._coder import Batch, Failure
from ._feed import Feed
from ._results import SLICE_MS, AsyncResult
from ._submission import await_room
from ._work import FedWork, Work

if TYPE_CHECKING:
    from ._threads import Crew
    from .pool import Pool

R = TypeVar("R")

#: How many items of `imap` may be on their way for each thread, if the caller does not say.
ITEMS_PER_THREAD = 256


def call(
    crew: Crew,
    pool: Pool,
    func: Callable[..., R],
    args: Iterable[Any],
    kwds: Mapping[str, Any],
) -> R:
    """Have a thread call `func(*args, **kwds)` and return the result. Blocks."""
    result: AsyncResult[R] = AsyncResult(pool, func)
    submit(crew, result, func, [(args, kwds)], _codec.APPLY, wait=SLICE_MS)
    return result.get()


def submit(
    crew: Crew,
    result: AsyncResult[Any],
    func: Callable[..., object],
    items: Sequence[Any],
    convention: int,
    *,
    chunk: int = 1,
    wait: int = 0,
) -> None:
    """Start the job of a call with each item. Raises if the pool refuses it.

    Waits up to `wait` ms for the outcome, if there is one item.
    """
    result._job = job = _core.new_number()
    result._left = len(items)
    flags = _core.LOCAL
    plain = result._options is _options.NONE
    if plain:
        flags |= _core.SEALED
    if result._told is not None:
        flags |= _core.NOTIFY
        crew.expect(job, result)
    crew.begin(job, Work(func, convention, items, result._kept))
    count = len(items) if plain else 0
    status = _core.native.bridge_Submit(
        crew.pool, job, 0, 0, convention, 0, count, chunk, flags, wait
    )
    if status < 0:
        result._left = 0
        crew.jobs.pop(job, None)
        crew.unexpect(job)
        raise crew.error(status)
    if not plain:  # Go hears of tasks when it knows the options
        try:
            result._options.configure(job)
            _add(crew, job, len(items), 0)
        finally:
            _core.native.bridge_Seal(job)


def _add(crew: Crew, job: int, count: int, index: int) -> bool:
    """Add tasks to a job, and wait until the pool has room for them.

    Tell whether the job still takes any. A task that submits to its own pool does not
    wait: it might do so for itself.
    """
    status: int = _core.native.bridge_Add(job, 0, 0, count, index)
    if status == _core.HELD and not crew.is_served_here():
        return await_room(job)
    return status >= 0


class _Items(Batch):
    """A batch that is not encoded."""

    def __init__(self, items: Sequence[Any], index: int) -> None:
        super().__init__(b"", len(items), index)
        self.items = items


class LocalFeed(Feed):
    """The feed of an `imap` whose tasks run in threads of this process."""

    def __init__(self, crew: Crew, func: Callable[..., object]) -> None:
        super().__init__(crew, func)
        self._crew = crew
        self._work = FedWork(func, self.kept)

    def start(self, flags: int, chunk: int, convention: int = _codec.CALL) -> Exception | None:
        crew, flags = self._crew, flags | _core.LOCAL
        crew.begin(self.job, self._work)
        status = _core.native.bridge_Submit(
            crew.pool, self.job, 0, 0, convention, 0, 0, chunk, flags, 0
        )
        if status < 0:
            crew.jobs.pop(self.job, None)
            raise crew.error(status)
        return None

    def bound(self, chunk: int) -> int | None:
        # How many bytes they hold, nobody knows.
        return max(ITEMS_PER_THREAD, chunk) * self._crew.size

    def encode(self, items: Sequence[Any], index: int, chunk: int) -> Iterator[Batch | Failure]:
        if items:
            yield _Items(items, index)

    def add(self, batch: Batch) -> bool:
        assert isinstance(batch, _Items)
        self._work.feed(batch.items, batch.index)
        self._crew.settle(self.job, self._work, -batch.count)
        return _add(self._crew, self.job, batch.count, batch.index)

    def seal(self) -> None:
        super().seal()
        self._crew.settle(self.job, self._work, 1)

    def drop(self) -> None:
        self._work.neglect()
        super().drop()
