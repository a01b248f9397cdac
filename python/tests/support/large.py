"""Large data: functions that the tests run in workers, and what memory it takes."""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gopool import _arena, _lender, _snapshot

from .latches import DEADLINE, Gate, Mailbox

MB = 1 << 20

Array = Any  # numpy's type needs two parameters that say nothing here


def array(value: int, size: int = MB) -> Array:
    """Return so many bytes of one value."""
    return np.full(size, value, np.uint8)


def is_array(thing: Array, value: int, size: int = MB) -> bool:
    return thing.nbytes == size and bool((thing == value).all())


def add_one(data: Array) -> Array:
    return data + 1


def hold_and_wait(mailbox: Mailbox, gate: Gate, data: Array) -> int:
    """Have an argument while the test does something."""
    mailbox.send(os.getpid())
    gate.wait()
    return int(data[0])


def kept_in_slab(data: Array) -> bool:
    """Tell whether an argument is in shared memory, and has not been copied from it."""
    assert data.nbytes
    return bool(_snapshot._held)


_kept: list[Any] = []


def keep_argument(data: Array) -> int:
    """Hold an argument for ever."""
    _kept.append(data)
    return os.getpid()


def drop_arguments(_: object = None) -> None:
    _kept.clear()


def number_of_slab_and_die(data: Array) -> None:
    assert data.nbytes
    os.kill(os.getpid(), signal.SIGKILL)


class KillsWhilePickled:
    """Kills the worker that sends it, behind large data that is in the same message."""

    def __init__(self, home: int) -> None:
        self.home = home

    def __reduce__(self) -> Any:
        if os.getpid() != self.home:
            os.kill(os.getpid(), signal.SIGKILL)
        return KillsWhilePickled, (self.home,)


def return_what_kills(home: int, value: int) -> Any:
    return [array(value, 4 * MB), KillsWhilePickled(home)]


def return_what_can_not_be_read(path: str) -> Array:
    """Return an array over a file that is not there any more: to read it is SIGBUS."""
    faulthandler.disable()
    with open(path, "wb+") as file:
        file.truncate(MB)
        memory = mmap.mmap(file.fileno(), MB)
        file.truncate(0)
    return np.frombuffer(memory, np.uint8)


def return_arrays(value: int, count: int) -> list[Array]:
    return [array(value) for _ in range(count)]


def has_own_arena(_: object = None) -> bool:
    return _arena.results is not None


def slabs_in_use() -> int:
    """Return how many slabs of this process's arena are in use."""
    arena = _arena.own
    assert arena is not None
    if arena._region is None:
        return 0
    with arena._lock:
        arena._collect(len(arena._queue))
        return len(arena._spans)


def blocks() -> int:
    """Return how many bytes of shared memory there are of this process and its workers."""
    files = [lender.fd for lender in tuple(_lender.lenders.values())]
    if _arena.own is not None:
        files.append(_arena.own.fd)
    return sum(os.fstat(fd).st_blocks * 512 for fd in files)


def soon(holds: Callable[[], bool], timeout: float = DEADLINE) -> bool:
    """Wait until something holds that others bring about; tell whether it did by the deadline."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
