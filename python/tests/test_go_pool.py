"""Functions of Go packages in pools: the whole API of `Pool`, in goroutines."""

from __future__ import annotations

import asyncio
import io
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support import tasks
from support.programs import Program

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")

StartProgram = Callable[..., Program]


@pytest.fixture
def pool() -> Iterator[gopool.GoPool]:
    with gopool.GoPool(2) as pool:
        yield pool


@pytest.fixture(params=["GoPool", "Pool", "ThreadPool"])
def any_pool(request: pytest.FixtureRequest) -> Iterator[gopool.Pool]:
    with getattr(gopool, request.param)(2) as pool:
        yield pool


def test_every_method(any_pool: gopool.Pool, kinds: ModuleType) -> None:
    """Of every pool: one of processes or threads has goroutines for functions of Go."""
    pool, numbers = any_pool, list(range(-3, 30))
    assert pool.apply(kinds.Count, ("a b c",)) == 3
    assert pool.apply(kinds.Swap, (1,), {"b": "x"}) == ("x", 1)
    assert pool.apply_async(kinds.Count, ("a b",)).get() == 2
    assert pool.map(kinds.Int, numbers) == numbers
    assert pool.map(kinds.Int, numbers, chunksize=7) == numbers
    assert pool.map_async(kinds.Int, numbers).get() == numbers
    assert pool.starmap(kinds.Swap, [(1, "a"), (2, "b")]) == [("a", 1), ("b", 2)]
    assert pool.starmap_async(kinds.Divide, [(7, 2)]).get() == [(3, 1)]
    assert list(pool.imap(kinds.Int, iter(numbers))) == numbers
    assert sorted(pool.imap_unordered(kinds.Int, iter(numbers), chunksize=4)) == numbers
    assert pool.map(kinds.Int, []) == []
    assert list(pool.imap(kinds.Int, [])) == []


def test_it_is_a_pool(kinds: ModuleType) -> None:
    pool = gopool.GoPool(3)
    assert isinstance(pool, gopool.Pool)
    assert repr(pool).endswith("state=RUN pool_size=3>")
    pool.close()
    with pytest.raises(ValueError, match="Pool not running"):
        pool.map(kinds.Int, [1])
    pool.join()


@pytest.mark.parametrize("cls", ["Pool", "ThreadPool"])
def test_functions_of_python_run_beside(cls: str, kinds: ModuleType) -> None:
    with getattr(gopool, cls)(2) as pool:
        assert pool.map(math.sqrt, [4, 9]) == [2, 3]
        assert pool.map(kinds.Int, [4, 9]) == [4, 9]
        assert pool.map(math.sqrt, [4, 9]) == [2, 3]
        pool.close()
        pool.join()


@pytest.mark.parametrize(
    "call",
    [
        lambda pool: pool.apply(len, ("a",)),
        lambda pool: pool.apply_async(len, ("a",)),
        lambda pool: pool.map(len, ["a"]),
        lambda pool: pool.map(len, []),
        lambda pool: pool.imap(len, ["a"]),
        lambda pool: pool.starmap_async(len, [("a",)]),
    ],
)
def test_a_function_of_python_is_refused(
    pool: gopool.GoPool, call: Callable[[gopool.Pool], object]
) -> None:
    with pytest.raises(TypeError, match=r"len.*use gopool.Pool or gopool.ThreadPool"):
        call(pool)


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((0,), {}, ValueError),
        ((-1,), {}, ValueError),
        ((2,), {"max_pending": 0}, ValueError),
        ((2,), {"task_timeout": 0}, ValueError),
        ((2,), {"initializer": print}, TypeError),
        ((2,), {"maxtasksperchild": 1}, TypeError),
        ((2,), {"seed": 1}, TypeError),
    ],
)
def test_arguments_that_make_no_sense(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        gopool.GoPool(*arguments, **options)


@pytest.mark.parametrize(
    "items",
    [
        range(100_000),
        range(100_000, 0, -3),
        range(-5, 5),
        [2**63 - 1, -(2**63)],
        list(range(5000)),
        tuple(range(10)),
        [True, False],
    ],
    ids=["long", "down", "short", "edges", "list", "tuple", "bools"],
)
def test_integers(pool: gopool.GoPool, kinds: ModuleType, items: Any) -> None:
    """They are not packed, but stand in a column, or in a range."""
    assert pool.map(kinds.Int, items) == list(items)
    assert list(pool.imap(kinds.Int, items, chunksize=100)) == list(items)


def test_a_range_behind_the_end_of_int64(pool: gopool.GoPool, kinds: ModuleType) -> None:
    numbers = range(2**63 - 2, 2**63 + 1)
    assert pool.map(kinds.Uint64, numbers) == list(numbers)
    outcomes = pool.map(kinds.Int64, numbers, return_exceptions=True)
    assert outcomes[:2] == [2**63 - 2, 2**63 - 1]
    assert type(outcomes[2]) is OverflowError


def test_what_cannot_be_packed_fails_in_its_place(pool: gopool.GoPool, kinds: ModuleType) -> None:
    """In the midst of a batch, and all others run."""
    items: list[Any] = ["a b"] * 3000
    items[1234] = object()
    items[1235] = "\ud800"
    outcomes = pool.map(kinds.Count, items, return_exceptions=True)
    assert type(outcomes[1234]) is TypeError
    assert type(outcomes[1235]) is UnicodeEncodeError
    assert outcomes[:1234] + outcomes[1236:] == [2] * 2998
    with pytest.raises(TypeError, match=r"Count.. argument 'text'"):
        pool.map(kinds.Count, items)


@pytest.mark.parametrize("drawn", [[], [1], list(range(100))], ids=["none", "one", "many"])
@pytest.mark.parametrize("name", ["Int", "Float64", "NamedInt"])
def test_what_the_input_raises_is_raised_behind_its_items(
    pool: gopool.GoPool, kinds: ModuleType, name: str, drawn: list[int]
) -> None:
    def broken() -> Iterator[int]:
        yield from drawn
        raise KeyError("broken")

    results = pool.imap(getattr(kinds, name), broken())
    assert [next(results) for _ in drawn] == drawn
    with pytest.raises(KeyError, match="broken"):
        next(results)


def test_what_does_not_fit_the_parameters_fails_in_its_place(
    pool: gopool.GoPool, kinds: ModuleType
) -> None:
    items: list[Any] = [(1, "a"), (1,), (1, "a", 2), 5, [2, "b"], iter((3, "c"))]
    outcomes = pool.starmap(kinds.Swap, items, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[1:4]] == [TypeError] * 3
    assert [outcomes[0], *outcomes[4:]] == [("a", 1), ("b", 2), ("c", 3)]
    outcomes = pool.map(kinds.Swap, [1], return_exceptions=True)
    assert str(outcomes[0]) == "Swap() missing a required argument: 'b'"


def test_variadic_functions(pool: gopool.GoPool, kinds: ModuleType) -> None:
    assert pool.starmap(kinds.Join, [(",",), (",", "a"), (",", "a", "b")]) == ["", "a", "a,b"]
    assert pool.map(kinds.Join, [",", ";"]) == ["", ""]
    assert pool.apply(kinds.Join, (",", "a", "b")) == "a,b"


def test_functions_without_results(pool: gopool.GoPool, kinds: ModuleType) -> None:
    assert pool.map(kinds.Drop, range(100)) == [None] * 100
    assert pool.apply(kinds.Nothing) is None
    assert pool.starmap(kinds.Nothing, [(), ()]) == [None, None]


@pytest.mark.parametrize("size", [10, 10_000, 300_000])
def test_arrays(pool: gopool.GoPool, kinds: ModuleType, size: int) -> None:
    """Large ones stay where they are, and so do those that come back."""
    arrays = [np.full(size, float(number)) for number in range(5)]
    assert pool.map(kinds.Sum, arrays) == [size * number for number in range(5)]
    assert pool.apply(kinds.Sum, (arrays[3],)) == 3 * size
    for result, given in zip(pool.imap(kinds.Float64s, iter(arrays)), arrays, strict=True):
        assert np.array_equal(result, given)


def test_arrays_are_let_go_when_the_calls_are_done(pool: gopool.GoPool, kinds: ModuleType) -> None:
    """By then nothing in the pool holds them, so that they could be made larger again."""
    data = bytearray(1 << 20)
    assert pool.map(kinds.Bytes, [data] * 3) == [bytes(data)] * 3
    pool.map(kinds.Bytes, [bytearray(1 << 20)])
    pool.close()
    pool.join()
    data.append(1)  # BufferError while somebody has a view of it


def test_structs(pool: gopool.GoPool, kinds: ModuleType) -> None:
    entries = [kinds.Entry(f"word {i}", i, Labels={"a": kinds.Point(i, i)}) for i in range(500)]
    assert pool.map(kinds.Struct, entries) == entries


def test_callbacks(pool: gopool.GoPool, kinds: ModuleType) -> None:
    told: list[Any] = []
    pool.apply_async(kinds.Half, (4,), callback=told.append).get()
    failed = pool.apply_async(kinds.Half, (3,), error_callback=told.append)
    failed.wait()
    pool.map_async(kinds.Half, [2, 4], callback=told.append).wait()
    assert told[0] == 2
    assert type(told[1]) is gopool.GoError
    assert told[2] == [1, 2]


def test_progress(pool: gopool.GoPool, kinds: ModuleType) -> None:
    told: list[tuple[int, int | None]] = []
    pool.map(kinds.Int, range(1000), progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (1000, 1000)


def test_options(pool: gopool.GoPool, kinds: ModuleType) -> None:
    assert pool.map(kinds.Int, [1, 2], priority=3) == [1, 2]
    assert pool.apply(kinds.Int, (1,), timeout=60) == 1
    assert list(pool.imap(kinds.Int, iter(range(100)), buffersize=2)) == list(range(100))
    with pytest.raises(TypeError, match="unexpected keyword argument 'speed'"):
        pool.map(kinds.Int, [1], speed=2)  # type: ignore[call-arg]


def test_max_pending(kinds: ModuleType) -> None:
    with gopool.GoPool(2, max_pending=3) as pool:
        assert pool.map(kinds.Int, range(500)) == list(range(500))
        results = [pool.apply_async(kinds.Int, (n,)) for n in range(20)]
        assert [result.get() for result in results] == list(range(20))


def test_asyncio(kinds: ModuleType) -> None:
    async def main() -> None:
        async with gopool.GoPool(2) as pool:
            assert await pool.apply_async(kinds.Count, ("a b",)) == 2
            assert await pool.map_async(kinds.Int, range(5)) == list(range(5))
            assert [n async for n in pool.imap(kinds.Int, range(50))] == list(range(50))

    asyncio.run(main())


def test_stats_and_dump(faults: ModuleType) -> None:
    """They name functions, as they do for workers of other kinds."""
    with gopool.GoPool(2) as pool:
        result = pool.map_async(faults.StayDeaf, ["stats"], chunksize=1)
        faults.Await("stats", 1)
        stats = pool.stats()
        assert [worker.pid for worker in stats.workers] == [os.getpid()] * 2
        assert [(w.function, w.task) for w in stats.workers if w.function] == [("StayDeaf", 0)]
        assert stats.tasks_running == 1
        text = pool.dump(io.StringIO())
        faults.OpenGate("stats")
        result.get()
        assert pool.stats().tasks_done == 1
    assert "runs StayDeaf (task 0) for " in text
    assert "is idle" in text


def test_a_trace(pool: gopool.GoPool, kinds: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with pool.trace(path):
        pool.map(kinds.Count, ["a b"] * 100)
    names = {event.get("name") for event in json.loads(path.read_text())["traceEvents"]}
    assert "Count" in names


def test_the_executor(kinds: ModuleType) -> None:
    with gopool.PoolExecutor(2) as executor:
        futures = [executor.submit(kinds.Int, n) for n in range(20)]
        assert sorted(future.result() for future in as_completed(futures)) == list(range(20))
        assert list(executor.map(kinds.Int, range(20))) == list(range(20))
        assert list(executor.map(kinds.Keywords, [1, 2], [3, 4])) == [13, 24]
        assert list(executor.map(kinds.Int, range(20), chunksize=3, buffersize=2)) == [*range(20)]
        assert executor.submit(kinds.Swap, 1, b="x").result() == ("x", 1)
        assert isinstance(executor.submit(kinds.Half, 3).exception(), gopool.GoError)
        assert executor.submit(tasks.square, 3).result() == 9


def test_a_call_of_the_executor_is_cancelled(faults: ModuleType) -> None:
    with gopool.PoolExecutor(1) as executor:
        first = executor.submit(faults.StayDeaf, "executor")
        faults.Await("executor", 1)
        second = executor.submit(faults.Tick, "never")
        assert first.running()
        assert second.cancel()
        faults.OpenGate("executor")
        assert first.result() == "executor"
    assert second.cancelled()
    assert faults.Ticks("never") == 0


def test_partial_functions_run_where_others_of_python_do(kinds: ModuleType) -> None:
    """In a worker, which loads the package itself, and must not be forked for that."""
    with gopool.Pool(1, context=multiprocessing.get_context("spawn")) as pool:
        assert pool.map(partial(kinds.Keywords, 1), [2, 3]) == [12, 13]
    with gopool.ThreadPool(1) as threads:
        assert threads.map(partial(kinds.Keywords, 1), [2, 3]) == [12, 13]


def test_two_packages_in_one_pool(
    pool: gopool.GoPool, kinds: ModuleType, faults: ModuleType
) -> None:
    results = []
    for i in range(50):
        results += [pool.apply_async(kinds.Int, (i,)), pool.apply_async(faults.Tick, ("both",))]
    assert [result.get() for result in results[::2]] == list(range(50))
    assert sorted(result.get() for result in results[1::2]) == list(range(1, 51))
