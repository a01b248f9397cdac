"""``gopool.get_context``: the contexts of ``multiprocessing``, with gopool's pool."""

from __future__ import annotations

import multiprocessing
import pickle

import pytest
from conftest import START_METHODS
from support import PoolClass, tasks

import gopool

pytestmark = [
    pytest.mark.gopool_only("these contexts are gopool's"),
    pytest.mark.parametrize("method", START_METHODS),
]


def test_its_pool_is_gopools(method: str) -> None:
    """The workers are started by its method, and the arguments arrive."""
    context = gopool.get_context(method)
    with context.Pool(1, tasks.keep, (3,), maxtasksperchild=2) as pool:
        assert type(pool) is gopool.Pool
        names = pool.map(tasks.process_name, range(4), 1)
        prefix = {"fork": "Fork", "spawn": "Spawn", "forkserver": "ForkServer"}[method]
        assert all(name.startswith(f"{prefix}PoolWorker-") for name in names)
        assert len(set(names)) == 2
        assert pool.apply(tasks.kept) == (3,)


def test_pools_take_it(Pool: PoolClass, method: str) -> None:
    """It is a context like any other."""
    with Pool(1, context=gopool.get_context(method)) as pool:
        assert pool.apply(tasks.square, (3,)) == 9


def test_it_is_a_context_of_multiprocessing(method: str) -> None:
    """Of the same type as the one that it stands in for."""
    context = gopool.get_context(method)
    standard = multiprocessing.get_context(method)
    assert isinstance(context, type(standard))
    assert context.get_start_method() == method
    assert context.Process is standard.Process  # type: ignore[attr-defined]
    assert set(dir(context)) == set(dir(standard))
    with pytest.raises(ValueError):
        context.set_start_method("fork")


def test_what_else_it_makes_works(method: str) -> None:
    """Processes, locks and queues."""
    context = gopool.get_context(method)
    lock, queue = context.Lock(), context.SimpleQueue()
    try:
        with lock:
            process = context.Process(  # type: ignore[attr-defined]
                target=tasks.put_under_lock, args=(lock, queue, 3)
            )
            process.start()
            assert queue.empty()
        assert queue.get() == 3
        process.join()
        process.close()
    finally:
        queue.close()


def test_there_is_one_for_each_method(method: str) -> None:
    """Asked for again, by whatever way, it is the same."""
    context = gopool.get_context(method)
    assert gopool.get_context(method) is context
    assert context.get_context() is context
    for other in START_METHODS:
        assert context.get_context(other) is gopool.get_context(other)


def test_it_can_be_pickled(method: str) -> None:
    """As those of multiprocessing can."""
    copy = pickle.loads(pickle.dumps(gopool.get_context(method)))
    assert type(copy) is type(gopool.get_context(method))


def test_by_default_it_is_that_of_the_default_method(method: str) -> None:
    """Which the program may choose."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        assert gopool.get_context() is gopool.get_context(method)
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_a_method_that_does_not_exist(method: str) -> None:
    """The error is that of multiprocessing, whoever is asked."""
    with pytest.raises(ValueError, match="cannot find context for 'thread'"):
        gopool.get_context("thread")
    with pytest.raises(ValueError, match="cannot find context for 'thread'"):
        gopool.get_context(method).get_context("thread")
