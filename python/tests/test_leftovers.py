"""What workers have started ends with the pool: in their process group, and by `terminate`."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from multiprocessing.context import BaseContext

import pytest
from support import PoolClass, offspring, tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.processes import still_running
from support.programs import Program

from gopool import _supervisor

_LEAVES = "multiprocessing leaves them running"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pools wait as long as it takes for what ends when it is asked to."""
    monkeypatch.setattr(_supervisor, "GRACE", DEADLINE)
    monkeypatch.setattr(_supervisor, "GRACE_OF_LEFTOVERS", DEADLINE)


@pytest.mark.gopool_only(_LEAVES)
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
@pytest.mark.usefixtures("patient")
def test_what_a_task_has_started_ends_with_the_pool(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, busy: bool
) -> None:
    """Programs, what those have started, and forks: whether the task is over or not."""
    with Pool(2, context=context) as pool:
        if busy:
            pool.apply_async(offspring.start_and_wait, (mailbox, offspring.start_all_kinds))
        else:
            pool.apply(offspring.start_all_kinds, (mailbox,))
        pids = mailbox.receive_pids(offspring.KINDS)
    assert still_running(pids, 0) == []


@pytest.mark.gopool_only(_LEAVES)
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
@pytest.mark.usefixtures("patient")
def test_it_is_asked_to_end(Pool: PoolClass, mailbox: Mailbox, ledger: Ledger, busy: bool) -> None:
    """By SIGTERM, which it may have a handler for."""
    start = functools.partial(offspring.start_tidy, ledger)
    assert still_running(started_by_a_task(Pool, mailbox, start, busy), 0) == []
    assert ledger.read() == ["tidy"]


@pytest.mark.gopool_only(_LEAVES)
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_what_does_not_end_then_is_killed(Pool: PoolClass, mailbox: Mailbox, busy: bool) -> None:
    """Where SIGTERM is ignored."""
    assert still_running(started_by_a_task(Pool, mailbox, offspring.start_deaf, busy)) == []


def started_by_a_task(
    Pool: PoolClass, mailbox: Mailbox, start: Callable[[Mailbox], object], busy: bool
) -> list[int]:
    """Return what a task has started in a pool that has been terminated, in the task or after."""
    with Pool(2) as pool:
        if busy:
            pool.apply_async(offspring.start_and_wait, (mailbox, start))
        else:
            pool.apply(start, (mailbox,))
        return mailbox.receive_pids(1)


@pytest.mark.gopool_only(_LEAVES)
@pytest.mark.usefixtures("patient")
def test_a_worker_that_starts_more_meanwhile_leaves_none(
    Pool: PoolClass, mailbox: Mailbox, ledger: Ledger
) -> None:
    """It is stopped before it is looked at."""
    with Pool(2) as pool:
        pool.map_async(functools.partial(offspring.start_without_end, ledger), [mailbox] * 2, 1)
        mailbox.receive(1)
    assert still_running(ledger.numbers(), 0) == []


STARTS_A_PROGRAM = """
import multiprocessing, subprocess
import gopool
from gopool import _process
from support.latches import DEADLINE, Gate, Mailbox

if __name__ == "__main__":
    kill = _process.WorkerProcess.kill

    def kill_and_wait(worker):
        kill(worker)
        worker.process.join(DEADLINE)

    _process.WorkerProcess.kill = kill_and_wait
    with gopool.Pool(1, context=multiprocessing.get_context("spawn")):
        Gate({gate!r}).wait()
else:
    Mailbox({mailbox!r}).send(subprocess.Popen(["sleep", "60"]).pid)
    multiprocessing.Event().wait()
"""


@pytest.mark.gopool_only(_LEAVES)
def test_what_a_worker_has_started_that_has_not_begun_ends(
    start_program: Callable[..., Program], mailbox: Mailbox, gate: Gate
) -> None:
    """Under spawn it runs the program's module before anything else."""
    running = start_program(STARTS_A_PROGRAM.format(mailbox=mailbox.path, gate=gate.path))
    (pid,) = mailbox.receive_pids(1)
    gate.open()
    assert running.outcome().status == 0
    assert still_running([pid]) == []


@pytest.mark.gopool_only("multiprocessing waits for a stopped process for ever")
def test_what_a_stopped_worker_has_started_ends(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """As does the worker."""
    with Pool(1) as pool:
        pool.apply_async(offspring.start_and_stop_self, (mailbox, gate))
        pids = mailbox.receive_pids(1)
    assert still_running(pids) == []


@pytest.mark.gopool_only("multiprocessing ends idle workers by SIGTERM")
@pytest.mark.usefixtures("patient")
def test_exit_handlers_of_idle_workers_find_it_running(
    Pool: PoolClass, mailbox: Mailbox, ledger: Ledger
) -> None:
    """What is left behind is what is there when the worker has gone."""
    with Pool(1, offspring.start_as_initializer, (mailbox, ledger)) as pool:
        pids = mailbox.receive_pids(1)
        pool.apply(tasks.nothing)
    assert still_running(pids, 0) == []
    assert ledger.read() == ["None"]


@pytest.mark.parametrize("end", ["terminate", "close"])
def test_what_should_stay_stays(Pool: PoolClass, mailbox: Mailbox, end: str) -> None:
    """With `terminate` that is what has a process group of its own; with `close`, everything."""
    pool = Pool(1)
    pool.apply(offspring.start_daemon, (mailbox,))
    if end == "close":
        pool.apply(offspring.start_all_kinds, (mailbox,))
    pids = mailbox.receive_pids(1 + offspring.KINDS * (end == "close"))
    getattr(pool, end)()
    pool.join()
    try:
        assert still_running(pids, 0) == pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert still_running(pids) == []
