"""Objects that do not survive the journey: each is an exception in the caller, and no more."""

from __future__ import annotations

import contextlib
import functools
import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool as AnyPool
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from support import MaybeEncodingError, PoolClass, hostile, tasks
from support.latches import Ledger

NOT_PICKLABLE: dict[str, Any] = {
    "lock": threading.Lock(),
    "generator": (n for n in range(3)),
    "refusal": hostile.RefusesToBePickled(),
}


@contextmanager
def a_pool_that_goes_on(Pool: PoolClass) -> Iterator[AnyPool]:
    """Give a pool with one worker; in the end, check that it is that worker and that it works."""
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        yield pool
        assert pool.map(tasks.square, range(5), 2) == [0, 1, 4, 9, 16]
        assert pool.apply(tasks.pid) == pid


@pytest.mark.parametrize("name", NOT_PICKLABLE)
def test_an_argument_that_cannot_be_pickled(Pool: PoolClass, name: str) -> None:
    """The error is the pickler's own; submitting does not raise, asking for the result does."""
    argument = NOT_PICKLABLE[name]
    with pytest.raises(Exception) as expected:
        ForkingPickler.dumps(argument)
    with a_pool_that_goes_on(Pool) as pool:
        for result in (
            pool.apply_async(tasks.identity, (argument,)),
            pool.apply_async(tasks.identity, (), {"value": argument}),
            pool.map_async(tasks.identity, [argument]),
            pool.starmap_async(tasks.identity, [(argument,)]),
        ):
            with pytest.raises(type(expected.value)) as raised:
                result.get()
            assert str(raised.value) == str(expected.value)


def test_a_function_that_cannot_be_pickled(Pool: PoolClass) -> None:
    """The same for functions that hold what cannot be: to send them by value does not do either."""
    lock = threading.Lock()

    def inner(value: object) -> object:
        return lock, value

    functions: list[Any] = [lambda value: (lock, value), inner, functools.partial(inner, 1)]
    with a_pool_that_goes_on(Pool) as pool:
        for function in functions:
            with pytest.raises(Exception) as expected:
                ForkingPickler.dumps(function)
            for result in (
                pool.apply_async(function, (1,)),
                pool.map_async(function, range(3)),
            ):
                with pytest.raises(type(expected.value)):
                    result.get()


def test_a_function_whose_name_is_given_to_another(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not sent by its name any more, also if it was before: by value, or not at all."""
    square = tasks.square
    with a_pool_that_goes_on(Pool) as pool:
        assert pool.apply(square, (3,)) == 9
        with monkeypatch.context() as patch:
            patch.setattr(tasks, "square", tasks.pid)
            with contextlib.suppress(pickle.PicklingError):
                assert pool.apply(square, (3,)) == 9
        assert pool.apply(square, (3,)) == 9


def test_the_neighbours_of_a_bad_argument_are_run(Pool: PoolClass, ledger: Ledger) -> None:
    """One argument in the middle that cannot be pickled does not keep the others from running."""
    items: list[Any] = [*range(5), threading.Lock(), *range(5, 10)]
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(TypeError, match="cannot pickle"):
            pool.map(functools.partial(tasks.note, ledger), items, 1)
    assert ledger.numbers() == list(range(10))


@pytest.mark.parametrize(
    "function",
    [hostile.return_a_lock, hostile.return_a_lambda, hostile.return_what_refuses_pickling],
    ids=lambda function: function.__name__,
)
def test_a_result_that_cannot_be_pickled(Pool: PoolClass, function: Any) -> None:
    """MaybeEncodingError names the value and the reason."""
    with a_pool_that_goes_on(Pool) as pool:
        for result in (pool.apply_async(function), pool.map_async(function, range(3))):
            with pytest.raises(MaybeEncodingError, match="Error sending result"):
                result.get()


@pytest.mark.gopool_only("the worker of multiprocessing dies, and the caller waits for ever")
@pytest.mark.parametrize(
    "function",
    [
        hostile.return_what_is_deep,
        hostile.raise_what_is_deep,
        hostile.return_what_has_no_representation,
    ],
)
def test_what_can_neither_be_pickled_nor_shown(Pool: PoolClass, function: Any) -> None:
    """The caller is told, and the worker lives."""
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(MaybeEncodingError, match=r"object at.*(recursion|no pickle)"):
            pool.apply(function)


def test_an_argument_that_is_very_deep(Pool: PoolClass) -> None:
    """The caller is told, and what is less deep arrives."""
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(RecursionError):
            pool.apply(tasks.identity, (hostile.return_what_is_deep(),))
        deep = hostile.return_what_is_deep(100)
        assert pool.apply(tasks.identity, (deep,)) == deep


def test_the_neighbours_of_a_bad_result_arrive(Pool: PoolClass) -> None:
    """Only the task whose result cannot be pickled fails."""
    with a_pool_that_goes_on(Pool) as pool:
        results = [pool.apply_async(hostile.return_a_lock_at, (5, n)) for n in range(10)]
        for number, result in enumerate(results):
            if number == 5:
                with pytest.raises(MaybeEncodingError, match="lock"):
                    result.get()
            else:
                assert result.get() == number


def test_an_exception_that_cannot_be_pickled(Pool: PoolClass) -> None:
    """MaybeEncodingError takes its place and names the reason."""
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(MaybeEncodingError, match=r"cannot pickle '_thread.lock' object"):
            pool.apply(hostile.raise_with_a_lock)


@pytest.mark.gopool_only("multiprocessing shows the repr of its own wrapper instead")
def test_an_exception_that_cannot_be_pickled_is_shown(Pool: PoolClass) -> None:
    """The message tells what the function raised."""
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(MaybeEncodingError, match=r"HoldsALock.*holds a lock"):
            pool.apply(hostile.raise_with_a_lock)


@pytest.mark.gopool_only("multiprocessing's result thread dies of it, and the caller hangs")
def test_an_exception_that_cannot_be_unpickled(Pool: PoolClass) -> None:
    """The caller learns what was raised, though not as itself."""
    with a_pool_that_goes_on(Pool) as pool:
        for result in (
            pool.apply_async(hostile.raise_with_forgotten_arguments),
            pool.map_async(hostile.raise_with_forgotten_arguments, range(3)),
        ):
            with pytest.raises(Exception, match="NeedsTwoArguments"):
                result.get()


@pytest.mark.gopool_only("multiprocessing's result thread dies of it, and the caller hangs")
def test_a_result_that_cannot_be_unpickled(Pool: PoolClass) -> None:
    """The error is raised where the result is asked for, also the second time."""
    with a_pool_that_goes_on(Pool) as pool:
        for result in (
            pool.apply_async(hostile.return_what_refuses_rebuilding),
            pool.map_async(hostile.return_what_refuses_rebuilding, range(3)),
        ):
            for _ in range(2):
                with pytest.raises(Exception, match="refuses to be rebuilt"):
                    result.get()
            assert not result.successful()


@pytest.mark.gopool_only("multiprocessing's result thread dies of it, and the caller hangs")
def test_the_neighbours_of_a_result_that_cannot_be_unpickled_arrive(Pool: PoolClass) -> None:
    """Only that one fails."""
    with a_pool_that_goes_on(Pool) as pool:
        results = [pool.apply_async(hostile.refuse_rebuilding_at, (5, n)) for n in range(10)]
        with pytest.raises(Exception, match="refuses to be rebuilt"):
            results.pop(5).get()
        assert [result.get() for result in results] == [0, 1, 2, 3, 4, 6, 7, 8, 9]


@pytest.mark.gopool_only("multiprocessing loses the worker and the task, and the caller hangs")
def test_an_argument_that_cannot_be_unpickled(Pool: PoolClass, ledger: Ledger) -> None:
    """The error comes back like one of the function; the neighbours are run once."""
    items: list[Any] = [*range(5), hostile.RefusesToBeRebuilt(), *range(5, 10)]
    with a_pool_that_goes_on(Pool) as pool:
        with pytest.raises(Exception, match="refuses to be rebuilt"):
            pool.apply(tasks.identity, (hostile.RefusesToBeRebuilt(),))
        with pytest.raises(Exception, match="refuses to be rebuilt"):
            pool.map(functools.partial(tasks.note, ledger), items, 1)
    assert ledger.numbers() == list(range(10))


@pytest.mark.gopool_only("multiprocessing loses the worker and the task, and the caller hangs")
def test_a_function_that_the_worker_cannot_import(Pool: PoolClass) -> None:
    """ImportError or AttributeError, as an import statement would raise in the worker."""
    with a_pool_that_goes_on(Pool) as pool:
        for result in (
            pool.apply_async(hostile.NamesAMissingModule()),
            pool.map_async(hostile.NamesAMissingModule(), range(3), 1),
        ):
            with pytest.raises((ImportError, AttributeError), match="a_module_that_is_nowhere"):
                result.get()


@pytest.mark.gopool_only("multiprocessing loses the worker and the task, and the caller hangs")
def test_a_function_defined_after_the_workers_started(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an interactive user meets: only the caller's module has the function."""

    def late(value: int) -> int:
        return value

    with a_pool_that_goes_on(Pool) as pool:
        late.__module__, late.__qualname__ = tasks.__name__, "late"
        monkeypatch.setattr(tasks, "late", late, raising=False)
        with pytest.raises(AttributeError, match="late"):
            pool.map(late, [1, 2])


@pytest.mark.gopool_only("multiprocessing waits for the chunks that never come")
def test_a_collection_that_fails_while_it_is_iterated(Pool: PoolClass) -> None:
    """The exception of its iterator is raised, at the latest with the result."""
    with a_pool_that_goes_on(Pool) as pool:
        items: Any = hostile.LiesAboutItsLength()
        with pytest.raises(KeyError, match="second item"):
            pool.map(tasks.identity, items, 1)
