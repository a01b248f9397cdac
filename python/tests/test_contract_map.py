"""``map`` and ``starmap``: order, chunks and what may be iterated over."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Ledger, Mailbox


@pytest.mark.parametrize("chunksize", [None, 1, 2, 3, 7, 10, 11, 1000])
def test_results_come_in_the_order_of_the_arguments(Pool: PoolClass, chunksize: int | None) -> None:
    """Whatever the chunks, the list equals that of a comprehension."""
    with Pool(2) as pool:
        assert pool.map(tasks.square, range(10), chunksize) == [n * n for n in range(10)]


def test_results_keep_their_place_when_the_first_task_ends_last(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """Order is that of the arguments, not that of completion."""
    with Pool(2) as pool:
        held = functools.partial(tasks.arrive, mailbox, gate, "held")
        quick = functools.partial(tasks.identity, "quick")
        functions: list[Callable[[], str]] = [held, *[quick] * 20]
        result = pool.map_async(tasks.call, functions, chunksize=1)
        mailbox.receive(1)
        gate.open()
        assert result.get() == ["held", *["quick"] * 20]


@pytest.mark.parametrize("chunksize", [None, 1, 5])
@pytest.mark.parametrize("empty", [[], (), range(0), {}, "", iter([])], ids=type)
def test_nothing_maps_to_nothing(Pool: PoolClass, empty: Any, chunksize: int | None) -> None:
    """An empty iterable of any kind gives an empty list."""
    with Pool(1) as pool:
        assert pool.map(tasks.identity, empty, chunksize) == []
        assert pool.starmap(tasks.add, empty, chunksize) == []


@pytest.mark.parametrize(
    "items",
    [(1, 2, 3), "abc", {"a": 1, "b": 2}, {5}, b"xyz", range(3, 9, 2), {1: 2}.items()],
    ids=repr,
)
def test_any_collection_can_be_mapped_over(Pool: PoolClass, items: Any) -> None:
    """Tuples, strings, dictionaries, sets, bytes, ranges and views are iterated as ``for`` does."""
    with Pool(1) as pool:
        assert pool.map(tasks.identity, items) == list(items)


def test_a_generator_is_consumed_before_map_async_returns(Pool: PoolClass) -> None:
    """What has no length is drained in the caller's thread, and once only."""
    drawn = []

    def numbers() -> Iterator[int]:
        for number in range(5):
            drawn.append(number)
            yield number

    with Pool(1) as pool:
        result = pool.map_async(tasks.square, numbers())
        assert drawn == [0, 1, 2, 3, 4]
        assert result.get() == [0, 1, 4, 9, 16]
        assert drawn == [0, 1, 2, 3, 4]


def test_an_exception_in_a_generator_reaches_the_caller_at_once(Pool: PoolClass) -> None:
    """The caller's own iterator fails in the caller, and the pool goes on."""

    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("from the generator")

    with Pool(1) as pool:
        with pytest.raises(KeyError, match="from the generator"):
            pool.map_async(tasks.square, numbers())
        assert pool.map(tasks.square, [3]) == [9]


def test_an_old_style_sequence_can_be_mapped_over(Pool: PoolClass) -> None:
    """``__getitem__`` alone makes an iterable."""

    class Squares:
        def __getitem__(self, index: int) -> int:
            if index >= 4:
                raise IndexError
            return index * index

    with Pool(1) as pool:
        squares: Any = Squares()
        assert pool.map(tasks.identity, squares) == [0, 1, 4, 9]


def test_starmap_unpacks_each_item(Pool: PoolClass) -> None:
    """Items may be any iterables, of different lengths."""
    with Pool(2) as pool:
        assert pool.starmap(tasks.add, [(1, 2), (3, 4)]) == [3, 7]
        assert pool.starmap(tasks.add, zip(range(5), range(5), strict=True)) == [0, 2, 4, 6, 8]
        items: list[Any] = [(), [1], "ab", range(3), iter([4])]
        expected: list[Any] = [((), {}), ((1,), {}), (("a", "b"), {}), ((0, 1, 2), {}), ((4,), {})]
        assert pool.starmap(tasks.describe, items, chunksize=2) == expected


def test_map_does_not_unpack(Pool: PoolClass) -> None:
    """A tuple is one argument."""
    with Pool(1) as pool:
        assert pool.map(tasks.describe, [(1, 2)]) == [(((1, 2),), {})]


def test_map_async_and_starmap_async_give_results_later(Pool: PoolClass) -> None:
    """The asynchronous forms take chunksize by position and by name."""
    with Pool(2) as pool:
        first = pool.map_async(tasks.square, range(20), 3)
        second = pool.starmap_async(tasks.add, [(1, 2)] * 20, chunksize=4)
        assert second.get() == [3] * 20
        assert first.get() == [n * n for n in range(20)]


def test_jobs_of_one_pool_do_not_mix(Pool: PoolClass) -> None:
    """A hundred jobs at the same time each get their own results."""
    with Pool(2) as pool:
        jobs = [pool.map_async(tasks.identity, range(i, i + 7), 2) for i in range(100)]
        for i, job in enumerate(jobs):
            assert job.get() == list(range(i, i + 7))


def test_each_argument_is_run_exactly_once(Pool: PoolClass, ledger: Ledger) -> None:
    """Nothing is run twice or never, however the work is spread."""
    with Pool(2) as pool:
        noting = functools.partial(tasks.note, ledger)
        for start, chunksize in ((0, 1), (500, None), (1000, 7)):
            pool.map(noting, range(start, start + 500), chunksize)
    assert ledger.numbers() == list(range(1500))


def test_twenty_thousand_small_tasks(Pool: PoolClass) -> None:
    """Many tasks one by one, more than any queue or buffer between the processes holds."""
    with Pool(2) as pool:
        assert pool.map(tasks.square, range(20_000), 1) == [n * n for n in range(20_000)]


def test_results_much_larger_than_arguments_do_not_block(Pool: PoolClass) -> None:
    """Both directions may be full at the same time."""
    with Pool(2) as pool:
        results = pool.map(tasks.zeros, [200_000] * 100, 1)
        assert [len(result) for result in results] == [200_000] * 100
        assert pool.map(tasks.length, [bytes(200_000)] * 100, 1) == [200_000] * 100
        assert pool.map(tasks.identity, results[:20], 1) == results[:20]


def test_eight_megabytes_go_and_come_back(Pool: PoolClass) -> None:
    """Large arguments and results arrive whole, also several at a time."""
    blocks = [bytes([i]) * (8 << 20) for i in range(4)]
    with Pool(2) as pool:
        assert pool.map(tasks.identity, blocks, 1) == blocks
        assert pool.apply(tasks.identity, (list(range(500_000)),)) == list(range(500_000))
