"""What Go holds for Python is given back: no handle is left by whatever went wrong."""

from __future__ import annotations

import contextlib
import functools
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import PoolClass, hostile, tasks
from support.latches import DEADLINE

import gopool
from gopool import _core, _exchange

pytestmark = pytest.mark.gopool_only("multiprocessing has no handles")


def handles() -> int:
    """Return how many there are, without those of memory that is kept for the next call."""
    return _core.native.bridge_Handles() - len(_exchange._free)


@pytest.fixture
def pool(Pool: PoolClass) -> Iterator[Any]:
    """A pool that leaves no handle, whether it lives or has ended."""
    outside = handles()
    with Pool(2) as pool:
        pool.map(tasks.square, range(10))
        inside = handles()
        yield pool
        pool.apply(tasks.nothing)
        gc.collect()
        assert handles() == inside
        pool.close()
        pool.join()
    assert handles() == outside


def nobody(_: object) -> None:
    return None


UNSENDABLE = [threading.Lock(), threading.Lock().acquire, hostile.RefusesToBePickled()]


@pytest.mark.parametrize("chunksize", [None, 1, 3])
@pytest.mark.parametrize("callback", [None, nobody], ids=["alone", "callback"])
def test_items_none_of_which_can_be_pickled(
    pool: Any, chunksize: int | None, callback: Callable[[object], None] | None
) -> None:
    """A map that has nothing to submit ends with the error of its first item."""
    for item in UNSENDABLE:
        for _ in range(20):
            with pytest.raises(Exception, match=r"pickle"):
                pool.map_async(
                    tasks.identity, [item] * 3, chunksize, callback, error_callback=callback
                ).get()


def test_items_some_of_which_can_be_pickled(pool: Any) -> None:
    """The others are run, and the error is that of the first that cannot."""
    for _ in range(20):
        with pytest.raises(ValueError, match="refuses to be pickled"):
            pool.map(tasks.identity, [1, hostile.RefusesToBePickled(), 3, threading.Lock()], 1)


def test_functions_and_arguments_that_cannot_be_pickled(pool: Any) -> None:
    """No job is left for a call that was never sent."""
    calls: list[Callable[[], object]] = [
        functools.partial(pool.apply, UNSENDABLE[1]),
        functools.partial(pool.map, UNSENDABLE[1], range(3)),
        functools.partial(pool.apply, tasks.identity, (UNSENDABLE[0],)),
        functools.partial(pool.starmap, tasks.identity, [(UNSENDABLE[0],)]),
    ]
    for call in calls * 10:
        with pytest.raises(Exception, match=r"pickle"):
            call()


def test_iterables_that_fail(pool: Any) -> None:
    """An iteration that raises in the caller leaves no job behind."""
    for _ in range(20):
        with pytest.raises(KeyError, match="second item"):
            pool.map(tasks.identity, hostile.LiesAboutItsLength())
    assert pool.map(tasks.identity, []) == []


def test_results_that_nobody_asks_for(pool: Any) -> None:
    """Dropped before or after their tasks have run, with callbacks and without."""
    calls = threading.Semaphore(0)
    for callback in (None, lambda _: calls.release()):
        for _ in range(20):
            pool.apply_async(tasks.square, (2,), callback=callback).wait()
            pool.map_async(tasks.square, range(5), callback=callback)
    for _ in range(40):  # a job has no handle any more when its callback is called
        assert calls.acquire(timeout=DEADLINE)


def test_calls_that_are_refused(Pool: PoolClass) -> None:
    """A closed pool takes no job, and keeps none."""
    before = handles()
    pool = Pool(1)
    pool.close()
    for method in (pool.apply_async, pool.apply):
        with pytest.raises(ValueError, match="Pool not running"):
            method(tasks.square, (2,))
    pool.join()
    del pool, method
    gc.collect()
    assert handles() == before


def test_results_of_workers_that_died(pool: Any) -> None:
    """A WorkerLostError is a result like any other."""
    for _ in range(5):
        with pytest.raises(gopool.WorkerLostError):
            pool.apply(hostile.KillsWhoRebuildsIt(7))


def failing() -> Iterator[Any]:
    yield from range(40)
    raise KeyError("from the generator")


def exhaust(results: Iterator[Any]) -> None:
    """Take all there is, and whatever is raised between."""
    while True:
        try:
            next(results)
        except StopIteration:
            return
        except Exception:
            continue


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
@pytest.mark.parametrize("take", [lambda _: None, next, exhaust], ids=["dropped", "one", "all"])
def test_iterators(Pool: PoolClass, method: str, take: Callable[[Any], object]) -> None:
    """At their end or dropped, fed by the caller or by a thread, whatever was raised."""
    outside = handles()
    with Pool(2) as pool:
        start = getattr(pool, method)
        for items in ([1, 2], range(200), UNSENDABLE, range(0)):
            for source in (items, iter(items)):
                with contextlib.suppress(StopIteration, Exception):
                    take(start(tasks.identity, source))
        take(start(tasks.identity, failing(), buffersize=3))
        with contextlib.suppress(Exception):
            take(start(lambda n: n, [1]))
        for wrong in ((tasks.identity, 5), (tasks.identity, [1], 0), (tasks.identity, [1], 1.5)):
            with pytest.raises((TypeError, ValueError)):
                start(*wrong)
        pool.close()
        pool.join()
        gc.collect()
    assert handles() == outside
