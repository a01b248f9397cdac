"""Throughput of ``map``: the price of dispatching a task, with next to no work in it."""

from __future__ import annotations

import resource
import time

from poolbench.libraries import LIMIT
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2


@scenario(
    "map-chunksize-1",
    Line("throughput", "tasks/s", "higher", target=Target("at least", 40)),
    Line("throughput", "tasks/s", "higher", against=LIMIT, target=Target("at least", 0.5)),
    Line("parent CPU", "ms/10k", "lower", target=Target("at most", 0.3)),
    size=200_000,
    quick_size=20_000,
    peer_size=20_000,
)
def map_chunksize_1(library: Library, size: int) -> Figures:
    """Map a no-op over ints with ``chunksize=1`` and 2 workers, and count tasks per second.

    Every task is dispatched on its own, which is what tasks of unknown or uneven length need, and
    what users avoid because it is slow: so this is the cost of dispatch itself. ``raw limit`` is
    what two processes and two pipes give with everything left out that makes a pool of them: lists
    of thousands of arguments, pickled whole. Parent CPU is the processor time, in user and system
    mode, of the calling process with all its threads, per 10,000 tasks.
    """
    return _throughput(library, size, chunksize=1)


@scenario(
    "map-default-chunks",
    Line("throughput", "tasks/s", "higher", target=Target("at least", 1)),
    Line("throughput", "tasks/s", "higher", against=LIMIT),
    size=200_000,
    quick_size=50_000,
    peer_size=20_000,
)
def map_default_chunks(library: Library, size: int) -> Figures:
    """Map a no-op over ints with no ``chunksize`` given, 2 workers, and count tasks per second.

    ``multiprocessing.Pool`` cuts the job into a few large chunks here, its best case: the work is
    all pickling. A pool that is good at single tasks must not pay for it on this one.
    """
    return _throughput(library, size, chunksize=None)


def _throughput(library: Library, size: int, chunksize: int | None) -> Figures:
    with library.open_warm(WORKERS) as pool:
        cpu_before = _cpu_seconds()
        start = time.perf_counter()
        results = pool.map(noop, range(size), chunksize)
        elapsed = time.perf_counter() - start
        cpu = _cpu_seconds() - cpu_before
    check(results == list(range(size)), "map of a no-op")
    return {"throughput": size / elapsed, "parent CPU": cpu / size * 10_000 * 1e3}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
