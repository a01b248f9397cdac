"""Arrays as arguments, as results, and as what a function carries."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Any

from poolbench.libraries import COPYING
from poolbench.libraries.library import CannotMeasure, Library
from poolbench.procfs import (
    MEGABYTE,
    PeakOfFamily,
    available_bytes,
    proportional_bytes,
    shared_bytes,
)
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.scenarios.large import walk
from poolbench.tasks import noop, pause

WORKERS = 2
LARGE_MEGABYTES = 4
SMALL_BYTES = 1 << 16
CARRIED_MEGABYTES = 100
#: Each copy of a huge array, its pickle and what a pipe holds of it has to fit.
COPIES = 8
BURST_MEGABYTES = 1000
#: Seconds that a pool has after a burst to give memory back.
REST = 3.0


def _arrays() -> Any:
    try:
        import numpy
    except ModuleNotFoundError:
        raise CannotMeasure("numpy is not installed") from None
    return numpy


def _make_array(size: int) -> Any:
    """Make an array of floats that has this many bytes, none of its pages shared."""
    numpy = _arrays()
    return numpy.arange(size // 8, dtype=numpy.float64)


@scenario(
    "array-4MB",
    Line("in and out", "MB/s", "higher", target=Target("at least", 15)),
    Line("in and out", "MB/s", "higher", COPYING, target=Target("at least", 0.4)),
    size=100,
    quick_size=20,
)
def array_4mb(library: Library, size: int) -> Figures:
    """Walk the results of ``imap`` of a no-op over arrays of 4 MB; count MB in and out.

    Each result is looked at and dropped, as in a pipeline. The limit is a loop that copies the
    same bytes, once in and once out.
    """
    return {"in and out": walk(library, _make_array(LARGE_MEGABYTES * MEGABYTE), size)}


@scenario(
    "array-4MB-kept",
    Line("in and out", "MB/s", "higher"),
    size=100,
    quick_size=20,
)
def array_4mb_kept(library: Library, size: int) -> Figures:
    """Map a no-op over arrays of 4 MB, ``chunksize=1``, and keep all results; count MB in and out.

    Nothing is recycled here: each result needs pages of its own.
    """
    payload = _make_array(LARGE_MEGABYTES * MEGABYTE)
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = pool.map(noop, [payload] * size, 1)
        elapsed = time.perf_counter() - start
    check(len(results) == size and all(r[-1] == payload[-1] for r in results), "map of arrays")
    return {"in and out": 2 * size * LARGE_MEGABYTES / elapsed}


@scenario(
    "array-64kB",
    Line("in and out", "MB/s", "higher", target=Target("at least", 3)),
    size=2000,
    quick_size=400,
)
def array_64kb(library: Library, size: int) -> Figures:
    """Walk the results of ``imap`` of a no-op over arrays of 64 kB; count MB in and out."""
    return {"in and out": walk(library, _make_array(SMALL_BYTES), size)}


def _at(array: Any, index: int) -> float:
    return float(array[index])


def _memory_with(array: Any, _: int) -> tuple[int, int]:
    check(array[1] == 1, "a carried array")
    pause(0.05)  # so that each worker has one of these
    return os.getpid(), proportional_bytes(os.getpid())


def _memory(_: int) -> tuple[int, int]:
    return _memory_with([0, 1], 0)


@scenario(
    "partial-100MB",
    Line("time", "ms", "lower", target=Target("at most", 1 / 20)),
    Line("memory of workers", "MB", "lower", compare="value", target=Target("at most", 120)),
    size=1000,
    quick_size=1000,
    peer_size=0,
)
def partial_100mb(library: Library, size: int) -> Figures:
    """``map(partial(f, array), range(1000))`` with an array of 100 MB: time, and memory of it.

    Memory is what both workers grow by (PSS, which counts a page that processes share as a part
    of each): that of the array once, if they share it. The caller has its own.
    """
    array = _make_array(CARRIED_MEGABYTES * MEGABYTE)
    with library.open_warm(WORKERS) as pool:
        before = dict(pool.map(_memory, range(2 * WORKERS), 1))
        start = time.perf_counter()
        results = pool.map(partial(_at, array), range(size))
        elapsed = time.perf_counter() - start
        after: dict[int, int] = {}
        for pid, memory in pool.map(partial(_memory_with, array), range(4 * WORKERS), 1):
            after[pid] = max(memory, after.get(pid, 0))
    check(results == [float(n) for n in range(size)], "map of a partial")
    check(len(after) == WORKERS, "not all workers had the array")
    grown = sum(memory - before.get(pid, 0) for pid, memory in after.items())
    return {"time": elapsed * 1000, "memory of workers": grown / MEGABYTE}


@scenario(
    "arguments-1kB",
    Line("throughput", "tasks/s", "higher"),
    size=20_000,
    quick_size=4000,
)
def arguments_1kb(library: Library, size: int) -> Figures:
    """Map a no-op over lists with a ``bytes`` of 1 kB each, ``chunksize=1``.

    These are too small for any other way than through the pipe.
    """
    items = [[n, bytes(1000)] for n in range(size)]
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        results = pool.map(noop, items, 1)
        elapsed = time.perf_counter() - start
    check(results == items, "map of small arguments")
    return {"throughput": size / elapsed}


@scenario(
    "array-2GB",
    Line("time", "ms", "lower"),
    Line("memory", "arrays", "lower", compare="value", target=Target("at most", 3.5)),
    size=2000,
    quick_size=200,
    peer_size=0,
    rounds=3,
)
def array_2gb(library: Library, size: int) -> Figures:
    """Send an array of 2 GB and get it back: time, and peak memory of caller and worker together.

    Memory is in multiples of the array and counts what the caller has itself. What travels is then
    a copy on each side.
    """
    if available_bytes() < COPIES * size * MEGABYTE:
        raise CannotMeasure(f"needs {COPIES * size // 1000} GB of free memory")
    payload = _make_array(size * MEGABYTE)
    with library.open_warm(1) as pool:
        with PeakOfFamily() as peak:
            start = time.perf_counter()
            result = pool.apply(noop, (payload,))
            elapsed = time.perf_counter() - start
        check(result[-1] == payload[-1], "a huge array")
    return {"time": elapsed * 1000, "memory": peak.bytes / payload.nbytes}


@scenario(
    "memory-after-burst",
    Line("shared memory", "MB", "lower", compare="value", target=Target("at most", 64)),
    size=BURST_MEGABYTES,
    quick_size=BURST_MEGABYTES // 4,
    peer_size=0,
)
def memory_after_burst(library: Library, size: int) -> Figures:
    """The shared memory of the system that an idle pool holds after a burst of 1 GB.

    Results are kept until all are there, and dropped.
    """
    payload = _make_array(LARGE_MEGABYTES * MEGABYTE)
    with library.open_warm(WORKERS) as pool:
        before = shared_bytes()
        results = pool.map(noop, [payload] * (size // LARGE_MEGABYTES), 1)
        check(all(result[-1] == payload[-1] for result in results), "a burst of arrays")
        del results
        deadline = time.monotonic() + REST
        while (held := shared_bytes() - before) > MEGABYTE and time.monotonic() < deadline:
            pause(0.05)
    return {"shared memory": held / MEGABYTE}
