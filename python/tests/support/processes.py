"""Watching processes by id."""

from __future__ import annotations

import multiprocessing.pool
import os
import select
import signal
import time
from collections.abc import Iterable

import psutil

from .latches import DEADLINE, Gate, Mailbox
from .tasks import arrive


def still_running(pids: Iterable[int], timeout: float = DEADLINE) -> list[int]:
    """Wait until the processes have ended; return those that have not by the deadline.

    Works for anybody's children: a pidfd becomes readable when its process ends.
    """
    deadline = time.monotonic() + timeout
    survivors: list[int] = []
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([fd], [], [], left)[0]:
                survivors.append(pid)
        finally:
            os.close(fd)
    return survivors


def child_pids() -> set[int]:
    """Return the ids of all processes below this one, zombies included."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


def kill_child(pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal to a child of this process; tell whether there was one of that id."""
    try:
        if psutil.Process(pid).ppid() != os.getpid():
            return False
        os.kill(pid, number)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    return True


def workers_at_work(
    pool: multiprocessing.pool.Pool, mailbox: Mailbox, gate: Gate, count: int
) -> set[int]:
    """Hold ``count`` tasks at the same time and return the pids of the workers that run them."""
    result = pool.starmap_async(arrive, [(mailbox, gate, i) for i in range(count)], chunksize=1)
    pids = set(mailbox.receive_pids(count))
    gate.open()
    assert result.get() == list(range(count))
    return pids
