"""A pool ends within half a second, whatever its workers do and whatever is queued.

A machine that is busy with something else may take longer now and then, so each test has a few
tries, of which one must be in time. None is near the limit where the pool is at its best.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, deaths, offspring, tasks
from support.latches import Gate, Mailbox
from support.processes import still_running

LIMIT = 0.5
TRIES = 5


def end(pool: Any) -> None:
    """Leave the ``with`` block, which is to terminate the pool and to wait for that."""
    with pool:
        pass


def in_time(attempt: Callable[[], float]) -> None:
    """Have an attempt tell how long it took, and again until one has taken less than the limit."""
    took: list[float] = []
    while not took or took[-1] > LIMIT:
        assert len(took) < TRIES, f"took {took} s"
        took.append(attempt())


def duration(action: Callable[[], object]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


@pytest.mark.gopool_only("multiprocessing waits for ever for some of these workers")
@pytest.mark.parametrize("stopped", [False, True], ids=["", "stopped"])
@pytest.mark.parametrize("prepare", [None, deaths.ignore_sigterm], ids=["", "deaf"])
@pytest.mark.parametrize(
    "task", [tasks.sleep_for_minutes, tasks.loop_in_c], ids=lambda t: t.__name__
)
def test_whatever_workers_do(
    Pool: PoolClass, mailbox: Mailbox, task: Any, prepare: Any, stopped: bool
) -> None:
    """Sleep or loop in C, with SIGTERM ignored or not, and stopped besides."""

    def attempt() -> float:
        pool = Pool(2, prepare)
        pool.map_async(functools.partial(task, mailbox), range(100), 1)
        pids = mailbox.receive_pids(2)
        if stopped:
            for pid in pids:
                stop(pid)
        took = duration(lambda: end(pool))
        assert still_running(pids, 0) == []
        return took

    in_time(attempt)


@pytest.mark.gopool_only("multiprocessing leaves them running")
def test_whatever_they_have_started(Pool: PoolClass, mailbox: Mailbox) -> None:
    """Which ignores SIGTERM, as the worker does."""

    def attempt() -> float:
        pool = Pool(1, deaths.ignore_sigterm)
        pool.apply_async(offspring.start_and_wait, (mailbox, offspring.start_deaf))
        pids = mailbox.receive_pids(1)

        def end_all() -> None:
            end(pool)
            # Killed by now; the pool does not wait for long until that has an effect.
            assert still_running(pids) == []

        return duration(end_all)

    in_time(attempt)


def test_idle_workers(Pool: PoolClass) -> None:
    """Which end by themselves."""

    def attempt() -> float:
        pool = Pool(4)
        pool.map(tasks.nothing, range(100))
        return duration(lambda: end(pool))

    in_time(attempt)


@pytest.mark.gopool_only("multiprocessing waits for a stopped process for ever")
def test_idle_workers_that_are_stopped(Pool: PoolClass) -> None:
    """Which don't hear that they should end, nor SIGTERM."""

    def attempt() -> float:
        pool = Pool(1)
        pid = pool.apply(tasks.pid)
        stop(pid)
        took = duration(lambda: end(pool))
        assert still_running([pid], 0) == []
        return took

    in_time(attempt)


def queue_many_tasks(pool: Any) -> object:
    return pool.map_async(tasks.square, range(100_000), 1)


def queue_many_calls(pool: Any) -> object:
    return [pool.apply_async(tasks.square, (n,)) for n in range(20_000)]


def queue_much(pool: Any) -> object:
    """Half a gigabyte; most of the time that it takes is the kernel's, to free the memory."""
    return [pool.apply_async(tasks.length, (bytes(1 << 27),)) for _ in range(4)]


def queue_without_end(pool: Any) -> object:
    return pool.imap(tasks.length, (bytes(1 << 20) for _ in itertools.count()))


def queue_a_list_of_a_gigabyte(pool: Any) -> object:
    """Half of which a thread is still to encode when the pool ends."""
    return pool.map_async(tasks.length, [bytes(1 << 24)] * 64, 1)


@pytest.mark.gopool_only("multiprocessing sends or consumes all of some of these first")
@pytest.mark.parametrize(
    "queue",
    [
        queue_many_tasks,
        queue_many_calls,
        queue_much,
        queue_a_list_of_a_gigabyte,
        queue_without_end,
    ],
    ids=lambda queue: queue.__name__,
)
def test_whatever_is_queued(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, queue: Callable[[Any], object]
) -> None:
    """Tasks by the hundred thousand, data by the gigabyte, an input without an end."""

    def attempt() -> float:
        pool = Pool(1)
        pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        mailbox.receive(1)
        results = queue(pool)
        took = duration(lambda: end(pool))
        del results
        return took

    in_time(attempt)


@pytest.mark.gopool_only("multiprocessing waits for a stopped process for ever")
@pytest.mark.parametrize("shared", ["0", "1"], ids=["socket", "arena"])
def test_a_worker_that_does_not_read(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    """And whoever writes to it is blocked in the midst of a large argument."""
    monkeypatch.setenv("GOPOOL_SHARED_MEMORY", shared)

    def attempt() -> float:
        pool = Pool(1)
        stop(pool.apply(tasks.pid))
        results = [pool.apply_async(tasks.length, (bytes(1 << 22),)) for _ in range(4)]
        took = duration(lambda: end(pool))
        del results
        return took

    in_time(attempt)


@pytest.mark.gopool_only("multiprocessing reads what workers send to the end")
def test_results_that_nobody_takes(Pool: PoolClass) -> None:
    """Which workers wait to get rid of."""

    def attempt() -> float:
        pool = Pool(2)
        results = pool.imap(tasks.zeros, itertools.repeat(1 << 24))
        next(results)
        return duration(lambda: end(pool))

    in_time(attempt)


def test_join_returns_when_the_work_is_done(Pool: PoolClass) -> None:
    """And not later."""

    def attempt() -> float:
        pool = Pool(2)
        result = pool.map_async(tasks.time_after, [0.05] * 10, 1)
        pool.close()
        pool.join()
        now = time.monotonic()
        return now - max(result.get(0))

    in_time(attempt)
