"""Worker processes: how many, what they are, how they begin and when they are replaced."""

from __future__ import annotations

import collections
import multiprocessing
import os
import re
import signal

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox
from support.processes import child_pids, workers_at_work


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_every_worker_is_used(Pool: PoolClass, mailbox: Mailbox, gate: Gate, count: int) -> None:
    """As many tasks run at the same time as there are workers, each in a process of its own."""
    with Pool(count) as pool:
        pids = workers_at_work(pool, mailbox, gate, count)
        assert len(pids) == count
        assert os.getpid() not in pids


def test_no_more_tasks_run_than_there_are_workers(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """The tasks behind wait for their turn."""
    with Pool(2) as pool:
        result = pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(6)], 1)
        first = mailbox.receive_pids(2)
        assert mailbox.is_empty()
        gate.open()
        assert result.get() == list(range(6))
        assert set(mailbox.receive_pids(4)) <= set(first)


def test_the_default_is_one_worker_per_processor(Pool: PoolClass) -> None:
    """The count is that of the standard library for this version."""
    count = getattr(os, "process_cpu_count", os.cpu_count)()
    before = child_pids()
    with Pool(context=multiprocessing.get_context("fork")) as pool:
        pool.apply(tasks.nothing)
        assert len(child_pids() - before) == count


def test_workers_are_there_before_the_first_task(Pool: PoolClass) -> None:
    """They are started by the constructor, not by the first call."""
    before = child_pids()
    with Pool(3, context=multiprocessing.get_context("fork")):
        assert len(child_pids() - before) == 3


def test_workers_are_named_as_pool_workers(Pool: PoolClass) -> None:
    """Names end in PoolWorker and a number, and differ."""
    with Pool(3) as pool:
        names = set(pool.map(tasks.process_name, range(30), 1))
    assert all(re.fullmatch(r"(Fork|ForkServer|Spawn)?PoolWorker-\d+", name) for name in names)


def test_workers_are_daemonic(Pool: PoolClass) -> None:
    """So they may not have children of their own, and end with the interpreter."""
    with Pool(1) as pool:
        assert pool.apply(tasks.is_daemon) is True
        with pytest.raises(AssertionError, match="daemonic processes are not allowed"):
            pool.apply(tasks.start_a_process)


def test_workers_know_their_parent(Pool: PoolClass) -> None:
    """``multiprocessing.parent_process`` is the process of the pool."""
    with Pool(1) as pool:
        assert pool.apply(tasks.recorded_parent) == os.getpid()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD])
def test_workers_keep_their_default_signal_handlers(Pool: PoolClass, number: int) -> None:
    """A pool handles no signal on its users' behalf."""
    with Pool(1) as pool:
        assert pool.apply(tasks.signal_is_default, (number,))


def test_the_initializer_runs_once_in_each_worker(Pool: PoolClass) -> None:
    """Its effect is there before the first task, and it is not run again for later ones."""
    started = multiprocessing.Value("i", 0)
    with Pool(3, tasks.count_and_keep, (started, "kept")) as pool:
        kept = pool.map(tasks.are_kept_with, ["kept"] * 50, 1)
        assert kept == [True] * 50
        pool.close()
        pool.join()
    assert started.value == 3


def test_initargs_may_be_any_iterable(Pool: PoolClass) -> None:
    """A list, a range; and an initializer without arguments."""
    for initargs in ([1, 2], range(2), ()):
        with Pool(1, tasks.keep, initargs) as pool:
            assert pool.apply(tasks.kept) == tuple(initargs)


def test_a_worker_is_replaced_after_maxtasksperchild_tasks(Pool: PoolClass) -> None:
    """Each process runs exactly that many, and the pool goes on."""
    with Pool(1, maxtasksperchild=2) as pool:
        counts = collections.Counter(pool.map(tasks.pid, range(8), 1))
        assert list(counts.values()) == [2, 2, 2, 2]
        assert len({pool.apply(tasks.pid) for _ in range(6)}) == 3


def test_maxtasksperchild_counts_chunks(Pool: PoolClass) -> None:
    """A chunk is one task, as in the standard library."""
    with Pool(1, maxtasksperchild=1) as pool:
        counts = collections.Counter(pool.map(tasks.pid, range(12), 4))
        assert list(counts.values()) == [4, 4, 4]


def test_maxtasksperchild_with_several_workers(Pool: PoolClass) -> None:
    """No process runs more than its share, nothing is lost and nothing is out of order."""
    with Pool(3, maxtasksperchild=5) as pool:
        results = pool.map(tasks.number_and_pid, range(100), 1)
    assert [number for number, _ in results] == list(range(100))
    assert max(collections.Counter(pid for _, pid in results).values()) == 5


def test_replaced_workers_are_initialized(Pool: PoolClass) -> None:
    """The initializer runs in every replacement."""
    with Pool(1, tasks.keep, ("kept",), 1) as pool:
        assert [pool.apply(tasks.kept) for _ in range(4)] == [("kept",)] * 4


def test_an_error_counts_as_a_task(Pool: PoolClass) -> None:
    """A worker that has raised twice has run two tasks."""
    with Pool(1, maxtasksperchild=2) as pool:
        first = pool.apply(tasks.pid)
        with pytest.raises(KeyError):
            pool.apply(tasks.fail, (KeyError(),))
        assert pool.apply(tasks.pid) != first


def test_outstanding_work_ends_after_close_though_workers_retire(Pool: PoolClass) -> None:
    """Replacements are still started for it."""
    pool = Pool(2, maxtasksperchild=1)
    result = pool.map_async(tasks.square, range(20), 1)
    pool.close()
    pool.join()
    assert result.get() == [n * n for n in range(20)]
