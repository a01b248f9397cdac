"""Leaving: how long the end of a ``with`` block takes."""

from __future__ import annotations

import statistics
import time

from poolbench.libraries import Library
from poolbench.scenario import Figures, Line, scenario


@scenario(
    "leave-idle",
    Line("2 workers", "ms", "lower"),
    Line("8 workers", "ms", "lower"),
    size=5,
    quick_size=2,
)
def leave_idle(library: Library, size: int) -> Figures:
    """Leave the ``with`` block of a pool whose workers are all idle; median of several pools.

    It stops workers and helper threads and waits for them, so it is part of the price of using a
    pool for something short.
    """
    return {
        f"{workers} workers": statistics.median(
            _time_to_leave(library, workers) for _ in range(size)
        )
        * 1e3
        for workers in (2, 8)
    }


def _time_to_leave(library: Library, workers: int) -> float:
    with library.open_warm(workers):
        time.sleep(0.05)  # idle for good: no thread of the pool is still busy with the warm-up
        start = time.perf_counter()
    return time.perf_counter() - start
