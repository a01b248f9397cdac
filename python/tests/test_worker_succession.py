"""A worker that retires is replaced before it has ended. Its finalizer runs before it is gone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import deaths, tasks
from support.latches import Gate, Ledger, Mailbox
from support.processes import child_pids, kill_child, still_running, workers_at_work
from support.programs import Program

import gopool


@pytest.fixture(params=["fork", "spawn"])
def start(request: pytest.FixtureRequest) -> BaseContext:
    method: str = request.param
    return multiprocessing.get_context(method)


def announce(mailbox: Mailbox) -> None:
    mailbox.send(os.getpid())


class Finalizer:
    """A finalizer that travels to workers of any start method."""

    def __init__(self, ledger: Ledger, gate: Gate | None = None, fails: bool = False) -> None:
        self.ledger = ledger
        self.gate = gate
        self.fails = fails

    def __call__(self) -> None:
        if self.gate is not None:
            self.gate.wait()
        self.ledger.write(f"end {threading.current_thread().name} {os.getpid()}")
        if self.fails:
            raise LookupError("nothing to finalize")


def note(ledger: Ledger, _: object = None) -> int:
    ledger.write(f"task {os.getpid()}")
    return os.getpid()


def test_the_replacement_is_ready_before_the_other_has_ended(
    mailbox: Mailbox, gate: Gate, start: BaseContext
) -> None:
    """Its initializer runs while the other is in its last task; its first task waits for that."""
    before = child_pids()
    with gopool.Pool(1, announce, (mailbox,), 1, start) as pool:
        (first,) = mailbox.receive_pids(1)
        held = pool.apply_async(Gate.wait, (gate,))
        queued = pool.apply_async(tasks.pid)
        (second,) = mailbox.receive_pids(1)
        workers = child_pids() - before
        assert {first, second} <= workers
        assert not held.ready()
        assert not queued.ready()
        gate.open()
        assert queued.get() == second != first


def test_a_replacement_that_dies_before_its_turn_is_replaced(mailbox: Mailbox, gate: Gate) -> None:
    with gopool.Pool(1, announce, (mailbox,), 1) as pool:
        first = mailbox.receive_pids(1)
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 7))
        queued = pool.map_async(tasks.square, range(5), 1)
        (replacement,) = {*mailbox.receive_pids(2)} - {*first}
        assert kill_child(replacement)
        assert still_running([replacement]) == []
        gate.open()
        assert held.get() == 7
        assert queued.get() == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("count", [1, 3])
def test_there_are_never_more_than_two_workers_in_a_place(count: int) -> None:
    before = child_pids()
    seen = []
    with gopool.Pool(count, maxtasksperchild=1) as pool:
        for _ in pool.imap_unordered(tasks.pid, range(60)):
            seen.append(len(child_pids() - before))
    assert max(seen) <= 3 * count  # with those that have ended and are not reaped yet


def test_a_pool_that_is_closed_replaces_nobody_in_vain(mailbox: Mailbox, gate: Gate) -> None:
    """All tasks are out: nobody needs another worker."""
    pool = gopool.Pool(2, announce, (mailbox,), 1)
    mailbox.receive(2)
    result = pool.map_async(tasks.square, range(2), 1)
    pool.close()
    pool.join()
    assert result.get() == [0, 1]


def test_the_finalizer_runs_behind_the_last_task(ledger: Ledger, start: BaseContext) -> None:
    """When the pool is closed, once in each worker."""
    pool = gopool.Pool(2, context=start, finalizer=Finalizer(ledger))
    pids = {*pool.map(tasks.pid, range(20), 1)}
    pool.starmap(note, [(ledger,)] * 20)
    pool.close()
    pool.join()
    lines = [line.split() for line in ledger.read()]
    ends = {words[-1] for words in lines if words[0] == "end"}
    assert len([words for words in lines if words[0] == "end"]) == len(ends) == 2
    assert {str(pid) for pid in pids} <= ends
    for pid in ends:
        assert [words[0] for words in lines if words[-1] == pid][-1] == "end"


@pytest.mark.parametrize("option", ["maxtasksperchild", "max_memory_per_worker"])
def test_it_has_ended_before_the_next_worker_begins(
    ledger: Ledger, start: BaseContext, option: str
) -> None:
    options: Any = {option: 1}
    with gopool.Pool(1, context=start, finalizer=Finalizer(ledger), **options) as pool:
        pids = [pool.apply(note, (ledger,)) for _ in range(4)]
        assert len(set(pids)) == 4
    words = [line.split() for line in ledger.read()]
    order = [(word[0], int(word[-1])) for word in words]
    assert order[:7] == [(kind, pid) for pid in pids for kind in ("task", "end")][:7]


@pytest.mark.usefixtures("long_grace")
def test_it_runs_in_idle_workers_of_a_pool_that_is_terminated(
    ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    with gopool.Pool(3, finalizer=Finalizer(ledger)) as pool:
        workers_at_work(pool, mailbox, gate, 3)
    assert len(ledger.read()) == 3


def test_it_does_not_run_in_workers_that_are_killed(ledger: Ledger, gate: Gate) -> None:
    with gopool.Pool(1, finalizer=Finalizer(ledger)) as pool:
        with pytest.raises(gopool.WorkerLostError):
            pool.apply(deaths.die_by, (signal.SIGKILL,))
        pool.apply_async(Gate.wait, (gate,))
        pool.apply_async(tasks.square, (1,))
    assert ledger.read() == []


def test_nor_where_the_initializer_has_failed(ledger: Ledger) -> None:
    with pytest.raises(gopool.BrokenPoolError):
        with gopool.Pool(1, deaths.initialize_badly, finalizer=Finalizer(ledger)) as pool:
            pool.apply(tasks.square, (1,))
    assert ledger.read() == []


def test_results_do_not_wait_for_it(ledger: Ledger, gate: Gate) -> None:
    pool = gopool.Pool(1, maxtasksperchild=1, finalizer=Finalizer(ledger, gate))
    assert pool.apply(tasks.square, (3,)) == 9
    assert ledger.read() == []
    pool.close()
    gate.open()
    pool.join()
    assert ledger.read()


def test_what_it_raises_is_printed_and_changes_nothing(
    start_program: Callable[..., Program],
) -> None:
    outcome = start_program(
        """
        import gopool
        from support import tasks

        def finalize():
            raise LookupError("nothing to finalize")

        if __name__ == "__main__":
            for cls in gopool.Pool, gopool.ThreadPool:
                pool = cls(1, finalizer=finalize)
                assert pool.map(tasks.square, range(3), 1) == [0, 1, 4]
                pool.close()
                pool.join()
        """
    ).outcome()
    assert outcome.status == 0
    assert outcome.stderr.count("LookupError: nothing to finalize") == 2


def test_threads_have_one_too(ledger: Ledger) -> None:
    pool = gopool.ThreadPool(3, finalizer=Finalizer(ledger))
    assert pool.map(tasks.square, range(10)) == [n * n for n in range(10)]
    assert ledger.read() == []
    pool.close()
    pool.join()
    assert len({line.split()[1] for line in ledger.read()}) == 3


@pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])
def test_it_must_be_callable(cls: type[gopool.Pool]) -> None:
    with pytest.raises(TypeError, match=r"^finalizer must be a callable$"):
        cls(1, finalizer=3)  # type: ignore[arg-type]


def test_a_worker_that_was_closed_before_its_first_task_ends_in_the_normal_way(
    ledger: Ledger, start: BaseContext
) -> None:
    pool = gopool.Pool(2, context=start, finalizer=Finalizer(ledger))
    pids = child_pids()
    pool.close()
    pool.join()
    assert len(ledger.read()) == 2
    assert still_running(pids - child_pids()) == []
