"""How workers leave that have nothing to do: in the normal way, or dying on the way out."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
from multiprocessing.context import BaseContext
from multiprocessing.util import Finalize

import pytest
from support import PoolClass, tasks
from support.latches import Ledger, Mailbox
from support.processes import still_running


def end_with(ending: str, ledger: Ledger) -> None:
    """Initializer: note that the worker exits, and have it end at that moment."""
    Finalize(None, _end, (ending, ledger), exitpriority=0)


def _end(ending: str, ledger: Ledger) -> None:
    ledger.write("exit")
    if ending == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    elif ending == "os._exit":
        os._exit(3)
    elif ending == "sys.exit":
        sys.exit(3)
    elif ending == "an exception":
        raise KeyError("in an exit handler")


@pytest.mark.parametrize("ending", ["SIGKILL", "os._exit", "sys.exit", "an exception"])
def test_workers_die_on_their_way_out(
    Pool: PoolClass, ledger: Ledger, ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Those that retire, and those of a pool that is closed: nothing is lost, and ``join`` ends."""
    pool = Pool(2, end_with, (ending, ledger), 1)
    assert pool.map(tasks.square, range(6), 1) == [n * n for n in range(6)]
    pool.close()
    pool.join()
    assert len(ledger.read()) >= 6
    capfd.readouterr()  # Python prints what exit handlers raise


def linger(ledger: Ledger) -> None:
    """Initializer: an exit handler that takes its time, as one that saves much."""
    Finalize(None, _linger, (ledger,), exitpriority=0)


def _linger(ledger: Ledger) -> None:
    tasks.seconds(None)
    tasks.seconds(None)
    ledger.write("exit")


@pytest.mark.parametrize("maxtasksperchild", [None, 1])
def test_exit_handlers_take_their_time(
    Pool: PoolClass, context: BaseContext, ledger: Ledger, maxtasksperchild: int | None
) -> None:
    """Nobody ends a worker that ends by itself, when it retires and when its pool is closed."""
    pool = Pool(2, linger, (ledger,), maxtasksperchild, context)
    assert pool.map(tasks.square, range(2), 1) == [0, 1]
    pool.close()
    pool.join()
    assert len(ledger.read()) >= 2


def register_atexit(ledger: Ledger) -> None:
    """Initializer: write an entry when the interpreter exits."""
    atexit.register(ledger.write, "exit")


def stay(mailbox: Mailbox) -> None:
    """Initializer: an exit handler that does not return."""
    Finalize(None, tasks.sleep_for_minutes, (mailbox,), exitpriority=0)


@pytest.mark.gopool_only("multiprocessing waits for exit handlers for ever")
def test_terminate_waits_for_no_exit_handler(Pool: PoolClass, mailbox: Mailbox) -> None:
    """Neither for one of a pool that was closed before."""
    pool = Pool(2, stay, (mailbox,))
    assert pool.map(tasks.square, range(10), 1) == [n * n for n in range(10)]
    pool.close()
    pids = mailbox.receive_pids(2)
    pool.terminate()
    assert still_running(pids, 0) == []
    pool.join()


def test_atexit_runs_where_multiprocessing_runs_it(Pool: PoolClass, ledger: Ledger) -> None:
    """In spawned workers: others leave by ``os._exit``, behind the finalizers."""
    pool = Pool(2, register_atexit, (ledger,), context=multiprocessing.get_context("spawn"))
    pool.map(tasks.seconds, range(2), 1)
    pool.close()
    pool.join()
    assert ledger.read() == ["exit"] * 2
