"""Executors of ``concurrent.futures`` beside each other: single calls, and ``map``."""

from __future__ import annotations

import time

from poolbench.libraries import EXECUTOR
from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2


def line(unit: str) -> Line:
    return Line("throughput", unit, "higher", against=EXECUTOR, target=Target("at least", 4))


@scenario("executor-submit", line("calls/s"), size=20_000, quick_size=5_000, peer_size=5_000)
def executor_submit(library: Library, size: int) -> Figures:
    """Submit a no-op to an executor many times, then get the results of all futures; 2 workers."""
    with library.open_warm_executor(WORKERS) as executor:
        start = time.perf_counter()
        futures = [executor.submit(noop, number) for number in range(size)]
        results = [future.result() for future in futures]
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "submit of a no-op")
    return {"throughput": size / elapsed}


@scenario("executor-map", line("tasks/s"), size=100_000, quick_size=10_000, peer_size=5_000)
def executor_map(library: Library, size: int) -> Figures:
    """Walk an executor's ``map`` of a no-op over ints, ``chunksize=1``, 2 workers."""
    with library.open_warm_executor(WORKERS) as executor:
        start = time.perf_counter()
        results = list(executor.map(noop, range(size)))
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "map of a no-op by an executor")
    return {"throughput": size / elapsed}
