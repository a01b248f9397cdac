"""Goroutines as workers: they run functions of Go packages, in this process.

Go is the owner of the goroutines: it replaces those that are given up, because they are in a
call that does not end when its context is cancelled. So there is little to be done here but
to wait for the end.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter

from .. import _core
from .._doing import Task
from .._dump import running
from .._gathering import Gathering
from .._owner import Thread
from .._sender import Sender
from .packing import Packing


class Goroutines(Sender):
    """Starts goroutines and a Go pool; see `GoPool` for the arguments."""

    def __init__(self, count: int, max_pending: int = 0) -> None:
        super().__init__()
        self.coder = Packing(self)
        self.gathering = Gathering()  # of nothing: no call here costs a system call
        self._strays: Counter[str] = Counter()  # functions whose calls have not ended with the pool
        self._new_pool(count, 0, max_pending, attended=False)
        try:
            _core.check(_core.native.bridge_StartGoroutines(self.pool, count))
            self._thread = Thread("gopool-goroutines", self._attend)
        except BaseException:
            _core.native.bridge_Terminate(self.pool)
            self._release()
            raise

    def _attend(self) -> None:
        """See the pool to its end, in a thread of its own."""
        _core.native.bridge_AwaitFinished(self.pool, -1)
        if _core.native.bridge_Abandoned(self.pool) > 0:
            workers = self.stats().workers
            self._strays = Counter(w.function for w in workers if w.function is not None)
        self._end()

    def dump(self) -> list[str]:
        """Return what each goroutine does, in words."""
        texts = []
        for worker in self.stats().workers:
            doing = "is idle"
            if worker.function is not None and worker.task is not None:
                doing = running(Task(worker.task, worker.function, worker.seconds))
            texts.append(f"goroutine {worker.number} {doing}")
        return texts

    def _await_workers(self) -> None:
        self._thread.join()
        strays, self._strays = self._strays, Counter()
        if strays:
            calls = ", ".join(f"{count} of {name}" for name, count in strays.most_common())
            warnings.warn(
                f"calls that do not end when their context is cancelled run on: {calls}",
                RuntimeWarning,
                stacklevel=_level_of_caller(),
            )


def _level_of_caller() -> int:
    """Return how far up the stack, seen from who asks, the code is that has called gopool."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("gopool."):
        level, frame = level + 1, frame.f_back
    return level
