"""`return_exceptions`: what failed is in the place of its result, and the rest is there as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.latches import Gate

import gopool

METHODS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")


def invert(number: float) -> float:
    return 1 / number


def invert_or_exit(number: float) -> float:
    if number < 0:
        os._exit(3)
    return 1 / number


def results(pool: gopool.Pool, method: str, func: Any, numbers: Any) -> list[Any]:
    """Return all results of a call by one of the methods."""
    items: Any = [(n,) for n in numbers] if method.startswith("starmap") else numbers
    answer = getattr(pool, method)(func, items, 2, return_exceptions=True)
    return list(answer.get() if method.endswith("_async") else answer)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])
def test_a_failure_is_in_its_place(cls: type[gopool.Pool], method: str) -> None:
    with cls(2) as pool:
        found = results(pool, method, invert, [1, 0, 2, 4, 0])
    if method == "imap_unordered":
        found.sort(key=lambda value: -value if isinstance(value, float) else 0)
        found.insert(1, found.pop())
    assert [found[i] for i in (0, 2, 3)] == [1.0, 0.5, 0.25]
    assert [type(found[i]) for i in (1, 4)] == [ZeroDivisionError] * 2
    assert cls is gopool.ThreadPool or "in invert" in str(found[1].__cause__)


@pytest.mark.parametrize("method", METHODS[:-1])
def test_so_is_a_task_that_was_lost_with_its_worker(method: str) -> None:
    with gopool.Pool(2) as pool:
        found = results(pool, method, invert_or_exit, [1, -1, 2, 4])
    assert [found[i] for i in (0, 2, 3)] == [1.0, 0.5, 0.25]
    assert isinstance(found[1], gopool.WorkerLostError)
    assert (found[1].exitcode, found[1].index) == (3, 1)


@pytest.mark.parametrize("method", METHODS[:-1])
def test_and_an_item_that_cannot_be_sent(method: str) -> None:
    with gopool.Pool(1) as pool:
        found = results(pool, method, invert, [1, sys.stdin, 2])
    assert found[::2] == [1.0, 0.5]
    assert isinstance(found[1], TypeError)


def test_the_callback_gets_them() -> None:
    told: list[list[Any]] = []
    errors: list[BaseException] = []
    with gopool.Pool(1) as pool:
        result = pool.map_async(
            invert,
            [1, 0],
            callback=told.append,
            error_callback=errors.append,
            return_exceptions=True,
        )
        found = result.get()
        assert result.successful()
    assert told == [found]
    assert not errors


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_what_the_input_raises_is_raised(method: str) -> None:
    """It is no result: without it the caller would take the rest for the whole."""

    def numbers() -> Iterator[float]:
        yield 1
        yield 0
        raise LookupError("no more")

    with gopool.Pool(1) as pool:
        iterator = getattr(pool, method)(invert, numbers(), return_exceptions=True)
        found: list[Any] = []
        with pytest.raises(LookupError, match="no more"):
            found += iterator
        found += iterator
    assert {type(value) for value in found} == {float, ZeroDivisionError}


def test_the_end_of_the_pool_is_raised(gate: Gate) -> None:
    with gopool.Pool(1) as pool:
        iterator = pool.imap(Gate.wait, [gate], return_exceptions=True)
        pool.terminate()
        with pytest.raises(gopool.PoolTerminatedError):
            next(iterator)


@pytest.mark.parametrize("method", [*METHODS, "apply", "apply_async"])
def test_an_unknown_option_is_refused(method: str) -> None:
    with gopool.Pool(1) as pool:
        with pytest.raises(TypeError, match=rf"^{method}\(\) got an unexpected .*'retrys'"):
            getattr(pool, method)(invert, [1], retrys=3)
        if method.startswith("apply"):
            with pytest.raises(TypeError, match="'return_exceptions'"):
                getattr(pool, method)(invert, [1], return_exceptions=True)
        assert pool.apply(invert, (1,)) == 1.0
