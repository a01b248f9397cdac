"""Code that was written for the standard classes: `isinstance`, subclasses, annotations."""

from __future__ import annotations

import multiprocessing.pool
import typing
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest
from support import tasks

import gopool
import gopool.pool

T = TypeVar("T")
R = TypeVar("R")

pytestmark = pytest.mark.gopool_only("it is gopool's classes that are derived")


def test_a_pool_is_a_standard_one() -> None:
    """In an instance as in a class; and none of the standard parts was made."""
    assert issubclass(gopool.Pool, multiprocessing.pool.Pool)
    with gopool.Pool(1) as pool:
        assert isinstance(pool, multiprocessing.pool.Pool)
        for part in "_taskqueue", "_worker_handler", "_cache", "_inqueue":
            assert not hasattr(pool, part)


def test_results_are_standard_ones() -> None:
    with gopool.Pool(1) as pool:
        single, many = pool.apply_async(tasks.square, (3,)), pool.map_async(tasks.square, [3])
        assert isinstance(single, multiprocessing.pool.AsyncResult)
        assert not isinstance(single, multiprocessing.pool.MapResult)
        assert isinstance(many, multiprocessing.pool.MapResult)
        assert (single.get(), many.get()) == (9, [9])


def test_the_module_has_the_names_of_the_standard_one() -> None:
    for name in "Pool", "AsyncResult", "ApplyResult", "MapResult":
        ours = getattr(gopool.pool, name)
        assert ours is not getattr(multiprocessing.pool, name)
        assert issubclass(ours, getattr(multiprocessing.pool, name))
    assert gopool.pool.ApplyResult is gopool.AsyncResult


def annotated(
    single: gopool.AsyncResult[int], many: gopool.MapResult[str]
) -> gopool.AsyncResult[list[int]]:
    raise NotImplementedError


def test_results_in_annotations() -> None:
    """Also where they are looked up at run time."""
    hints = typing.get_type_hints(annotated)
    assert typing.get_origin(hints["single"]) is gopool.AsyncResult
    assert typing.get_args(hints["many"]) == (str,)


class Doubling(gopool.Pool):
    """A pool that submits everything through a method of its own."""

    def __init__(self, processes: int) -> None:
        super().__init__(processes)
        self.submitted = 0

    def map(  # type: ignore[override]
        self, func: Callable[[T], R], iterable: Iterable[T], chunksize: int | None = None
    ) -> list[R]:
        self.submitted += 1
        return super().map(func, iterable, chunksize) * 2


def test_a_subclass_overrides_methods() -> None:
    with Doubling(1) as pool:
        assert pool.map(tasks.square, [1, 2]) == [1, 4, 1, 4]
        assert pool.starmap(tasks.add, [(1, 2)]) == [3]
        assert pool.submitted == 1
        assert repr(pool) == f"<{__name__}.Doubling state=RUN pool_size=1>"
