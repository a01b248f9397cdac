"""The three start methods, and what workers share through ``initargs``."""

from __future__ import annotations

import functools
import multiprocessing
from multiprocessing.context import BaseContext

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Ledger, Mailbox
from support.processes import still_running, workers_at_work

PREFIX = {
    "fork": "ForkPoolWorker",
    "forkserver": "ForkServerPoolWorker",
    "spawn": "SpawnPoolWorker",
}


def test_a_context_is_obeyed(Pool: PoolClass, context: BaseContext) -> None:
    """Workers are started by its method, as their names tell."""
    with Pool(1, context=context) as pool:
        name = pool.apply(tasks.process_name)
        assert name.rstrip("0123456789") == f"{PREFIX[context.get_start_method()]}-"


def test_without_a_context_the_default_start_method_is_used(Pool: PoolClass) -> None:
    """It is whatever ``multiprocessing`` says."""
    with Pool(1) as pool:
        prefix = PREFIX[multiprocessing.get_start_method()]
        assert pool.apply(tasks.process_name).startswith(f"{prefix}-")


def test_the_default_start_method_can_be_set(Pool: PoolClass, context: BaseContext) -> None:
    """It counts when the pool is made."""
    method, before = context.get_start_method(), multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        with Pool(1) as pool:
            assert pool.apply(tasks.process_name).startswith(f"{PREFIX[method]}-")
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_maps_and_errors_work_with_every_start_method(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate
) -> None:
    """All workers take part, results are in order, and exceptions come back."""
    with Pool(2, context=context) as pool:
        assert len(workers_at_work(pool, mailbox, gate, 2)) == 2
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
        with pytest.raises(ValueError, match="value 3"):
            pool.map(tasks.fail_at_three, range(10))
        assert pool.map(tasks.identity, [bytes(1 << 20)] * 3) == [bytes(1 << 20)] * 3


def test_close_and_join_work_with_every_start_method(
    Pool: PoolClass, context: BaseContext, ledger: Ledger
) -> None:
    """Outstanding work ends, and so do the workers."""
    pool = Pool(2, context=context)
    pool.map_async(functools.partial(tasks.note, ledger), range(100), 1)
    pool.close()
    pool.join()
    assert ledger.numbers() == list(range(100))


def test_terminate_works_with_every_start_method(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate
) -> None:
    """A held task ends with its worker."""
    with Pool(2, context=context) as pool:
        pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(9)], 1)
        pids = mailbox.receive_pids(2)
    assert still_running(pids) == []


def test_maxtasksperchild_works_with_every_start_method(
    Pool: PoolClass, context: BaseContext
) -> None:
    """Replacements are started by the same method."""
    with Pool(1, maxtasksperchild=2, context=context) as pool:
        assert len(set(pool.map(tasks.process_name, range(4), 1))) == 2
        assert pool.apply(tasks.process_name).startswith(PREFIX[context.get_start_method()])


def test_a_value_is_shared_through_initargs(Pool: PoolClass, context: BaseContext) -> None:
    """All workers add to the caller's value."""
    value = context.Value("i", 0)
    with Pool(2, tasks.keep, (value,), context=context) as pool:
        pool.map(tasks.add_to_shared_value, range(101))
    assert value.value == 5050


def test_a_lock_and_a_queue_are_shared_through_initargs(
    Pool: PoolClass, context: BaseContext
) -> None:
    """They are those of the caller."""
    lock = context.Lock()
    queue = context.SimpleQueue()
    try:
        with Pool(2, tasks.keep, (lock, queue), context=context) as pool:
            with lock:
                result = pool.map_async(tasks.take_lock_and_put, range(20), 1)
                assert queue.empty()
            result.get()
            assert sorted(queue.get() for _ in range(20)) == list(range(20))
    finally:
        queue.close()


def test_an_event_is_shared_through_initargs(Pool: PoolClass, context: BaseContext) -> None:
    """Tasks in all workers wait for the caller's event."""
    arrivals = context.Semaphore(0)
    event = context.Event()
    with Pool(2, tasks.keep, (arrivals, event), context=context) as pool:
        result = pool.map_async(tasks.wait_for_shared_event, range(2), 1)
        assert arrivals.acquire(timeout=20)
        assert arrivals.acquire(timeout=20)
        assert not result.ready()
        event.set()
        assert result.get() == [True, True]


def test_a_lock_cannot_travel_as_an_argument(Pool: PoolClass, context: BaseContext) -> None:
    """Locks go through ``initargs`` only; the error says so."""
    with Pool(1, context=context) as pool:
        with pytest.raises(RuntimeError, match="through inheritance"):
            pool.apply(tasks.identity, (context.Lock(),))
        assert pool.apply(tasks.square, (3,)) == 9


def test_pools_of_different_start_methods_live_side_by_side(Pool: PoolClass) -> None:
    """Each keeps to its own."""
    with (
        Pool(1, context=multiprocessing.get_context("fork")) as first,
        Pool(1, context=multiprocessing.get_context("spawn")) as second,
    ):
        assert first.apply(tasks.process_name).startswith("ForkPoolWorker")
        assert second.apply(tasks.process_name).startswith("SpawnPoolWorker")
