"""Around a death, every other task is run exactly once: not lost, and not run twice."""

from __future__ import annotations

import collections
import functools
import os
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PoolClass, deaths, tasks
from support.latches import Gate, Ledger, Mailbox

import gopool

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing hangs when a worker dies"),
]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_single_calls_around_a_death(Pool: PoolClass, ledger: Ledger, processes: int) -> None:
    """Fast calls just before the fatal one keep their results, those behind it are done."""
    fatal = frozenset({50})
    with Pool(processes) as pool:
        results = [pool.apply_async(deaths.note_and_die_at, (ledger, fatal, n)) for n in range(100)]
        for number, result in enumerate(results):
            if number in fatal:
                with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
                    result.get()
            else:
                assert result.get() == number
    assert ledger.numbers() == list(range(100))


@pytest.mark.parametrize("fatal", [{0}, {1}, {499}, {250, 251, 252}, {10, 100, 200, 300, 400}])
def test_a_map_around_deaths(Pool: PoolClass, ledger: Ledger, fatal: set[int]) -> None:
    """The map raises; every task was run once all the same."""
    dying = functools.partial(deaths.note_and_die_at, ledger, frozenset(fatal))
    with Pool(2) as pool:
        with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
            pool.map(dying, range(500), 1)
    assert ledger.numbers() == list(range(500))


@pytest.mark.parametrize("chunksize", [None, 2, 10, 50])
def test_larger_chunks_around_a_death(
    Pool: PoolClass, ledger: Ledger, chunksize: int | None
) -> None:
    """Nothing is run twice, and nothing outside the fatal chunk is left out."""
    fatal, count, processes = 120, 200, 2
    dying = functools.partial(deaths.note_and_die_at, ledger, frozenset({fatal}))
    with Pool(processes) as pool:
        with pytest.raises(gopool.WorkerLostError):
            pool.map(dying, range(count), chunksize)
    runs = collections.Counter(ledger.numbers())
    assert max(runs.values()) == 1
    largest = chunksize or -(-count // (processes * 4))
    missing = set(range(count)) - runs.keys()
    assert all(fatal < number < fatal + largest for number in missing)


def test_tasks_behind_a_held_one_survive_its_death(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """They were queued for this very worker, and had not been started."""
    with Pool(1) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        (pid,) = mailbox.receive_pids(1)
        single = [pool.apply_async(tasks.note, (ledger, n)) for n in range(100)]
        mapped = pool.map_async(functools.partial(tasks.note, ledger), range(100, 200), 1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
            held.get()
        assert [result.get() for result in single] == list(range(100))
        assert mapped.get() == list(range(100, 200))
    assert ledger.numbers() == list(range(200))


def test_fast_tasks_right_before_a_held_one_that_dies(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """Their results count as done, although they may still have been in the worker's hands."""
    with Pool(1) as pool:
        for _ in range(10):
            single = [pool.apply_async(tasks.note, (ledger, n)) for n in range(50)]
            held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
            (pid,) = mailbox.receive_pids(1)
            os.kill(pid, signal.SIGKILL)
            assert [result.get() for result in single] == list(range(50))
            with pytest.raises(gopool.WorkerLostError):
                held.get()
    assert collections.Counter(ledger.numbers()) == dict.fromkeys(range(50), 10)


def test_a_worker_killed_at_any_moment_of_a_stream_of_tasks(
    Pool: PoolClass, ledger: Ledger
) -> None:
    """Killed from outside, blindly: at most the task it was in is lost, and none is run twice."""
    with Pool(2) as pool:
        for first in range(0, 5000, 500):
            pids = set(pool.map(tasks.pid, range(8), 1))
            results = [pool.apply_async(tasks.note, (ledger, n)) for n in range(first, first + 500)]
            os.kill(min(pids), signal.SIGKILL)
            lost = 0
            for number, result in enumerate(results, first):
                try:
                    assert result.get() == number
                except gopool.WorkerLostError:
                    lost += 1
            assert lost <= 1
    runs = collections.Counter(ledger.numbers())
    assert max(runs.values()) == 1
    assert len(runs) >= 5000 - 10


def test_deaths_anywhere_in_any_mixture(Pool: PoolClass, ledger: Ledger) -> None:
    """For random places of death among random jobs."""
    total = 0
    with Pool(2) as pool:

        @given(
            count=st.integers(1, 60),
            fatal=st.frozensets(st.integers(0, 59), max_size=3),
            mapped=st.booleans(),
        )
        @settings(max_examples=25)
        def check(count: int, fatal: frozenset[int], mapped: bool) -> None:
            nonlocal total
            first, total = total, total + count
            deadly = frozenset(first + n for n in fatal if n < count)
            entries = range(first, total)
            dying = functools.partial(deaths.note_and_die_at, ledger, deadly)
            if mapped:
                result = pool.map_async(dying, entries, 1)
                if deadly:
                    with pytest.raises(gopool.WorkerLostError):
                        result.get()
                else:
                    assert result.get() == list(entries)
                return
            for entry, single in [(n, pool.apply_async(dying, (n,))) for n in entries]:
                if entry in deadly:
                    with pytest.raises(gopool.WorkerLostError):
                        single.get()
                else:
                    assert single.get() == entry

        check()
    assert ledger.numbers() == list(range(total))
