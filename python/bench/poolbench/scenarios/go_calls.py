"""Functions of Go packages that do next to nothing: what the way to them costs, and back."""

from __future__ import annotations

import statistics
import time
from typing import Any

from poolbench.libraries import PURE_GO
from poolbench.libraries.library import CannotMeasure, Library
from poolbench.procfs import MEGABYTE, PeakOfFamily, available_bytes
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.scenarios.apply import round_trips
from poolbench.tasks import count_words, noop, total
from poolbench.work import MODULE, Work

WORKERS = 2
WARM_UP_CALLS = 1000
BLOCK = 100
TEXT = "a b c"

SAME = Work(MODULE / "calls", "Same", noop)
COUNT = Work(MODULE / "calls", "Count", count_words, program="count")
SUM = Work(MODULE / "calls", "Sum", total)


@scenario(
    "go-call",
    Line("call", "µs", "lower", PURE_GO, compare="value", target=Target("at most", 3)),
    size=200_000,
    quick_size=20_000,
    peer_size=0,
)
def go_call(library: Library, size: int) -> Figures:
    """Call a Go function of a short text directly, one call after the other; no pool.

    The figure is the median of blocks of 100 calls, as a clock costs something too. Beside it the
    same function called by Go, with its loop.
    """
    if library.name == PURE_GO:
        seconds, results = library.time_map(COUNT, [(TEXT,)] * size, 1)
        check(results == [3] * size, "calls in Go")
        return {"call": seconds / size * 1e6}
    count = COUNT.function()
    for _ in range(WARM_UP_CALLS):
        check(count(TEXT) == 3, "a call of a Go function")
    times = []
    for _ in range(size // BLOCK):
        start = time.perf_counter()
        for _ in range(BLOCK):
            count(TEXT)
        times.append(time.perf_counter() - start)
    return {"call": statistics.median(times) / BLOCK * 1e6}


@scenario(
    "go-apply",
    Line("p50", "µs", "lower"),
    Line("p99", "µs", "lower"),
    size=5_000,
    quick_size=1_000,
    peer_size=0,
)
def go_apply(library: Library, size: int) -> Figures:
    """Call a Go function by ``GoPool.apply``, one call after the other, and time each round trip.

    ``multiprocessing.Pool`` has the same function in Python, as in all of these scenarios.
    """
    pool, same = library.open_warm_for(SAME, WORKERS)
    return round_trips(pool, same, size, WARM_UP_CALLS)


@scenario(
    "go-map",
    Line("throughput", "tasks/s", "higher", compare="value", target=Target("at least", 3_000_000)),
    size=1_000_000,
    quick_size=100_000,
    peer_size=0,
)
def go_map(library: Library, size: int) -> Figures:
    """Map a Go function that does nothing over a ``range``, 2 goroutines; count tasks per second.

    No ``chunksize`` is given, with which ``multiprocessing.Pool`` is at its best.
    """
    return _map(library, SAME, range(size), list(range(size)))


@scenario(
    "go-map-text",
    Line("throughput", "tasks/s", "higher"),
    size=500_000,
    quick_size=50_000,
    peer_size=0,
)
def go_map_text(library: Library, size: int) -> Figures:
    """Map a Go function over as many short texts in the same way: each is packed on its own."""
    texts = [f"{TEXT} {number}" for number in range(size)]
    return _map(library, COUNT, texts, [4] * size)


def _map(library: Library, work: Work, items: Any, expected: list[Any]) -> Figures:
    pool, function = library.open_warm_for(work, WORKERS)
    with pool:
        pool.map(function, items[:WARM_UP_CALLS])
        start = time.perf_counter()
        results = pool.map(function, items)
        elapsed = time.perf_counter() - start
    check(results == expected, "map of a Go function")
    return {"throughput": len(results) / elapsed}


@scenario(
    "go-imap",
    Line("throughput", "tasks/s", "higher"),
    size=200_000,
    quick_size=20_000,
    peer_size=0,
)
def go_imap(library: Library, size: int) -> Figures:
    """Walk ``imap`` of a Go function that does nothing, ``chunksize=1``, 2 goroutines."""
    pool, same = library.open_warm_for(SAME, WORKERS)
    with pool:
        list(pool.imap(same, range(WARM_UP_CALLS), 1))
        start = time.perf_counter()
        results = list(pool.imap(same, range(size), 1))
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "imap of a Go function")
    return {"throughput": size / elapsed}


@scenario(
    "go-memory",
    Line("more memory", "MB", "lower", compare="value", target=Target("at most", 20)),
    Line("time", "ms", "lower"),
    size=1000,
    quick_size=100,
    peer_size=0,
    rounds=3,
)
def go_memory(library: Library, size: int) -> Figures:
    """Sum an array of 1 GB by ``apply`` of a Go function: time, and memory beside the array.

    Memory is the peak of caller and workers together (PSS), less what they had before.
    """
    try:
        import numpy
    except ModuleNotFoundError:
        raise CannotMeasure("numpy is not installed") from None
    if available_bytes() < 5 * size * MEGABYTE:  # what multiprocessing needs, with a reserve
        raise CannotMeasure(f"needs {5 * size / 1000:g} GB of free memory")
    numbers = numpy.ones(size * MEGABYTE // 8)
    pool, function = library.open_warm_for(SUM, WORKERS)
    with pool:
        pool.apply(function, (numbers[:WARM_UP_CALLS],))
        with PeakOfFamily() as before:
            time.sleep(0.2)
        with PeakOfFamily() as peak:
            start = time.perf_counter()
            result = pool.apply(function, (numbers,))
            elapsed = time.perf_counter() - start
    check(result == len(numbers), "a sum")
    return {"more memory": (peak.bytes - before.bytes) / MEGABYTE, "time": elapsed * 1e3}
