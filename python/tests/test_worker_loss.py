"""A worker that dies takes one task with it, and nothing else."""

from __future__ import annotations

import os
import signal
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import PoolClass, deaths, hostile, tasks
from support.latches import Gate, Mailbox
from support.processes import child_pids, still_running, workers_at_work

import gopool
from gopool import _lender

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing hangs when a worker dies"),
]

DEATHS: dict[str, tuple[Any, tuple[Any, ...], str]] = {
    "SIGKILL": (deaths.die_by, (signal.SIGKILL,), r"\bSIGKILL\b"),
    "SIGTERM": (deaths.die_by, (signal.SIGTERM,), r"\bSIGTERM\b"),
    "SIGSEGV": (deaths.crash_silently, (), r"\bSIGSEGV\b"),
    "os._exit(3)": (deaths.exit_with, (3,), r"\b3\b"),
    "os._exit(0)": (deaths.exit_with, (0,), r"\b0\b"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_the_task_of_a_dead_worker_raises(Pool: PoolClass, death: str) -> None:
    """The message names the signal or the exit code, and the pool goes on with a new worker."""
    function, arguments, message = DEATHS[death]
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        result = pool.apply_async(function, arguments)
        for _ in range(2):
            with pytest.raises(gopool.WorkerLostError, match=message):
                result.get()
        assert not result.successful()
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
        assert pool.apply(tasks.pid) != pid


def test_the_error_is_a_runtime_error() -> None:
    """So that ``except RuntimeError`` and ``except Exception`` catch it."""
    assert issubclass(gopool.WorkerLostError, RuntimeError)


def test_a_worker_killed_from_outside(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """As the kernel does when memory runs out: in the middle of a task that does nothing wrong."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.arrive, (mailbox, gate, n)) for n in range(2)]
        victim, survivor = mailbox.receive_pids(2)
        os.kill(victim, signal.SIGKILL)
        assert still_running([victim]) == []
        outcomes = []
        gate.open()
        for number, result in enumerate(results):
            try:
                assert result.get() == number
                outcomes.append("done")
            except gopool.WorkerLostError as error:
                outcomes.append("SIGKILL" if "SIGKILL" in str(error) else str(error))
        assert sorted(outcomes) == ["SIGKILL", "done"]
        assert survivor in pool.map(tasks.pid, range(100), 1)


def test_every_start_method_survives_a_death(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate
) -> None:
    """Error, replacement and number of workers are the same for all three."""
    with Pool(2, context=context) as pool:
        with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
            pool.apply(deaths.die_by, (signal.SIGKILL,))
        with pytest.raises(gopool.WorkerLostError, match=r"\b3\b"):
            pool.apply(deaths.exit_with, (3,))
        assert len(workers_at_work(pool, mailbox, gate, 2)) == 2


def test_the_number_of_workers_is_restored(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Every dead worker is replaced, and by no more than one."""
    before = child_pids()
    with Pool(3) as pool:
        results = [pool.apply_async(deaths.die_by, (signal.SIGKILL,)) for _ in range(7)]
        for result in results:
            with pytest.raises(gopool.WorkerLostError):
                result.get()
        assert len(workers_at_work(pool, mailbox, gate, 3)) == 3
        assert len(child_pids() - before) == 3


def test_many_deaths_in_a_row(Pool: PoolClass) -> None:
    """A pool does not wear out."""
    with Pool(2) as pool:
        for number in range(25):
            with pytest.raises(gopool.WorkerLostError):
                pool.apply(deaths.die_by, (signal.SIGKILL,))
            assert pool.apply(tasks.square, (number,)) == number * number


def test_all_workers_die_at_once(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """All of them are replaced, and what was queued is done."""
    with Pool(3) as pool:
        lost = [pool.apply_async(tasks.arrive, (mailbox, gate, n)) for n in range(3)]
        victims = mailbox.receive_pids(3)
        queued = pool.map_async(tasks.square, range(200), 1)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        for result in lost:
            with pytest.raises(gopool.WorkerLostError):
                result.get()
        assert queued.get() == [n * n for n in range(200)]


def test_an_idle_worker_that_dies_is_replaced(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """No task was lost, so nobody hears of it."""
    with Pool(2) as pool:
        pids = workers_at_work(pool, mailbox, gate, 2)
        os.kill(min(pids), signal.SIGKILL)
        assert still_running([min(pids)]) == []
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]


def test_idle_workers_that_die_lose_nothing_even_under_a_new_task(Pool: PoolClass) -> None:
    """The task may have been sent to a worker that was dead already: it is sent again."""
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        for number in range(20):
            os.kill(pid, signal.SIGKILL)
            assert pool.apply(tasks.square, (number,)) == number * number
            pid = pool.apply(tasks.pid)


def test_a_map_with_a_death_raises_and_the_next_one_works(Pool: PoolClass) -> None:
    """For chunks of one and of many."""
    with Pool(2) as pool:
        for chunksize in (1, 4, None):
            with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
                pool.map(deaths.die_by, [signal.SIGKILL], chunksize)
            assert pool.map(tasks.square, range(10), chunksize) == [n * n for n in range(10)]


def test_the_error_callback_hears_of_a_death(Pool: PoolClass) -> None:
    """Once, with the error that ``get`` raises."""
    errors: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(deaths.exit_with, (3,), error_callback=errors.append)
        with pytest.raises(gopool.WorkerLostError) as raised:
            result.get()
    assert errors == [raised.value]


def test_close_and_join_end_after_a_death(Pool: PoolClass) -> None:
    """A lost task is a finished task."""
    pool = Pool(1)
    lost = pool.apply_async(deaths.exit_with, (3,))
    rest = pool.map_async(tasks.square, range(50), 1)
    pool.close()
    pool.join()
    with pytest.raises(gopool.WorkerLostError):
        lost.get(0)
    assert rest.get(0) == [n * n for n in range(50)]


def test_an_argument_that_kills_whoever_unpickles_it(Pool: PoolClass) -> None:
    """It is given up, not sent from worker to worker for ever; its neighbours are done."""
    with Pool(2) as pool:
        arguments: list[Any] = [0, 1, hostile.KillsWhoRebuildsIt(7), 3, 4]
        results = [pool.apply_async(tasks.identity, (argument,)) for argument in arguments]
        with pytest.raises(gopool.WorkerLostError, match=r"\b7\b"):
            results.pop(2).get()
        assert [result.get() for result in results] == [0, 1, 3, 4]


def test_a_result_that_kills_whoever_pickles_it(Pool: PoolClass) -> None:
    """The task is lost; its neighbours arrive."""
    with Pool(2) as pool:
        results = [
            pool.apply_async(hostile.return_what_kills_at, (os.getpid(), 2, 7, n)) for n in range(5)
        ]
        with pytest.raises(gopool.WorkerLostError, match=r"\b7\b"):
            results.pop(2).get()
        assert [result.get() for result in results] == [0, 1, 3, 4]


def test_a_large_result_that_its_worker_did_not_come_to_send(Pool: PoolClass) -> None:
    """The shared memory that was taken for it is not kept for a message that never comes."""
    with Pool(1) as pool:
        pool.apply(deaths.die_before_sending)
        with pytest.raises(gopool.WorkerLostError, match=r"\b3\b"):
            pool.apply(tasks.zeros, (1 << 20,))


def test_results_are_dropped_while_a_worker_is_buried(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks whether its memory is still wanted does so alone: others may close it."""
    real = _lender.Lender.is_awaited

    def is_awaited(lender: _lender.Lender) -> bool:
        _lender.prune()  # as the destructor of a result does, which may run here
        return real(lender)

    monkeypatch.setattr(_lender.Lender, "is_awaited", is_awaited)
    with Pool(1) as pool:
        for number in range(3):
            with pytest.raises(gopool.WorkerLostError):
                pool.apply(deaths.exit_with, (3,))
            assert pool.apply(tasks.square, (number,)) == number * number
