"""Results of simple types take a quicker way; nobody may notice by anything but the time."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support import PoolClass, tasks

import gopool

EDGES: list[Any] = [0, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40]
FLOATS: list[Any] = [0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 5e-324]

atoms = st.one_of(
    st.integers(),
    st.sampled_from(EDGES),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.complex_numbers(),
)


class Colour(IntEnum):
    RED = 1


class Number(int):
    pass


def shown(values: list[Any]) -> list[tuple[type, str]]:
    """Tell values apart that are equal: True and 1, 0.0 and -0.0, NaN and NaN."""
    return [(type(value), repr(value)) for value in values]


@pytest.mark.parametrize(
    "values",
    [
        EDGES,
        FLOATS,
        [True, False, 1, 0, True],
        [1, True, 2, None, 2.0, "2", b"2", 3],
        [None] * 5 + [0],
        [Colour.RED, 1, Number(1), 1],
        [1, [2], 3],
        [*range(100), 2**70, *range(100)],
    ],
    ids=str,
)
@pytest.mark.parametrize("chunksize", [None, 1, 1000])
def test_values_come_back_as_they_are(
    Pool: PoolClass, values: list[Any], chunksize: int | None
) -> None:
    """Types, signs and sizes survive, also where neighbours differ."""
    with Pool(1) as pool:
        pool.map(tasks.identity, range(50))  # so that the function is known to be quick
        assert shown(pool.map(tasks.identity, values, chunksize)) == shown(values)


@pytest.mark.parametrize("value", [7, 2.5, True, None, "text"], ids=str)
def test_more_results_than_are_kept_together(Pool: PoolClass, value: object) -> None:
    """A chunk of any size comes back whole, whatever it holds."""
    count = 70_000
    with Pool(1) as pool:
        assert pool.map(tasks.identity, [value] * count, count) == [value] * count


def test_results_around_a_failure(Pool: PoolClass) -> None:
    """One task of many raises: that is what is raised, and the pool goes on."""
    with Pool(1) as pool:
        pool.map(tasks.identity, range(50))
        with pytest.raises(ValueError, match="value 300"):
            pool.map(tasks.fail_at_300, range(1000))
        assert pool.map(tasks.identity, range(1000)) == list(range(1000))


@given(values=st.lists(atoms, max_size=60), chunksize=st.sampled_from([None, 1, 7]))
def test_any_mixture_comes_back_as_it_is(values: list[Any], chunksize: int | None) -> None:
    """For any list of simple values."""
    with gopool.Pool(2) as pool:
        assert shown(pool.map(tasks.identity, values, chunksize)) == shown(values)
