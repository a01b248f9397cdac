"""What a pool costs that merely stands there: CPU and memory."""

from __future__ import annotations

import time

from poolbench import procfs
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 8
SETTLE_SECONDS = 0.5


@scenario(
    "idle-cpu",
    Line("CPU", "ms/s", "lower", compare="value", target=Target("at most", 1)),
    size=4,
    quick_size=2,
)
def idle_cpu(library: Library, size: int) -> Figures:
    """Leave a pool of 8 workers alone for some seconds, and count its CPU time per second.

    That of the calling process, which sleeps, and of all its descendants, to the nanosecond: what
    threads cost that wake up now and then to see whether there is something to do.
    """
    with library.open_warm(WORKERS) as pool:
        pool.map(noop, range(1_000))
        time.sleep(SETTLE_SECONDS)
        before, start = procfs.cpu_of_family(), time.perf_counter()
        time.sleep(size)
        used, elapsed = procfs.cpu_of_family() - before, time.perf_counter() - start
    return {"CPU": used / elapsed * 1e3}


@scenario(
    "parent-memory",
    Line("RSS", "MB", "lower", compare="difference", target=Target("at most", 15)),
    size=1_000,
    quick_size=1_000,
)
def parent_memory(library: Library, size: int) -> Figures:
    """Map a thousand no-ops on a pool of 8 workers, and see how much of the parent is in memory.

    Without the workers. The interpreter itself is part of it, the same with each library.
    """
    with library.open_warm(WORKERS) as pool:
        results = pool.map(noop, range(size), 1)
        resident = procfs.resident_bytes()
    check(results == list(range(size)), "map of a no-op")
    return {"RSS": resident / procfs.MEGABYTE}
