"""Workers that cannot start: an error, not a series of processes without end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from support import PoolClass, deaths, hostile, tasks
from support.latches import Gate, Ledger, Mailbox
from support.programs import Program

import gopool

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing starts workers that fail, for ever"),
]


def test_an_initializer_that_raises_breaks_the_pool(Pool: PoolClass) -> None:
    """Who submits or waits gets BrokenPoolError, with the initializer's traceback in it."""
    with pytest.raises(gopool.BrokenPoolError) as raised:
        with Pool(2, deaths.initialize_badly) as pool:
            pool.map(tasks.square, range(10))
    text = "".join(traceback.format_exception(raised.value))
    assert "LookupError: no such configuration" in text
    assert "in initialize_badly" in text
    assert isinstance(raised.value, RuntimeError)


@pytest.mark.parametrize("error", [KeyboardInterrupt("raised"), GeneratorExit("raised")], ids=repr)
def test_an_initializer_may_raise_anything(Pool: PoolClass, error: BaseException) -> None:
    """What is no exception is in the error as well."""
    with pytest.raises(gopool.BrokenPoolError, match=rf"{type(error).__name__}: raised"):
        with Pool(1, tasks.fail, (error,)) as pool:
            pool.apply(tasks.nothing)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_die_before_the_initializer_break_the_pool(
    Pool: PoolClass, method: str
) -> None:
    """Spawned ones, while they unpickle what it is called with; forked ones unpickle nothing."""
    context = multiprocessing.get_context(method)
    arguments = (hostile.KillsWhoRebuildsIt(7),)
    with Pool(1, tasks.nothing, arguments, context=context) as pool:
        if method == "fork":
            assert pool.apply(tasks.square, (3,)) == 9
        else:
            with pytest.raises(gopool.BrokenPoolError, match=r"\b7\b"):
                pool.apply(tasks.square, (3,))


def test_every_call_of_a_broken_pool_raises(
    Pool: PoolClass, tmp_path: Path, mailbox: Mailbox, gate: Gate
) -> None:
    """Outstanding or later, however it was made: with the traceback of the initializer."""
    file = tmp_path / "file"
    errors: list[BaseException] = []
    with Pool(1, deaths.initialize_badly_if_present, (str(file),)) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        (pid,) = mailbox.receive_pids(1)
        outstanding = [
            pool.apply_async(tasks.square, (3,)).get,
            pool.map_async(tasks.square, range(10), error_callback=errors.append).get,
            pool.imap(tasks.square, range(10)).__next__,
            pool.imap_unordered(tasks.square, iter(range(10))).__next__,
        ]
        file.touch()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(gopool.WorkerLostError):
            held.get()
        later: list[Callable[[], object]] = [
            lambda: pool.apply(tasks.square, (3,)),
            lambda: pool.apply_async(tasks.square, (3,)).get(),
            lambda: pool.map(tasks.square, range(10)),
            lambda: pool.starmap(tasks.add, [(1, 2)]),
            lambda: next(pool.imap(tasks.square, range(10))),
            lambda: next(pool.imap_unordered(tasks.square, iter(range(10)))),
        ]
        for call in [*outstanding, *later]:
            with pytest.raises(gopool.BrokenPoolError, match="present"):
                call()
        pool.close()
        pool.join()
    assert [type(error) for error in errors] == [gopool.BrokenPoolError]


def test_an_initializer_that_exits_breaks_the_pool(Pool: PoolClass) -> None:
    """The error names the exit code."""
    with pytest.raises(gopool.BrokenPoolError, match=r"\b7\b"):
        with Pool(2, deaths.initialize_by_exit, (7,)) as pool:
            pool.map(tasks.square, range(10))


def test_an_initializer_that_is_killed_breaks_the_pool(Pool: PoolClass) -> None:
    """The error names the signal."""
    with pytest.raises(gopool.BrokenPoolError, match="SIGKILL"):
        with Pool(2, deaths.die_by, (signal.SIGKILL,)) as pool:
            pool.map(tasks.square, range(10))


def test_a_broken_pool_can_be_ended(Pool: PoolClass) -> None:
    """In each way, promptly, and outstanding results raise."""
    for ending in ("close", "terminate"):
        pool = Pool(1, deaths.initialize_badly)
        try:
            result = pool.map_async(tasks.square, range(10))
        except gopool.BrokenPoolError:
            result = None
        getattr(pool, ending)()
        pool.join()
        if result is not None:
            with pytest.raises((gopool.BrokenPoolError, gopool.PoolTerminatedError)):
                result.get()


def test_the_number_of_attempts_is_bounded(Pool: PoolClass, ledger: Ledger) -> None:
    """A broken pool starts no further workers."""
    with pytest.raises(gopool.BrokenPoolError):
        with Pool(1, tasks.note_and_fail_at, (ledger, 1, 1)) as pool:
            for _ in range(1000):
                pool.apply(tasks.nothing)
    assert 1 <= len(ledger.read()) <= 20


def test_one_failed_start_is_not_the_end(Pool: PoolClass, tmp_path: Path) -> None:
    """What goes well the second time is forgotten."""
    with Pool(1, deaths.initialize_badly_while_missing, (str(tmp_path / "file"),)) as pool:
        assert pool.map(tasks.square, range(10), 1) == [n * n for n in range(10)]


def test_replacements_that_cannot_start_break_the_pool(
    Pool: PoolClass, tmp_path: Path, mailbox: Mailbox, gate: Gate
) -> None:
    """Work that was outstanding when the last good worker died is not waited for in vain."""
    file = tmp_path / "file"
    with Pool(1, deaths.initialize_badly_if_present, (str(file),)) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        (pid,) = mailbox.receive_pids(1)
        queued = pool.map_async(tasks.square, range(10), 1)
        file.touch()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(gopool.WorkerLostError):
            held.get()
        with pytest.raises(gopool.BrokenPoolError):
            queued.get()
        with pytest.raises(gopool.BrokenPoolError):
            pool.apply(tasks.square, (3,))


def test_failing_starts_print_no_flood(Pool: PoolClass, capfd: pytest.CaptureFixture[str]) -> None:
    """The traceback is in the exception; stderr does not repeat it for every attempt."""
    with pytest.raises(gopool.BrokenPoolError):
        with Pool(2, deaths.initialize_badly) as pool:
            pool.map(tasks.square, range(10))
    assert capfd.readouterr().err.count("LookupError") <= 1


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_warn_of_nothing(start_program: Callable[..., Program], method: str) -> None:
    """Those that are started anew take over how warnings are handled: as errors here."""
    outcome = start_program(
        f"""
        import multiprocessing
        import gopool
        from support import deaths, tasks

        def main():
            context = multiprocessing.get_context("{method}")
            for ending in ("close", "terminate"):
                with gopool.Pool(2, context=context) as pool:
                    assert pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16]
                    getattr(pool, ending)()
                    pool.join()
            try:
                with gopool.Pool(1, deaths.initialize_badly, context=context) as pool:
                    pool.apply(tasks.nothing)
            except gopool.BrokenPoolError:
                return
            raise AssertionError("the initializer has failed")

        if __name__ == "__main__":
            main()
        """,
        options=("-W", "error"),
    ).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")
