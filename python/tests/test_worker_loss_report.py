"""What the error of a lost task tells: who ran it, its memory, its stack, and why it was killed."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import PoolClass, deaths, tasks
from support.latches import Gate, Mailbox
from support.programs import Program

import gopool
from gopool import _loss

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing hangs when a worker dies"),
]

MIB = 1 << 20


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have stacks not printed, although pytest enables faulthandler."""
    monkeypatch.setattr(_loss, "faulthandler", SimpleNamespace(is_enabled=lambda: False))


def lost(function: Callable[..., Any], Pool: PoolClass, *args: Any) -> gopool.WorkerLostError:
    with Pool(1) as pool, pytest.raises(gopool.WorkerLostError) as raised:
        pool.apply(function, args)
    return raised.value


def test_function_and_index_are_attributes(Pool: PoolClass) -> None:
    """Of each lost task of a map, in the iterator that goes on behind it."""
    with Pool(1) as pool:
        iterator = pool.imap(partial(deaths.die_at, 2), range(5))
        outcomes: list[object] = []
        for _ in range(5):
            try:
                outcomes.append(next(iterator))
            except gopool.WorkerLostError as error:
                outcomes.append((error.function, error.index, error.exitcode))
    assert outcomes == [0, 1, ("partial", 2, -signal.SIGKILL), 3, 4]


@pytest.mark.parametrize("unordered", [False, True])
def test_the_callback_gets_it_all(Pool: PoolClass, unordered: bool) -> None:
    """The error callback of a map hears of the first one lost."""
    errors: list[BaseException] = []
    with Pool(2) as pool:
        result = pool.map_async(partial(deaths.die_at, 3), range(9), 1, None, errors.append)
        with pytest.raises(gopool.WorkerLostError):
            result.get()
    (error,) = errors
    assert isinstance(error, gopool.WorkerLostError)
    assert (error.index, error.exitcode) == (3, -signal.SIGKILL)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_peak_of_its_memory(Pool: PoolClass, method: str) -> None:
    """As the kernel counts it, of this worker and not of all that there have been.

    Now and then `multiprocessing` is told first that a worker has ended, and nobody knows.
    """
    import multiprocessing

    context = multiprocessing.get_context(method)
    with Pool(1, context=context) as pool:
        peaks = []
        for size in (300 * MIB, MIB):
            for _ in range(10):
                with pytest.raises(gopool.WorkerLostError) as raised:
                    pool.apply(deaths.fill_and_die, (size,))
                if raised.value.peak_memory:
                    break
            peaks.append(raised.value.peak_memory or 0)
            assert f"its memory peaked at {peaks[-1] / MIB:.0f} MiB" in str(raised.value)
    assert peaks[0] > 300 * MIB
    assert peaks[1] > 0
    if method == "fork":  # what is executed has the peak of who executed it, which is this program
        assert peaks[1] < peaks[0] - 200 * MIB  # both have what this program has


def test_a_crash_tells_where_it_was(Pool: PoolClass, context: BaseContext, quiet: None) -> None:
    """For every start method, also after the stack of another worker was written."""
    with Pool(1, context=context) as pool:
        for function in (deaths.read_address_zero, deaths.abort):
            with pytest.raises(gopool.WorkerLostError) as raised:
                pool.apply(function)
            stack = raised.value.stack
            assert stack is not None
            assert stack.startswith("Fatal Python error: ")
            assert f"in {function.__name__}" in stack
            assert stack in str(raised.value)


@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGFPE, signal.SIGILL])
def test_every_signal_of_a_crash_has_a_stack(Pool: PoolClass, number: int, quiet: None) -> None:
    """What the processor raises for wrong code and wrong memory."""
    error = lost(deaths.die_by, Pool, number)
    assert error.exitcode == -number
    assert "in die_by" in str(error.stack)


def test_no_stack_without_a_crash(Pool: PoolClass) -> None:
    """A signal from outside says nothing of where the worker was."""
    assert lost(deaths.die_by, Pool, signal.SIGKILL).stack is None
    assert lost(deaths.exit_with, Pool, 3).stack is None
    assert lost(deaths.crash_silently, Pool).stack is None


def test_a_very_long_stack_is_cut(Pool: PoolClass, quiet: None) -> None:
    """And leaves the region of the worker, which begins before it, alone."""
    with Pool(1) as pool:
        held = pool.apply(tasks.zeros, (MIB,))
        with pytest.raises(gopool.WorkerLostError) as raised:
            pool.apply(deaths.crash_with_many_threads, (60, 90))
    assert 1 << 14 < len(str(raised.value.stack)) <= 1 << 15
    assert held == bytes(MIB)


def test_a_program_that_has_faulthandler_sees_the_stack_as_ever(
    start_program: Callable[..., Program],
) -> None:
    """On standard error, and in the error."""
    outcome = start_program("""
        import faulthandler
        import gopool
        from support import deaths

        faulthandler.enable()
        with gopool.Pool(1) as pool:
            try:
                pool.apply(deaths.read_address_zero)
            except gopool.WorkerLostError as error:
                print(error.stack)
        """).outcome()
    assert outcome.status == 0
    assert outcome.stdout == outcome.stderr
    assert "in read_address_zero" in outcome.stdout


def test_it_travels(Pool: PoolClass, quiet: None) -> None:
    """Pickled, it is the same error."""
    error = lost(deaths.read_address_zero, Pool)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is gopool.WorkerLostError
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert copy.stack
    assert copy.peak_memory


class TestKilledForMemory:
    """The kernel kills by SIGKILL, and counts those that it kills for memory."""

    @pytest.fixture
    def counter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A file in the place of the kernel's."""
        path = tmp_path / "memory.events"
        path.write_text("oom 4\noom_kill 7\n")
        monkeypatch.setattr(_loss, "_counters", lambda: [str(path)])
        return path

    def test_is_said_where_the_kernel_has_counted_one(
        self, Pool: PoolClass, counter: Path, mailbox: Mailbox, gate: Gate
    ) -> None:
        """Once for each that it has counted."""
        told, count = [], 7
        with Pool(1) as pool:
            for killed in (0, 1, 0, 2, 0):  # more than there were
                result = pool.apply_async(tasks.arrive, (mailbox, gate, 0))
                (pid,) = mailbox.receive_pids(1)
                if killed:  # not at first, when the pool may be reading what there was before
                    count += killed
                    counter.write_text(f"oom 4\noom_kill {count}\n")
                os.kill(pid, signal.SIGKILL)
                with pytest.raises(gopool.WorkerLostError) as raised:
                    result.get()
                assert ("probably for memory" in str(raised.value)) == raised.value.out_of_memory
                told.append(raised.value.out_of_memory)
        assert told == [False, True, False, True, True]

    def test_is_not_said_of_other_ends(self, Pool: PoolClass, counter: Path) -> None:
        """Whatever the kernel has counted."""
        with Pool(1) as pool:
            pool.apply(tasks.nothing)
            counter.write_text("oom_kill 8\n")
            for function, argument in ((deaths.die_by, signal.SIGTERM), (deaths.exit_with, 9)):
                with pytest.raises(gopool.WorkerLostError) as raised:
                    pool.apply(function, (argument,))
                assert not raised.value.out_of_memory

    def test_counts_that_cannot_be_read_are_no_evidence(
        self, Pool: PoolClass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nor is their absence a fault."""
        monkeypatch.setattr(_loss, "_counters", lambda: [str(tmp_path / "missing")])
        assert not lost(deaths.die_by, Pool, signal.SIGKILL).out_of_memory
