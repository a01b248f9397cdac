"""Leaving: how long the end of a pool takes."""

from __future__ import annotations

import statistics
import time

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, scenario
from poolbench.tasks import pause

WORKERS = (2, 8)
LINES = [
    Line(f"{workers} workers", "ms", "lower", target=Target("at most", 1.1)) for workers in WORKERS
]
SETTLE_SECONDS = 0.05  # after it, no thread of the pool is busy with what came before
ASLEEP_SECONDS = 60


@scenario("leave-idle", *LINES, size=5, quick_size=2)
def leave_idle(library: Library, size: int) -> Figures:
    """Leave the ``with`` block of a pool whose workers are all idle; median of several pools.

    It stops workers and helper threads and waits for them, so it is part of the price of using a
    pool for something short.
    """
    return {
        f"{workers} workers": 1e3
        * statistics.median(_time_to_leave(library, workers) for _ in range(size))
        for workers in WORKERS
    }


@scenario("leave-asleep", *LINES, size=5, quick_size=2)
def leave_asleep(library: Library, size: int) -> Figures:
    """End a pool whose workers all sleep in a task of 60 s; median of several pools.

    ``terminate`` does it, which is what leaving the ``with`` block is in gopool and in
    ``multiprocessing.Pool``.
    """
    return {
        f"{workers} workers": 1e3
        * statistics.median(_time_to_terminate(library, workers) for _ in range(size))
        for workers in WORKERS
    }


def _time_to_leave(library: Library, workers: int) -> float:
    with library.open_warm(workers):
        time.sleep(SETTLE_SECONDS)
        start = time.perf_counter()
    return time.perf_counter() - start


def _time_to_terminate(library: Library, workers: int) -> float:
    pool = library.open_warm(workers)
    for _ in range(workers):
        pool.apply_async(pause, (ASLEEP_SECONDS,))
    time.sleep(SETTLE_SECONDS)
    start = time.perf_counter()
    pool.terminate()
    return time.perf_counter() - start
