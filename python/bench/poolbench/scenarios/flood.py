"""Throughput of ``apply_async``: many single calls outstanding at once."""

from __future__ import annotations

import time

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2


@scenario(
    "flood",
    Line("throughput", "calls/s", "higher", target=Target("at least", 10)),
    size=20_000,
    quick_size=5_000,
    peer_size=10_000,
)
def apply_async_flood(library: Library, size: int) -> Figures:
    """Submit a no-op by ``apply_async`` many times, then get all results; 2 workers.

    Programs that produce tasks one by one work this way. It has the cost of dispatch, as
    ``map`` with ``chunksize=1`` does, and a result object and a submission for each call.
    """
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        pending = [pool.apply_async(noop, (number,)) for number in range(size)]
        results = [result.get() for result in pending]
        elapsed = time.perf_counter() - start
    check(results == list(range(size)), "apply_async of a no-op")
    return {"throughput": size / elapsed}
