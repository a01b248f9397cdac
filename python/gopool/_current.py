"""Which worker of its pool this process or thread is."""

from __future__ import annotations

import threading
from types import SimpleNamespace


class _Worker:
    def __init__(self, index: int) -> None:
        self.index = index
        self.state = SimpleNamespace()


#: What this process is, and so are its threads, unless they are workers themselves.
_process: _Worker | None = None

_thread = threading.local()


def enter_process(index: int) -> None:
    """Say that this process, perhaps a fork of a worker, is one itself."""
    global _process, _thread
    _process, _thread = _Worker(index), threading.local()


def enter_thread(index: int) -> None:
    """Say that this thread is a worker."""
    _thread.worker = _Worker(index)


def _worker() -> _Worker:
    worker: _Worker | None = getattr(_thread, "worker", _process)
    if worker is None:
        raise RuntimeError("not in a worker of a pool")
    return worker


def worker_index() -> int:
    """Return which worker of its pool runs the caller: from 0 to the number of workers less one.

    No two tasks that run at the same time have the same index. A worker that takes
    the place of another has its index: its initializer may run while the other is
    still in its last task, and its first task begins when the other's finalizer
    has returned. Threads that a task has started are in the same worker. Raises
    RuntimeError outside of workers.
    """
    return _worker().index


def worker_state() -> SimpleNamespace:
    """Return a namespace that is there as long as the worker: a place for what tasks share.

    An initializer can fill it, tasks can use and change it, a finalizer can give
    back what is in it. Each worker has its own, which is empty at first, but for
    `rng` if the pool has a `seed`. Raises RuntimeError outside of workers.
    """
    return _worker().state
