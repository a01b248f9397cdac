"""``ThreadPool``: the same pool with threads for workers."""

from __future__ import annotations

import time

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop, pause

THREADS = 8
SLEEP_SECONDS = 1e-3


@scenario(
    "threads-noop",
    Line("throughput", "tasks/s", "higher", target=Target("at least", 2)),
    size=50_000,
    quick_size=10_000,
    peer_size=20_000,
)
def threads_noop(library: Library, size: int) -> Figures:
    """Map a no-op over ints with ``chunksize=1`` on 8 threads, and count tasks per second."""
    with library.open_warm_threads(THREADS) as pool:
        start = time.perf_counter()
        results = pool.map(noop, range(size), 1)
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "map of a no-op on threads")
    return {"throughput": size / elapsed}


@scenario(
    "threads-sleep",
    # No slower, and 5 % for noise.
    Line("makespan", "ms", "lower", target=Target("at most", 1.05)),
    size=4_000,
    quick_size=1_000,
)
def threads_sleep(library: Library, size: int) -> Figures:
    """Map sleeps of 1 ms with ``chunksize=1`` on 8 threads: what waiting for a network is like."""
    with library.open_warm_threads(THREADS) as pool:
        start = time.perf_counter()
        results = pool.map(pause, [SLEEP_SECONDS] * size, 1)
        elapsed = time.perf_counter() - start
    check(results == [None] * size, "map of sleeps on threads")
    return {"makespan": elapsed * 1e3}
