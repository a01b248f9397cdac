"""``terminate`` stops everything at once, whatever the workers are doing."""

from __future__ import annotations

import functools
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import PoolClass, deaths, hostile, tasks
from support.latches import Gate, Ledger, Mailbox
from support.processes import still_running, workers_at_work

import gopool

pytestmark = pytest.mark.faults

AT_ONCE = 10.0
"""Seconds: far more than needed, far less than any task below would take."""


@contextmanager
def at_once() -> Iterator[None]:
    """Fail when the block takes as long as only waiting for a task would explain."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < AT_ONCE


@pytest.mark.parametrize(
    "task", [tasks.sleep_for_minutes, tasks.loop_in_c], ids=lambda t: t.__name__
)
def test_a_busy_worker_is_stopped(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, task: Any
) -> None:
    """In the middle of a sleep and in the middle of C code, for every start method."""
    with at_once():
        pool = Pool(2, context=context)
        pool.map_async(functools.partial(task, mailbox), range(10), 1)
        pids = mailbox.receive_pids(2)
        pool.terminate()
        pool.join()
        assert still_running(pids, 0) == []


@pytest.mark.gopool_only("multiprocessing ends all workers by SIGTERM")
def test_a_worker_that_has_not_begun_is_killed(mailbox: Mailbox) -> None:
    """And not stopped and asked: it would stay stopped if this process ended just then."""
    spawn = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = gopool.Pool(1, tasks.nothing, (hostile.LoopsInWhoRebuildsIt(mailbox),), context=spawn)
    (worker,) = set(multiprocessing.active_children()) - before
    mailbox.receive(1)
    pool.terminate()
    pool.join()
    assert worker.exitcode == -signal.SIGKILL


def test_a_hundred_thousand_queued_tasks_stay_undone(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """The length of the queue does not matter."""
    with Pool(1) as pool:
        pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        pool.map_async(functools.partial(tasks.note, ledger), range(100_000), 1)
        mailbox.receive(1)
        with at_once():
            pool.terminate()
            pool.join()
    assert ledger.read() == []


@pytest.mark.gopool_only("multiprocessing deadlocks now and then")
def test_workers_are_stopped_while_they_send_much(Pool: PoolClass) -> None:
    """In the middle of large results and arguments, in both directions."""
    for _ in range(5):
        with at_once():
            pool = Pool(2)
            results = pool.map_async(tasks.zeros, [5_000_000] * 20, 1)
            arguments = pool.map_async(tasks.length, [bytes(5_000_000)] * 20, 1)
            pool.apply_async(tasks.nothing).wait(0.01)
            pool.terminate()
            pool.join()
        del results, arguments


def test_terminate_after_close_does_not_wait(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """A closed pool that is still at work can be stopped."""
    pool = Pool(1)
    pool.starmap_async(tasks.arrive_and_note, [(mailbox, gate, ledger, n) for n in range(9)], 1)
    mailbox.receive(1)
    pool.close()
    with at_once():
        pool.terminate()
        pool.join()
    gate.open()
    assert ledger.read() == []


def test_terminate_wakes_a_thread_that_joins(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """``join`` after ``close`` returns when another thread terminates."""
    pool = Pool(1)
    pool.apply_async(tasks.arrive, (mailbox, gate, 1))
    mailbox.receive(1)
    pool.close()
    joining = threading.Thread(target=pool.join)
    joining.start()
    with at_once():
        pool.terminate()
        joining.join()


def test_a_finished_result_survives_terminate(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """What was ready stays ready."""
    with Pool(2) as pool:
        done = pool.apply_async(tasks.square, (3,))
        done.wait()
        pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        pool.terminate()
        assert done.ready()
        assert done.get(0) == 9


@pytest.mark.gopool_only("multiprocessing hangs in get()")
def test_undone_work_raises_when_it_is_asked_for(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """Running or queued, single or mapped: each get raises PoolTerminatedError, again and again."""
    import gopool

    with Pool(1) as pool:
        results: list[Any] = [
            pool.apply_async(tasks.arrive, (mailbox, gate, 1)),
            pool.apply_async(tasks.square, (3,)),
            pool.map_async(tasks.square, range(100)),
            pool.starmap_async(tasks.add, [(1, 2)] * 100, 1),
        ]
        mailbox.receive(1)
    for result in results * 2:
        result.wait(0)
        assert result.ready()
        assert not result.successful()
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()


@pytest.mark.gopool_only("multiprocessing hangs in get()")
@pytest.mark.parametrize("timeout", [None, 500])
def test_terminate_wakes_threads_that_wait(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, timeout: float | None
) -> None:
    """Whether they wait with a timeout or without."""
    import gopool

    raised: list[BaseException] = []

    def wait_for(get: Callable[[], object]) -> None:
        try:
            get()
        except (gopool.PoolTerminatedError, ValueError) as error:
            raised.append(error)

    with Pool(1) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        queued = pool.map_async(tasks.square, range(10))
        calls: list[Callable[[], object]] = [
            lambda: held.get(timeout),
            lambda: queued.get(timeout),
            lambda: pool.map(tasks.square, range(10)),
        ]
        threads = [threading.Thread(target=wait_for, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        mailbox.receive(1)
        with at_once():
            pool.terminate()
            for thread in threads:
                thread.join()
    # The map may have come too late to be accepted: "Pool not running".
    refused = [error for error in raised if isinstance(error, ValueError)]
    assert len(raised) == 3
    assert len(refused) <= 1


@pytest.mark.gopool_only("multiprocessing asks with SIGTERM only, and waits for ever")
@pytest.mark.parametrize(
    "task", [tasks.sleep_for_minutes, tasks.loop_in_c], ids=lambda t: t.__name__
)
def test_a_worker_that_ignores_sigterm_is_stopped(
    Pool: PoolClass, mailbox: Mailbox, task: Any
) -> None:
    """A worker cannot refuse."""
    with at_once():
        pool = Pool(2, deaths.ignore_sigterm)
        pool.map_async(functools.partial(task, mailbox), range(2), 1)
        mailbox.receive(2)
        pool.terminate()
        pool.join()


@pytest.mark.gopool_only("multiprocessing's workers inherit the handler, and wait for ever")
def test_a_handler_of_sigterm_in_the_caller_does_not_protect_workers(
    Pool: PoolClass, mailbox: Mailbox
) -> None:
    """Workers that fork from a program with a handler of its own are stopped in C code, too."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with at_once():
            pool = Pool(1)
            pool.apply_async(tasks.loop_in_c, (mailbox,))
            mailbox.receive(1)
            pool.terminate()
            pool.join()
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.gopool_only("multiprocessing waits for a stopped process for ever")
def test_a_stopped_worker_is_ended(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """A worker in the hands of a debugger or of SIGSTOP does not hold up ``terminate``."""
    import os

    with at_once():
        pool = Pool(1)
        pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        (pid,) = mailbox.receive_pids(1)
        os.kill(pid, signal.SIGSTOP)
        pool.terminate()
        pool.join()


@pytest.mark.gopool_only("multiprocessing ends idle workers by SIGTERM")
@pytest.mark.usefixtures("long_grace")
@pytest.mark.parametrize("end", ["terminate", "close"])
def test_exit_handlers_of_idle_workers_run(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate, ledger: Ledger, end: str
) -> None:
    """As those that write coverage data; those of a worker that is in a task do not."""
    pool = Pool(2, tasks.note_at_exit, (ledger,), context=context)
    workers_at_work(pool, mailbox, gate, 2)
    getattr(pool, end)()
    pool.join()
    assert ledger.read() == ["exit"] * 2


@pytest.mark.gopool_only("multiprocessing consumes the input first")
@pytest.mark.parametrize("stopped", [False, True])
def test_an_endless_generator_does_not_hold_it_up(
    Pool: PoolClass, mailbox: Mailbox, stopped: bool
) -> None:
    """Nor do workers that are stopped in the midst of its tasks, with large arguments behind."""
    import itertools
    import os

    pool = Pool(2)
    iterator = pool.imap(
        functools.partial(tasks.sleep_for_minutes, mailbox),
        (bytes(1 << 20) for _ in itertools.count()),
    )
    pids = mailbox.receive_pids(2)
    if stopped:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
    with at_once():
        pool.terminate()
        pool.join()
    assert still_running(pids, 0) == []
    del iterator


@pytest.mark.gopool_only("multiprocessing waits for the worker that unpickles")
def test_an_argument_that_is_unpickled_for_ever(Pool: PoolClass, mailbox: Mailbox) -> None:
    """It occupies one worker, and no more than that; its pool ends all the same."""
    from support import hostile

    with Pool(2) as pool:
        pool.apply_async(tasks.identity, (hostile.LoopsInWhoRebuildsIt(mailbox),))
        mailbox.receive_pids(1)
        assert pool.map(tasks.square, range(50), 1) == [n * n for n in range(50)]
        with at_once():
            pool.terminate()
            pool.join()
