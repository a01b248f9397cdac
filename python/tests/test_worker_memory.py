"""`max_memory_per_worker`: a worker that has become too large goes, and no task with it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import pytest
from support import tasks

import gopool
from gopool._bounded import Gauge

MB = 1 << 20

#: More than what a worker has by itself, and less than it has with what a task keeps.
LIMIT = 96 * MB
MUCH = 160 * MB

_kept: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    yield
    _kept.clear()


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """A collection writes to most pages of the parent, which its forks then have for themselves."""
    gc.disable()
    yield
    gc.enable()


def keep(size: int) -> int:
    """Keep so many bytes, and return which process does."""
    _kept.append(b"x" * size)
    return os.getpid()


def keep_or_die(item: tuple[int, int]) -> tuple[int, int]:
    index, size = item
    if size < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return index, keep(size)


def keep_and_fail(size: int) -> None:
    keep(size)
    raise LookupError(os.getpid())


def use(size: int) -> int:
    _ = b"x" * size
    return os.getpid()


def invert(data: Any) -> tuple[int, Any]:
    return os.getpid(), ~data


@pytest.fixture(params=["fork", "spawn"])
def start(request: pytest.FixtureRequest) -> BaseContext:
    method: str = request.param
    return multiprocessing.get_context(method)


def test_a_worker_that_is_too_large_starts_no_further_task(start: BaseContext) -> None:
    """Also where it had been granted more."""
    with gopool.Pool(1, context=start, max_memory_per_worker=LIMIT) as pool:
        pids = pool.map(keep, [0, 0, MUCH, 0, 0, MUCH, 0], 1)
        assert [len({*pids[:3]}), len({*pids[3:6]}), len({*pids})] == [1, 1, 3]
        assert pool.apply(keep, (MUCH,)) == pids[-1] != pool.apply(tasks.pid)
        with pytest.raises(LookupError) as raised:
            pool.apply(keep_and_fail, (MUCH,))
        assert raised.value.args != (pool.apply(tasks.pid),)


def test_memory_that_was_given_back_does_not_count(start: BaseContext) -> None:
    with gopool.Pool(1, context=start, max_memory_per_worker=LIMIT) as pool:
        assert len(set(pool.map(use, [MUCH] * 4, 1))) == 1


@pytest.mark.parametrize("kept", [0, 3 * MUCH], ids=["in a small program", "in a large one"])
def test_nor_does_shared_memory(kept: int) -> None:
    """Large arguments and results are in that."""
    keep(kept)
    data = np.zeros(MUCH, bool)
    with gopool.Pool(1, max_memory_per_worker=LIMIT) as pool:
        found = [pool.apply(invert, (data,)) for _ in range(3)]
    assert len({pid for pid, _ in found}) == 1
    assert all(result.all() for _, result in found)


def test_nor_does_what_a_fork_shares_with_its_parent() -> None:
    keep(MUCH)
    with gopool.Pool(2, max_memory_per_worker=LIMIT) as pool:
        assert len(set(pool.map(tasks.pid, range(200), 1))) <= 2
        assert pool.apply(keep, (MUCH,)) not in pool.map(tasks.pid, range(20), 1)


def test_no_task_is_lost_or_doubled_though_workers_retire_and_die(start: BaseContext) -> None:
    """Those that end their worker are lost, each of them, and nothing else is."""
    choice = random.Random(7)
    count, some = (400, 8) if start.get_start_method() == "fork" else (60, 2)
    sizes = [0] * count
    for size in (MUCH, -1):
        for place in choice.sample(range(count), some):
            sizes[place] = size
    with gopool.Pool(3, context=start, max_memory_per_worker=LIMIT) as pool:
        found = pool.map(keep_or_die, enumerate(sizes), return_exceptions=True)
        assert pool.map(tasks.square, range(50)) == [n * n for n in range(50)]
    lost = {i for i, result in enumerate(found) if isinstance(result, gopool.WorkerLostError)}
    assert lost == {i for i, size in enumerate(sizes) if size < 0}
    done = [result for result in found if isinstance(result, tuple)]
    assert [i for i, _ in done] == sorted(set(range(count)) - lost)
    last = {pid: i for i, pid in done if sizes[i] == MUCH}
    assert len(last) == sizes.count(MUCH), "each of these was the last of its worker"


def test_a_limit_below_what_any_worker_has_is_one_task_each() -> None:
    with gopool.Pool(2, max_memory_per_worker=1) as pool:
        assert set(Counter(pool.map(tasks.pid, range(12))).values()) == {1}
        assert list(pool.imap(tasks.square, range(6), 2)) == [0, 1, 4, 9, 16, 25]
        assert [pool.apply_async(tasks.square, (n,)).get() for n in range(3)] == [0, 1, 4]
        pool.close()
        pool.join()


def test_it_is_asked_again_when_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look may tell that all is well for a while, but not if a task has used more meanwhile."""
    own = 10 * MB
    asked = []

    def look() -> int:
        asked.append(own)
        return own

    monkeypatch.setattr("gopool._bounded._own_memory", look)
    monkeypatch.setattr("gopool._bounded._SHARE_OF_TIME", 1e-9)  # not again by itself
    keep(MUCH)
    gauge = Gauge(LIMIT)
    try:
        assert [gauge.is_exceeded() for _ in range(3)] == [False] * 3
        assert len(asked) == 1
        keep(MUCH)
        own = MUCH
        assert gauge.is_exceeded()
        assert len(asked) == 2
    finally:
        os.close(gauge._statm)


@pytest.mark.parametrize(
    ("limit", "error"), [(0, ValueError), (-1, ValueError), ("2GiB", TypeError), (1.5, TypeError)]
)
def test_the_limit_is_a_positive_integer(limit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^max_memory_per_worker must be"):
        gopool.Pool(1, max_memory_per_worker=limit)


def test_threads_have_no_memory_of_their_own() -> None:
    with pytest.raises(TypeError, match="max_memory_per_worker"):
        gopool.ThreadPool(1, max_memory_per_worker=LIMIT)  # type: ignore[call-arg]
