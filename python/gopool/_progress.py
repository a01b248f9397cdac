"""`progress=`: how far a call is, told to a bar or to a function of the caller's.

Who tells is a thread of the call's own, which asks Go how many tasks have their
outcome: so it is told while the caller waits, computes, or is slow to take results.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sized
from contextlib import suppress
from multiprocessing import TimeoutError
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _core
from ._imap import IMapIterator, IMapUnorderedIterator, start_imap
from ._owner import Thread
from ._results import MapResult, deadline_after, left_until

if TYPE_CHECKING:
    from ._options import Options
    from ._owner import Owner
    from .pool import Pool

R = TypeVar("R")

#: Seconds between two looks.
INTERVAL = 0.1


class Progress:
    """Tells how far a job is, from `follow` on, until it has ended or nobody wants to know."""

    def __init__(self, wanted: Any, total: int | None) -> None:
        """Prepare to tell `wanted`: see `MapOptions`. Raises ImportError if tqdm is not there."""
        self._close: Callable[[], object] = lambda: None
        if callable(wanted):
            self._tell: Callable[[int], object] = lambda done: wanted(done, total)
        else:
            given = wanted if isinstance(wanted, Mapping) else {}
            bar = _bar_class()(**{"total": total, **given})
            self._tell = lambda done: bar.update(done - bar.n)
            self._close = bar.close
        self._told = -1
        self._final = 0  # how many there were when the job was dropped
        self._job = 0
        self._error: BaseException | None = None  # that telling has raised
        self._thread: Thread | None = None
        # Held while somebody wants to know. Not an event: Ctrl-C in `set` could leave its
        # lock taken.
        self._wanted = threading.Lock()
        self._wanted.acquire()

    def follow(self, owner: Owner, job: int) -> None:
        """Begin to tell of a job; 0 is one that has been dropped already."""
        if not job:
            try:
                self._tell(self._final)
            finally:
                self._close()
            return
        self._job = job
        self._owner = owner
        owner.feeders.add(self)
        try:
            self._thread = Thread("gopool-progress", self._run)
        except BaseException:
            owner.feeders.discard(self)
            raise

    def note(self, job: int) -> None:
        """Take down how far a job is that will be dropped. Called in any thread at any time."""
        state = _core.native.bridge_Progress(job)
        if state >= 0:
            self._final = state >> 1

    def stop(self) -> None:
        """Tell for the last time. Blocks until that is done."""
        with suppress(RuntimeError):  # it was stopped before
            self._wanted.release()
        self.join()

    def drop(self) -> None:
        """Tell no more: the call has failed, perhaps before `follow`, or in it."""
        self.stop()
        self._close()

    def check(self) -> None:
        """Raise what telling has raised, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def join(self) -> None:
        """Block until nothing more is told."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._look(self._wanted.acquire(timeout=INTERVAL)):
                pass
        except BaseException as error:  # the user's
            self._error = error
        finally:
            try:
                self._close()
            finally:  # last: who joins the pool does not wait for it any more
                self._owner.feeders.discard(self)

    def _look(self, last: bool) -> bool:
        """Tell how far it is, if that is news, and tell whether there may be more."""
        state = _core.native.bridge_Progress(self._job)
        done, ended = (self._final, True) if state < 0 else divmod(state, 2)
        if done != self._told:
            self._told = done
            self._tell(done)
        return not ended and not last


def _bar_class() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: pip install 'gopool[progress]'"
        ) from error
    return tqdm


class FollowedMapResult(MapResult[R]):
    """A result of `map_async` whose progress is told."""

    def __init__(
        self,
        pool: Pool,
        func: Callable[..., object],
        length: int,
        callback: Callable[[list[Any]], object] | None,
        error_callback: Callable[[BaseException], object] | None,
        options: Options,
    ) -> None:
        self._progress = Progress(options.progress, length)
        self._getter = 0  # the thread that may be told of errors
        super().__init__(pool, func, length, callback, error_callback, options)

    def follow(self, owner: Owner) -> None:
        """Begin to tell, once the job is there."""
        self._progress.follow(owner, self._job)

    def unfollow(self) -> None:
        """Tell no more: the caller will never have the result."""
        self._progress.drop()

    def get(self, timeout: float | None = None) -> list[R]:
        self._getter = threading.get_ident()
        try:
            value = super().get(timeout)
        except TimeoutError:
            raise
        except BaseException:
            self._progress.stop()
            raise
        finally:
            self._getter = 0
        self._progress.check()
        return value

    def _wait_for(self, want: int, timeout: float | None) -> bool:
        deadline = deadline_after(timeout)
        while True:
            if self._getter == threading.get_ident():
                self._progress.check()
            left = left_until(deadline, INTERVAL)
            if super()._wait_for(want, left):
                return True
            if left < INTERVAL:
                return False

    def _collect(self, timeout: float | None) -> bool:
        is_complete = super()._collect(timeout)
        if is_complete:
            self._progress.stop()
        return is_complete

    def _forget(self) -> None:
        self._progress.note(self._job)
        super()._forget()


class FollowedIMapIterator(IMapIterator[R]):
    """An iterator of `imap` whose progress is told."""

    def __init__(
        self, pool: Pool, func: Callable[..., object], options: Options, total: int | None
    ) -> None:
        self._progress = Progress(options.progress, total)
        super().__init__(pool, func, options)

    def follow(self, owner: Owner) -> None:
        """Begin to tell, once the job is there."""
        self._progress.follow(owner, 0 if self._over else self._feed.job)

    def unfollow(self) -> None:
        """Tell no more: the caller will never have the iterator."""
        self._progress.drop()

    def _fetch(self, timeout: float | None) -> Any:
        self._progress.check()
        try:
            return super()._fetch(timeout)
        except StopIteration:
            self._progress.stop()
            self._progress.check()
            raise

    def _drop(self) -> None:
        self._progress.note(self._feed.job)
        super()._drop()


class FollowedIMapUnorderedIterator(FollowedIMapIterator[R], IMapUnorderedIterator[R]):
    """An iterator of `imap_unordered` whose progress is told."""


#: What an iterator is of whose class this is, and whose progress is told.
_FOLLOWED: dict[type[IMapIterator[Any]], type[FollowedIMapIterator[Any]]] = {
    IMapIterator: FollowedIMapIterator,
    IMapUnorderedIterator: FollowedIMapUnorderedIterator,
}

IteratorT = TypeVar("IteratorT", bound=IMapIterator[Any])


def start_followed(
    cls: type[IteratorT],
    pool: Pool,
    func: Callable[..., object],
    options: Options,
    iterable: Iterable[Any],
    chunksize: int,
    buffersize: int | None,
) -> IteratorT:
    """Do what `imap` does where progress is told: return an iterator of a subclass."""
    total = len(iterable) if isinstance(iterable, Sized) else None
    iterator = _FOLLOWED[cls](pool, func, options, total)
    try:
        owner = pool._owner(func)
        start_imap(iterator, owner, iterable, chunksize, buffersize)
        iterator.follow(owner)
    except BaseException:
        iterator.unfollow()
        raise
    return cast(IteratorT, iterator)
