"""``map`` at its edges: chunks beyond all numbers, and sequences that are not what they seem."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from support import PoolClass, tasks

HUGE = pytest.mark.parametrize(
    "chunksize", [1 << 31, 1 << 32, 1 << 62, sys.maxsize - 1, sys.maxsize], ids=hex
)


@HUGE
def test_a_chunk_may_be_larger_than_anything(Pool: PoolClass, chunksize: int) -> None:
    """All is one chunk then: the results are there, and the pool goes on."""
    with Pool(2) as pool:
        for _ in range(2):
            result = pool.map_async(tasks.square, range(10_000), chunksize)
            assert result.get(60) == [n * n for n in range(10_000)]
        assert pool.map(tasks.square, range(10)) == [n * n for n in range(10)]


@HUGE
def test_a_huge_chunk_after_the_time_of_tasks_is_known(Pool: PoolClass, chunksize: int) -> None:
    """The same for a function that the pool has measured, and for ``starmap``."""
    with Pool(2) as pool:
        pool.map(tasks.square, range(5000))
        assert len(pool.map_async(tasks.square, range(5000), chunksize).get(60)) == 5000
        pairs = [(n, 1) for n in range(100)]
        result = pool.starmap_async(tasks.add, pairs, chunksize)
        assert result.get(60) == list(range(1, 101))


def test_a_huge_chunk_runs_in_one_worker(Pool: PoolClass) -> None:
    """As any chunk does, and counts as one of ``maxtasksperchild``."""
    with Pool(3, maxtasksperchild=1) as pool:
        assert len(set(pool.map(tasks.pid, range(50), sys.maxsize))) == 1


@pytest.mark.parametrize("chunksize", [None, 1_000_000])
def test_a_range_of_more_than_a_million(Pool: PoolClass, chunksize: int | None) -> None:
    """With a step, and with chunks whose end falls nowhere in particular."""
    numbers = range(7, 3_300_007, 3)
    with Pool(2) as pool:
        assert pool.map(tasks.identity, numbers, chunksize) == list(numbers)


class TenFold(list[int]):
    """A list that is iterated differently from what it holds."""

    def __iter__(self) -> Iterator[int]:
        return (10 * n for n in super().__iter__())


class Reversed(tuple[int, ...]):
    """The same for a tuple."""

    __slots__ = ()

    def __iter__(self) -> Iterator[int]:
        return iter(self[::-1])


class WithoutItems(tuple[int, ...]):
    """A tuple that can only be iterated."""

    __slots__ = ()

    def __getitem__(self, _: Any) -> NoReturn:
        raise TypeError("no items")


class WithoutSlices(list[int]):
    """A list that can only be iterated."""

    def __getitem__(self, _: Any) -> NoReturn:
        raise TypeError("no items")


class NegativeItems(list[int]):
    """A list whose items, asked for by number, are not those of its iteration."""

    def __getitem__(self, index: Any) -> Any:
        items = super().__getitem__(index)
        return [-n for n in items] if isinstance(items, list) else -items


class ByNumber:
    """A sequence of the old kind: neither ``__iter__`` nor a base class."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> int:
        if index >= 3:
            raise IndexError(index)
        return 10 * index


SEQUENCES: dict[str, tuple[Any, list[int]]] = {
    "list with __iter__": (TenFold([1, 2, 3]), [10, 20, 30]),
    "tuple with __iter__": (Reversed((1, 2, 3)), [3, 2, 1]),
    "tuple without items": (WithoutItems((1, 2, 3)), [1, 2, 3]),
    "list without items": (WithoutSlices([1, 2, 3]), [1, 2, 3]),
    "by number": (ByNumber(), [0, 10, 20]),
}


@pytest.mark.parametrize("chunksize", [None, 1, 2])
@pytest.mark.parametrize("kind", SEQUENCES)
def test_a_sequence_is_iterated_in_its_own_way(
    Pool: PoolClass, kind: str, chunksize: int | None
) -> None:
    """``map`` sees what ``for`` does, also where a subclass has changed that."""
    items, expected = SEQUENCES[kind]
    with Pool(1) as pool:
        assert pool.map(tasks.identity, items, chunksize) == expected
        assert pool.map_async(tasks.identity, items, chunksize).get(60) == expected


def test_items_by_number_do_not_count_where_there_is_an_iterator(Pool: PoolClass) -> None:
    """A list's ``__getitem__`` is not asked."""
    with Pool(1) as pool:
        assert pool.map(tasks.identity, NegativeItems([1, 2, 3]), 1) == [1, 2, 3]


@pytest.mark.parametrize("empty", [[], (), range(0), iter([])], ids=type)
@pytest.mark.parametrize("method", ["map_async", "starmap_async"])
def test_nothing_has_no_callback(Pool: PoolClass, method: str, empty: Any) -> None:
    """``get`` returns the empty list at once, and neither callback is called."""
    called: list[object] = []
    pool = Pool(1)
    result = getattr(pool, method)(
        tasks.identity, empty, callback=called.append, error_callback=called.append
    )
    assert result.ready()
    assert result.successful()
    assert result.get(60) == []
    assert pool.apply_async(tasks.square, (2,), callback=lambda _: None).get(60) == 4
    pool.close()
    pool.join()
    assert called == []
