"""A program that uses the whole API, for the type checker: `make types` checks it, strictly.

Where a call is wrong, `type: ignore` says with which error; mypy complains if it is not needed.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.pool
import os
import sys
from collections.abc import Iterator
from multiprocessing.context import BaseContext

import pytest

import gopool
from gopool import AsyncResult, IMapIterator, MapResult, Pool, ThreadPool

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type

pytestmark = pytest.mark.gopool_only("these are gopool's types")


def halve(number: int) -> float:
    return number / 2


def repeat(text: str, count: int) -> str:
    return text * count


def initialize(text: str, count: int) -> None:
    assert text * count


def numbers() -> Iterator[int]:
    yield from range(3)


def use_calls(pool: Pool) -> None:
    assert_type(pool.apply(halve, (3,)), float)
    assert_type(pool.apply(repeat, ("a",), {"count": 2}), str)
    assert_type(pool.map(halve, [1, 2]), list[float])
    assert_type(pool.map(halve, numbers(), chunksize=2), list[float])
    assert_type(pool.map(str, range(3)), list[str])
    assert_type(pool.starmap(repeat, [("a", 1), ("b", 2)], 1), list[str])


def use_results(pool: Pool) -> None:
    single = pool.apply_async(halve, (3,))
    assert_type(single, AsyncResult[float])
    assert_type(single.get(timeout=60), float)
    many = pool.map_async(halve, [1, 2])
    assert_type(many, MapResult[float])
    assert_type(many.get(60), list[float])
    stars = pool.starmap_async(repeat, [("a", 1)])
    assert_type(stars, MapResult[str])
    assert_type(stars.get(), list[str])
    stars.wait(60)
    assert_type(stars.ready(), bool)
    assert_type(stars.successful(), bool)


def use_callbacks(pool: Pool) -> None:
    halves: list[float] = []
    lists: list[list[float]] = []
    errors: list[BaseException] = []
    pool.apply_async(halve, (3,), {}, halves.append, errors.append).wait()
    pool.map_async(halve, [1], 1, lists.append, errors.append).wait()
    pool.starmap_async(halve, [(1,)], callback=lists.append, error_callback=errors.append).wait()


def use_iterators(pool: Pool) -> None:
    ordered = pool.imap(halve, numbers(), chunksize=2)
    assert_type(ordered, IMapIterator[float])
    assert_type(iter(ordered), IMapIterator[float])
    assert_type(next(ordered), float)
    assert_type(ordered.next(timeout=60), float)
    for half in ordered:
        assert_type(half, float)
    unordered = pool.imap_unordered(str, numbers())
    assert_type(unordered.next(), str)
    assert_type(sorted(unordered), list[str])


def use_what_is_told(pool: Pool, told: list[tuple[int, int | None]]) -> None:
    def tell(done: int, total: int | None) -> None:
        told.append((done, total))

    assert_type(pool.map(halve, [1], progress=tell), list[float])
    assert_type(pool.imap(halve, numbers(), progress=tell), IMapIterator[float])
    pool.starmap_async(halve, [(1,)], progress=False).wait()
    stats = pool.stats()
    assert_type(stats, gopool.PoolStats)
    assert_type(stats.workers, tuple[gopool.WorkerStats, ...])
    assert_type(stats.workers[0].function, str | None)
    with pool.trace(os.devnull) as trace:
        trace.stop()


def use_life(pool: Pool) -> None:
    with pool as same:
        assert_type(same, Pool)
        same.close()
        same.join()
        same.terminate()


def use_contexts() -> None:
    spawn = gopool.get_context("spawn")
    with spawn.Pool(1, initialize, ("a", 2), maxtasksperchild=5) as pool:
        assert_type(pool, Pool)
        assert_type(pool.map(halve, [1]), list[float])
    context: BaseContext = spawn
    with Pool(processes=1, context=context) as pool:
        pool.apply(halve, [1])


def use_threads() -> None:
    with ThreadPool(2, initialize, ("a", 2)) as pool:
        assert_type(pool, ThreadPool)
        assert_type(pool.map(lambda number: number + 0.5, [1, 2]), list[float])
        assert_type(pool.apply_async(repeat, ("a", 2)), AsyncResult[str])
        assert_type(pool.imap(halve, numbers()), IMapIterator[float])
        assert_type(use_standard(pool), list[float])


def use_mistakes(pool: Pool) -> None:
    """Which the type checker must find: it would complain of a comment that is not needed."""
    with pytest.raises(TypeError):
        pool.map(halve, ["a"])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        pool.imap(halve, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        pool.map(halve, [1], chunksize="a")  # type: ignore[arg-type]
    count: int = pool.apply(repeat, ("a", 2))  # type: ignore[assignment]
    texts: list[str] = pool.map(halve, [1])  # type: ignore[arg-type]
    assert repr([count, texts]) == "['aa', [0.5]]"


def use_standard(pool: multiprocessing.pool.Pool) -> list[float]:
    """A function of somebody who knows nothing of gopool."""
    return pool.map(halve, [1])


def catch(pool: Pool) -> None:
    try:
        pool.apply(halve, (1,))
    except gopool.WorkerLostError as error:
        assert_type(error.exitcode, int | None)
    except (gopool.BrokenPoolError, gopool.PoolTerminatedError, gopool.MaybeEncodingError):
        pass
    except gopool.TimeoutError:
        pass


def test_the_program_does_what_its_types_say() -> None:
    """It is run as well as checked."""
    with Pool(2, initialize, ("a", 2)) as pool:
        use_calls(pool)
        use_results(pool)
        use_callbacks(pool)
        use_iterators(pool)
        told: list[tuple[int, int | None]] = []
        use_what_is_told(pool, told)
        assert told[-1] == (1, 1) or told[-1][1] is None
        use_mistakes(pool)
        catch(pool)
        assert use_standard(pool) == [0.5]
        use_life(pool)
    use_contexts()
    use_threads()
