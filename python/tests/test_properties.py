"""Properties that hold for all inputs, tried on random ones."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PoolClass, tasks
from support.latches import Ledger

chunksizes = st.none() | st.integers(1, 60)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


def test_map_equals_a_comprehension(Pool: PoolClass) -> None:
    """For any list of numbers and any chunksize."""
    with Pool(3) as pool:

        @given(numbers=st.lists(st.integers(), max_size=50), chunksize=chunksizes)
        def check(numbers: list[int], chunksize: int | None) -> None:
            assert pool.map(tasks.square, numbers, chunksize) == [n * n for n in numbers]

        check()


def test_any_value_goes_and_comes_back(Pool: PoolClass) -> None:
    """For nested values of many sizes."""
    with Pool(2) as pool:

        @given(items=st.lists(values, max_size=10), chunksize=chunksizes)
        def check(items: list[Any], chunksize: int | None) -> None:
            assert pool.map(tasks.identity, items, chunksize) == items

        check()


def test_bytes_of_any_size_go_and_come_back(Pool: PoolClass) -> None:
    """Sizes around the powers of two, where buffers and frames end."""
    with Pool(2) as pool:
        sizes = st.builds(
            lambda power, delta: max(0, (1 << power) + delta),
            st.integers(0, 21),
            st.integers(-70, 70),
        )

        @given(st.lists(sizes, min_size=1, max_size=6), chunksizes)
        def check(sizes: list[int], chunksize: int | None) -> None:
            blocks = [bytes([n % 251]) * size for n, size in enumerate(sizes)]
            assert pool.map(tasks.identity, blocks, chunksize) == blocks

        check()


def test_each_task_is_run_exactly_once(Pool: PoolClass, ledger: Ledger) -> None:
    """For any mixture of jobs that are outstanding at the same time."""
    jobs = st.lists(st.tuples(st.integers(0, 40), chunksizes), max_size=6)
    noting = functools.partial(tasks.note, ledger)
    total = 0
    with Pool(3) as pool:

        @given(jobs)
        @settings(max_examples=20)
        def check(jobs: list[tuple[int, int | None]]) -> None:
            nonlocal total
            results = []
            for count, chunksize in jobs:
                entries = range(total, total + count)
                total += count
                results.append((entries, pool.map_async(noting, entries, chunksize)))
            for entries, result in results:
                assert result.get() == list(entries)

        check()
    assert ledger.numbers() == list(range(total))


def test_an_error_is_found_wherever_it_is(Pool: PoolClass) -> None:
    """For any place of the one bad value among good ones."""
    with Pool(2) as pool:

        @given(st.integers(1, 60), st.integers(0, 59), chunksizes)
        def check(count: int, bad: int, chunksize: int | None) -> None:
            failing = functools.partial(tasks.fail_at, bad)
            if bad < count:
                with pytest.raises(ValueError, match=f"^value {bad}$"):
                    pool.map(failing, range(count), chunksize)
            else:
                assert pool.map(failing, range(count), chunksize) == list(range(count))

        check()
