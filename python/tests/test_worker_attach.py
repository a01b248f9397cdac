"""From the start of a worker until the pool has it: what goes wrong leaves nothing behind."""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support import leaks, tasks
from support.latches import DEADLINE, Gate, Mailbox
from support.processes import kill_child

import gopool
from gopool import _core, _process

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing has no such step"),
    pytest.mark.usefixtures("nothing_left"),
]

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """No process, thread or descriptor, and no number that is closed in forked children."""
    before, held = leaks.take_snapshot(), len(_process._held)
    yield
    assert leaks.leaks_since(before) == []
    assert len(_process._held) == held


def test_one_that_somebody_else_has_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has ended before it could be told anything: another takes its place."""
    start = _process.WorkerProcess.start

    def start_and_end(worker: _process.WorkerProcess) -> None:
        monkeypatch.setattr(_process.WorkerProcess, "start", start)
        start(worker)
        worker.process.kill()
        worker.process.join()  # as `multiprocessing.active_children` does

    with gopool.Pool(1, context=FORK) as pool:
        pid = pool.apply(tasks.pid)
        monkeypatch.setattr(_process.WorkerProcess, "start", start_and_end)
        assert kill_child(pid)
        assert pool.map(tasks.square, range(4)) == [0, 1, 4, 9]


def test_one_that_can_not_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has no room for its message: it is ended, and the pool is broken."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ETOOMANYREFS, os.strerror(errno.ETOOMANYREFS))

    with gopool.Pool(1, context=FORK) as pool:
        pid = pool.apply(tasks.pid)
        monkeypatch.setattr(socket, "send_fds", refuse)
        assert kill_child(pid)
        with pytest.raises(gopool.BrokenPoolError, match="Too many references"):
            pool.apply_async(tasks.nothing).get(DEADLINE)


def test_one_that_go_refuses(monkeypatch: pytest.MonkeyPatch, mailbox: Mailbox, gate: Gate) -> None:
    """There is no descriptor for it: those that were attached before end, and leave nothing."""
    attach: Any = _core.native.bridge_Attach
    sockets: list[int] = []

    def refuse_the_second(pool: int, fd: int, *arguments: int) -> int:
        sockets.append(fd)
        if len(sockets) == 2:
            os.close(fd)
            return _core.SYSTEM
        number: int = attach(pool, fd, *arguments)
        return number

    monkeypatch.setattr(_core.native, "bridge_Attach", refuse_the_second)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with gopool.Pool(2, context=FORK) as pool:
        with pytest.raises(gopool.BrokenPoolError, match="refused a descriptor"):
            pool.starmap(tasks.arrive, [(mailbox, gate, n) for n in range(2)], 1)
    assert len(sockets) == 2


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_another_thread_forks_while_its_descriptors_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That child keeps no end of the lifeline, or the worker would outlive a killed parent."""
    open_lifeline = _process.open_lifeline
    made: list[int] = []
    codes: list[int] = []
    forked = threading.Event()

    def fork() -> None:
        child = os.fork()
        if not child:
            try:
                os.fstat(made[1])
            except OSError:
                os._exit(0)
            os._exit(1)
        forked.set()
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    forker = threading.Thread(target=fork)

    def open_while_another_forks() -> tuple[int, int]:
        made.extend(open_lifeline())
        forker.start()
        forked.wait(0.2)  # in vain, if the fork waits for us
        return made[0], made[1]

    monkeypatch.setattr(_process, "open_lifeline", open_while_another_forks)
    with gopool.Pool(1, context=FORK) as pool:
        pool.apply(tasks.nothing)
        forker.join()
    assert codes == [0]


def test_a_handler_of_a_signal_sends_by_value_while_one_is_forked() -> None:
    """It does not wait for the fork that it has interrupted."""
    with gopool.Pool(1) as pool, _process.forking:
        assert pool.apply_async(lambda: 3).get(DEADLINE) == 3
