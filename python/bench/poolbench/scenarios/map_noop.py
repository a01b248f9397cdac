"""Throughput of ``map``: the price of dispatching a task, with next to no work in it."""

from __future__ import annotations

import time

from poolbench.libraries import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2


@scenario(
    "map-chunksize-1",
    Line("throughput", "tasks/s", "higher", target=Target("at least", 5)),
    size=20_000,
    quick_size=5_000,
)
def map_chunksize_1(library: Library, size: int) -> Figures:
    """Map a no-op over ints with ``chunksize=1`` and 2 workers, and count tasks per second.

    Every task is dispatched on its own, which is what tasks of unknown or uneven length need, and
    what users avoid because it is slow: so this is the cost of dispatch itself.
    """
    return _throughput(library, size, chunksize=1)


@scenario(
    "map-default-chunks",
    Line("throughput", "tasks/s", "higher"),
    size=200_000,
    quick_size=50_000,
)
def map_default_chunks(library: Library, size: int) -> Figures:
    """Map a no-op over ints with no ``chunksize`` given, 2 workers, and count tasks per second.

    ``multiprocessing.Pool`` cuts the job into a few large chunks here, its best case: the work is
    all pickling. A pool that is good at single tasks must not pay for it on this one.
    """
    return _throughput(library, size, chunksize=None)


def _throughput(library: Library, size: int, chunksize: int | None) -> Figures:
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = pool.map(noop, range(size), chunksize)
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "map of a no-op")
    return {"throughput": size / elapsed}
