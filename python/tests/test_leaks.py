"""Nothing is left over, exactly and at once, by whatever a pool went through."""

from __future__ import annotations

import functools
import gc
import multiprocessing
import signal
import time
import warnings
from collections.abc import Callable
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from support import PoolClass, deaths, hostile, leaks, tasks
from support.latches import Gate, Mailbox

import gopool

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing leaves descriptors to the garbage collector"),
]


def use(pool: Any) -> None:
    """Do a bit of everything."""
    assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
    assert pool.apply(tasks.identity, (bytes(3 << 20),)) == bytes(3 << 20)
    pool.apply_async(tasks.square, (3,), callback=lambda _: None).get()
    with pytest.raises(ValueError):
        pool.map(tasks.fail_at_three, range(10))


def test_nothing_is_left_right_after_with(Pool: PoolClass, context: BaseContext) -> None:
    """No grace period and no collection of garbage, for every start method."""
    with Pool(1, context=context) as pool:
        use(pool)
    del pool
    gc.disable()
    try:
        before = leaks.take_snapshot()
        with Pool(2, context=context) as pool:
            use(pool)
        assert threads_and_processes(before) == []
        assert left_at_once(before) == []
    finally:
        gc.enable()


def threads_and_processes(before: leaks.Snapshot) -> list[str]:
    """Compare without a collection of garbage, which only memory may need."""
    after = leaks.Snapshot(leaks._processes(), leaks._threads(), {}, {})
    return leaks.leaks(before, after)


def left_at_once(before: leaks.Snapshot) -> list[str]:
    """Compare without a grace period, and without names in /dev/shm: other programs make them."""
    found = leaks.leaks_since(before, grace=0)
    return [line for line in found if not line.startswith("shared_memory: /dev/shm/")]


def test_nothing_is_left_right_after_close_and_join(Pool: PoolClass) -> None:
    """The same for the polite way."""
    before = leaks.take_snapshot()
    pool = Pool(2)
    use(pool)
    pool.close()
    pool.join()
    assert threads_and_processes(before) == []
    assert left_at_once(before) == []


def test_a_pool_that_failed_to_start_leaves_nothing(Pool: PoolClass) -> None:
    """Refused arguments and initializers that fail."""
    before = leaks.take_snapshot()
    for bad in ({"processes": 0}, {"initializer": 3}, {"maxtasksperchild": 0}):
        arguments: dict[str, Any] = bad
        with pytest.raises((TypeError, ValueError)):
            Pool(**arguments)
    with pytest.raises(gopool.BrokenPoolError):
        with Pool(1, deaths.initialize_badly) as pool:
            pool.map(tasks.square, range(10))
    assert threads_and_processes(before) == []


def test_a_failing_start_of_a_worker_leaves_nothing(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of three workers cannot start: the error is raised, the first one ends."""
    context = multiprocessing.get_context("fork")
    real_start = context.Process._Popen
    started: list[BaseProcess] = []

    def start(process: BaseProcess) -> object:
        if started:
            raise BlockingIOError("no more processes")
        started.append(process)
        return real_start(process)

    before = leaks.take_snapshot()
    monkeypatch.setattr(context.Process, "_Popen", staticmethod(start))
    with pytest.raises(BlockingIOError, match="no more processes"):
        Pool(3, context=context)
    monkeypatch.undo()
    started.clear()
    assert leaks.leaks_since(before) == []


def grows_by_more_than(limit: int, before: leaks.Snapshot) -> bool:
    """Tell whether a living pool still holds more than before, once old workers have gone."""
    deadline = time.monotonic() + leaks.GRACE
    while max(leaks.growth(before, leaks.take_snapshot()).values()) > limit:
        if time.monotonic() > deadline:
            return True
        time.sleep(0.02)
    return False


def test_dead_and_replaced_workers_leave_nothing(Pool: PoolClass) -> None:
    """Sockets and shared memory of workers that are gone go as well, while the pool lives."""
    with Pool(2) as pool:
        with pytest.raises(gopool.WorkerLostError):
            pool.apply(deaths.die_by, (signal.SIGKILL,))
        pool.map(tasks.square, range(100), 1)
        before = leaks.take_snapshot()
        for _ in range(20):
            with pytest.raises(gopool.WorkerLostError):
                pool.apply(deaths.die_by, (signal.SIGKILL,))
        pool.map(tasks.square, range(100), 1)
        assert not grows_by_more_than(12, before)


def test_workers_that_retire_leave_nothing(Pool: PoolClass) -> None:
    """The same for replacements by maxtasksperchild."""
    with Pool(1, maxtasksperchild=1) as pool:
        pool.map(tasks.square, range(3), 1)
        before = leaks.take_snapshot()
        pool.map(tasks.square, range(40), 1)
        assert not grows_by_more_than(12, before)


def test_undone_work_leaves_nothing(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Arguments and results of all sizes that were on their way."""
    before = leaks.take_snapshot()
    with Pool(2) as pool:
        pool.starmap_async(tasks.arrive, [(mailbox, gate, 1)] * 4, 1)
        results = [pool.apply_async(tasks.length, (bytes(1 << 22),)) for _ in range(10)]
        more = pool.map_async(tasks.zeros, [1 << 22] * 10, 1)
        mailbox.receive(2)
    del results, more
    assert leaks.leaks_since(before) == []


def test_dropped_pools_leave_nothing(Pool: PoolClass) -> None:
    """Neither closed nor terminated, with work outstanding."""
    before = leaks.take_snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(3):
            pool = Pool(1)
            pool.map_async(tasks.square, range(1000))
            del pool
            gc.collect()
        assert leaks.leaks_since(before) == []


def test_results_kept_after_the_end_leave_nothing_else(Pool: PoolClass) -> None:
    """An AsyncResult that outlives its pool keeps no descriptor and no memory mapped."""
    before = leaks.take_snapshot()
    with Pool(1) as pool:
        results = [pool.apply_async(tasks.zeros, (30_000,)) for _ in range(5)]
        for result in results:
            result.wait()
    del pool
    assert leaks.leaks_since(before) == []
    assert [len(result.get()) for result in results] == [30_000] * 5


def test_large_results_kept_after_the_end_keep_their_memory(Pool: PoolClass) -> None:
    """A descriptor of it, and the head of it mapped, until they have been read or dropped."""
    before = leaks.take_snapshot()
    for read in (True, False):
        with Pool(1) as pool:
            results = [pool.apply_async(tasks.zeros, (1 << 20,)) for _ in range(5)]
            for result in results:
                result.wait()
        kinds = [line.split(":")[0] for line in left_at_once(before)]
        assert kinds == ["descriptors", "shared_memory"]
        if read:
            assert [len(result.get()) for result in results] == [1 << 20] * 5
        else:
            del result, results
        del pool
        assert leaks.leaks_since(before) == []


def test_hostile_objects_leave_nothing(Pool: PoolClass) -> None:
    """Failures on the way do not keep what was on the way."""
    before = leaks.take_snapshot()
    with Pool(1) as pool:
        calls: list[Callable[[], object]] = [
            functools.partial(pool.apply, hostile.return_a_lock),
            functools.partial(pool.apply, hostile.return_what_refuses_rebuilding),
            functools.partial(pool.apply, tasks.identity, (hostile.RefusesToBeRebuilt(),)),
            functools.partial(pool.apply, tasks.identity, (hostile.KillsWhoRebuildsIt(7),)),
        ]
        for call in calls:
            with pytest.raises(Exception):  # noqa: B017
                call()
    del pool, calls, call
    assert leaks.leaks_since(before) == []


def test_memory_does_not_grow(Pool: PoolClass, tmp_path: Path) -> None:
    """A thousand large results that were fetched, dropped or failed are given back."""
    import psutil

    process = psutil.Process()
    with Pool(1) as pool:

        def round_trip() -> None:
            for _ in range(20):
                pool.apply(tasks.identity, (bytes(1 << 20),))
                pool.apply_async(tasks.zeros, (1 << 20,))
            pool.apply(tasks.nothing)

        round_trip()
        gc.collect()
        before = process.memory_info().rss
        for _ in range(20):
            round_trip()
        gc.collect()
        assert process.memory_info().rss - before < 200 << 20
