"""Arguments that make no sense are refused by type, where they are given."""

from __future__ import annotations

from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox
from support.processes import child_pids


@pytest.mark.parametrize("processes", [0, -1, -100])
def test_a_pool_needs_a_worker(Pool: PoolClass, processes: int) -> None:
    """Fewer than one is a ValueError."""
    with pytest.raises(ValueError, match=r"^Number of processes must be at least 1$"):
        Pool(processes)


@pytest.mark.parametrize("processes", ["3", 2.5, [2], object()], ids=type)
def test_the_number_of_workers_is_an_integer(Pool: PoolClass, processes: Any) -> None:
    """Anything else is a TypeError."""
    with pytest.raises(TypeError):
        Pool(processes)


@pytest.mark.parametrize("initializer", [3, "name", ()], ids=repr)
def test_the_initializer_is_callable(Pool: PoolClass, initializer: Any) -> None:
    """Anything else is a TypeError, here and not in a worker."""
    with pytest.raises(TypeError, match=r"^initializer must be a callable$"):
        Pool(1, initializer)


@pytest.mark.parametrize("maximum", [0, -1, "1", 1.5], ids=repr)
def test_maxtasksperchild_is_a_positive_integer(Pool: PoolClass, maximum: Any) -> None:
    """Anything else is a ValueError, of any type."""
    with pytest.raises(ValueError, match=r"^maxtasksperchild must be a positive int or None$"):
        Pool(1, maxtasksperchild=maximum)


@pytest.mark.gopool_only("multiprocessing raises it too, and then prints an error of its finalizer")
def test_unknown_arguments_are_refused(Pool: PoolClass) -> None:
    """A typing error does not pass silently."""
    arguments: dict[str, Any] = {"process": 2}
    with pytest.raises(TypeError, match=r"process"):
        Pool(**arguments)


def test_a_refused_pool_leaves_nothing_running(Pool: PoolClass) -> None:
    """No worker is started for a pool that there is not."""
    before = child_pids()
    arguments: list[dict[str, Any]] = [
        {"processes": 0},
        {"initializer": 3},
        {"maxtasksperchild": 0},
    ]
    for bad in arguments:
        with pytest.raises((TypeError, ValueError)):
            Pool(**bad)
    assert child_pids() == before


@pytest.mark.parametrize("iterable", [3, None, object()], ids=type)
def test_map_needs_an_iterable(Pool: PoolClass, iterable: Any) -> None:
    """Anything else is a TypeError in the caller, and the pool goes on."""
    with Pool(1) as pool:
        for method in (pool.map, pool.map_async, pool.starmap, pool.starmap_async):
            with pytest.raises(TypeError, match=r"not iterable"):
                method(tasks.identity, iterable)
        assert pool.map(tasks.square, [3]) == [9]


def test_starmap_needs_iterables_inside(Pool: PoolClass) -> None:
    """The error comes back with the result."""
    with Pool(1) as pool:
        items: list[Any] = [(1, 2), 3]
        with pytest.raises(TypeError):
            pool.starmap(tasks.add, items)
        assert pool.starmap(tasks.add, [(1, 2)]) == [3]


@pytest.mark.parametrize("function", [None, 3, "name"], ids=repr)
def test_what_cannot_be_called_fails_with_the_result(Pool: PoolClass, function: Any) -> None:
    """Calling it is a TypeError, as it would be without a pool."""
    with Pool(1) as pool:
        with pytest.raises(TypeError, match=r"not callable"):
            pool.apply(function)
        with pytest.raises(TypeError, match=r"not callable"):
            pool.map(function, [1])
        assert pool.map(tasks.square, [3]) == [9]


def test_the_wrong_number_of_arguments_fails_with_the_result(Pool: PoolClass) -> None:
    """The function's own TypeError comes back."""
    with Pool(1) as pool:
        with pytest.raises(TypeError, match=r"positional argument"):
            pool.apply(tasks.square, (1, 2, 3))
        function: Any = tasks.add
        with pytest.raises(TypeError, match=r"missing 1 required positional argument"):
            pool.map(function, [1])
        assert pool.map(tasks.square, [3]) == [9]


@pytest.mark.parametrize(("args", "kwds"), [(3, {}), ((), 3)], ids=repr)
def test_apply_needs_a_sequence_and_a_mapping(Pool: PoolClass, args: Any, kwds: Any) -> None:
    """Anything else is a TypeError, as for ``func(*args, **kwds)``."""
    with Pool(1) as pool:
        with pytest.raises(TypeError):
            pool.apply(tasks.describe, args, kwds)
        assert pool.map(tasks.square, [3]) == [9]


def test_a_timeout_is_a_number(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Anything else is a TypeError while the result is not there."""
    timeout: Any = "soon"
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        for wait in (result.get, result.wait):
            with pytest.raises(TypeError):
                wait(timeout)
        gate.open()
        assert result.get() == 1


def test_chunksize_is_a_number(Pool: PoolClass) -> None:
    """A string is a TypeError, where it is given."""
    chunksize: Any = "2"
    with Pool(1) as pool:
        with pytest.raises(TypeError):
            pool.map(tasks.square, range(5), chunksize)
        assert pool.map(tasks.square, [3]) == [9]


@pytest.mark.gopool_only("multiprocessing returns [None, …] without running anything")
@pytest.mark.parametrize("chunksize", [0, -1])
def test_chunksize_is_at_least_one(Pool: PoolClass, chunksize: int) -> None:
    """Fewer is a ValueError, where it is given."""
    with Pool(1) as pool:
        for method in (pool.map, pool.map_async, pool.starmap, pool.starmap_async):
            with pytest.raises(ValueError, match=r"(?i)chunksize"):
                method(tasks.identity, [(1,), (2,), (3,)], chunksize)
        assert pool.map(tasks.square, [3]) == [9]


@pytest.mark.gopool_only("multiprocessing hangs in get()")
def test_chunksize_is_an_integer(Pool: PoolClass) -> None:
    """A float is a TypeError, where it is given."""
    chunksize: Any = 1.5
    with Pool(1) as pool:
        with pytest.raises(TypeError):
            pool.map(tasks.square, range(5), chunksize)
        assert pool.map(tasks.square, [3]) == [9]


@pytest.mark.gopool_only("multiprocessing starts workers that fail, for ever")
def test_initargs_are_iterable(Pool: PoolClass) -> None:
    """Anything else is a TypeError, here and not in a worker."""
    initargs: Any = 3
    with pytest.raises(TypeError):
        Pool(1, tasks.keep, initargs)
