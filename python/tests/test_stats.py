"""``stats`` tells what the workers do, and what the pool has done."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import BaseContext

import pytest
from support import deaths, tasks
from support.latches import DEADLINE, Gate, Mailbox
from support.processes import workers_at_work

import gopool

CLASSES = [gopool.Pool, gopool.ThreadPool]


def until(pool: gopool.Pool, holds: Callable[[gopool.PoolStats], bool]) -> gopool.PoolStats:
    """Return the first stats of which something holds."""
    deadline = time.monotonic() + DEADLINE
    while not holds(stats := pool.stats()):
        assert time.monotonic() < deadline, stats
        time.sleep(0.001)
    return stats


def test_what_each_worker_does(
    context: BaseContext, mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """Function, number of the task and process of the one that works; the other is idle."""
    with gopool.Pool(2, context=context) as pool:
        workers_at_work(pool, mailbox, make_gate(), 2)
        gate = make_gate()
        result = pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(1)])
        (pid,) = mailbox.receive_pids(1)
        stats = pool.stats()
        gate.open()
        assert result.get() == [0]
    busy, idle = sorted(stats.workers, key=lambda worker: worker.state)
    assert (busy.pid, busy.state, busy.function, busy.task) == (pid, "busy", "arrive", 0)
    assert 0 < busy.seconds < stats.uptime
    assert (idle.state, idle.function, idle.task, idle.seconds) == ("idle", None, None, 0.0)
    assert {busy.number, idle.number} == {1, 2}
    assert (busy.tasks_done, idle.tasks_done) == (1, 1)
    assert (stats.tasks_done, stats.tasks_running, stats.tasks_queued) == (2, 1, 0)
    assert 0 < stats.utilisation < 1


@pytest.mark.parametrize("cls", CLASSES)
def test_a_task_in_the_middle_of_a_long_grant(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    """Those before it are done, although the worker has not reported any."""
    with cls(1) as pool:
        items = [((mailbox, gate) if n == 37 else None, n) for n in range(50)]
        result = pool.starmap_async(tasks.arrive_if_any, items, 50)
        mailbox.receive_pids(1)
        stats = pool.stats()
        gate.open()
        assert result.get() == list(range(50))
        assert until(pool, lambda stats: not stats.tasks_running).tasks_done == 50
    (worker,) = stats.workers
    assert (worker.function, worker.task) == ("arrive_if_any", 37)
    assert (worker.tasks_done, stats.tasks_done) == (37, 37)
    assert (stats.tasks_running, stats.tasks_queued) == (1, 12)
    assert worker.pid != os.getpid() or cls is gopool.ThreadPool


@pytest.mark.parametrize("cls", CLASSES)
def test_what_has_been_done(cls: type[gopool.Pool]) -> None:
    """All of it, also when the pool has ended."""
    with cls(2) as pool:
        pool.map(tasks.identity, range(1000))
        assert list(pool.imap(tasks.identity, range(100))) == list(range(100))
        with pytest.raises(TypeError):
            pool.apply(tasks.square, ("x",))
        pool.close()
        pool.join()
        last = pool.stats()
    assert (last.tasks_done, last.tasks_lost, last.tasks_retried) == (1101, 0, 0)
    assert (last.tasks_queued, last.tasks_running, last.workers) == (0, 0, ())
    assert pool.stats() == last


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_lost_tasks_and_new_workers(method: str) -> None:
    """Each loss is one task; the worker in the place of another has a new number."""
    with gopool.Pool(2, context=multiprocessing.get_context(method)) as pool:
        for number in range(2):
            with suppress(gopool.WorkerLostError):
                pool.apply(deaths.die_at, (number, number))
        stats = until(pool, lambda stats: len(stats.workers) == 2)
    assert (stats.tasks_lost, stats.tasks_done) == (2, 0)
    assert max(worker.number for worker in stats.workers) > 2


def test_a_worker_that_starts_and_one_that_retires(
    mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """They have states of their own."""
    first, second = make_gate(), make_gate()
    with gopool.Pool(1, tasks.arrive, (mailbox, first, 0), maxtasksperchild=1) as pool:
        mailbox.receive(1)
        assert [worker.state for worker in pool.stats().workers] in ([], ["starting"])
        result = pool.apply_async(tasks.arrive, (mailbox, second, 1))
        stats = until(pool, lambda stats: bool(stats.workers))
        assert (stats.tasks_queued, stats.tasks_running) == (1, 0)
        first.open()
        mailbox.receive(1)
        # Its successor may have been started.
        assert pool.stats().workers[0].state == "retiring"
        second.open()
        assert result.get() == 1


def test_bytes_in_pipes_and_in_shared_memory() -> None:
    """What is large is counted like what is small."""
    with gopool.Pool(1) as pool:
        pool.apply(tasks.length, (bytes(100),))
        small = pool.stats()
        assert 100 < small.bytes_sent < 1000
        assert 0 < small.bytes_received < 100
        pool.apply(tasks.length, (bytes(1 << 20),))
        kept = pool.apply(tasks.zeros, (1 << 21,))
        stats = pool.stats()
        assert (1 << 20) < stats.bytes_sent - small.bytes_sent < (1 << 20) + 1000
        assert (1 << 21) < stats.bytes_received - small.bytes_received < (1 << 21) + 1000
        assert stats.shared_memory_caller >= 1 << 20
        assert stats.shared_memory_workers >= 1 << 21
        assert len(kept) == 1 << 21


def test_utilisation(mailbox: Mailbox, make_gate: Callable[[], Gate]) -> None:
    """One of two workers that is in a task all the time makes a half, reported or not.

    It comes near to that in several times as long as both were idle at first.
    """
    with gopool.Pool(2) as pool:
        workers_at_work(pool, mailbox, make_gate(), 2)
        gate = make_gate()
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        mailbox.receive(1)
        running = until(pool, lambda stats: stats.utilisation > 0.35)
        gate.open()
        result.get()
        later = until(pool, lambda stats: stats.utilisation < 0.3)
    assert running.tasks_running == 1
    assert later.tasks_running == 0


def test_asked_all_the_time_while_workers_die() -> None:
    """Nothing is counted twice: what is done, lost, queued and run is what was submitted."""
    wrong: list[gopool.PoolStats] = []
    with gopool.Pool(2) as pool:
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                stats = pool.stats()
                sum_of_all = (
                    stats.tasks_done + stats.tasks_lost + stats.tasks_queued + stats.tasks_running
                )
                if sum_of_all != 400:
                    wrong.append(stats)

        result = pool.map_async(deaths.die_at_many, range(400), return_exceptions=True)
        thread = threading.Thread(target=ask)
        thread.start()
        found = result.get()
        stop.set()
        thread.join()
        last = pool.stats()
    lost = sum(isinstance(value, gopool.WorkerLostError) for value in found)
    assert (lost, last.tasks_lost, last.tasks_done) == (8, 8, 392)
    assert not wrong


@pytest.mark.parametrize("cls", CLASSES)
def test_terminated_in_the_middle(cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate) -> None:
    """A task whose call has ended is not lost: nobody asks for it any more."""
    with cls(1) as pool:
        pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(3)])
        mailbox.receive(1)
        pool.terminate()
        gate.open()
        pool.join()
        stats = pool.stats()
    assert (stats.tasks_lost, stats.tasks_queued, stats.workers) == (0, 0, ())


@pytest.mark.parametrize(
    "use", [gopool.Pool.stats, lambda pool: pool.trace("/dev/null")], ids=["stats", "trace"]
)
def test_a_forked_child_has_none(use: Callable[[gopool.Pool], object]) -> None:
    """Nor a timeline. Its parent has."""
    with gopool.Pool(1) as pool:
        child = os.fork()
        if not child:
            try:
                use(pool)
            except RuntimeError:
                os._exit(7)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
