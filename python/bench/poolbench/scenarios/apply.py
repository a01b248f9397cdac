"""Latency of ``apply``: one call at a time, as a request handler makes it.

Where caller and worker run decides more than anything else. On one core, handing over is a switch
from one process to the other; on two, each way waits until a sleeping core has woken up, which on
a virtual machine takes several times as long as the rest of the call. The scheduler settles for one
or the other early in the life of a pool, by chance: so the figures that are judged are those of two
fixed placements, and the free one, which users have, is reported.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from poolbench.libraries import FLOOR
from poolbench.libraries.library import Library, Pool
from poolbench.placement import can_place, open_apart, open_together
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
WARM_UP_CALLS = 100


def apply_free(library: Library, size: int) -> Figures:
    """Call a no-op by ``apply``, one call after the other, and time each round trip; 2 workers.

    The median is what a call usually waits; the 99th percentile shows what waking threads and
    handing over the GIL add now and then. Beside it, as a floor, the same call by hand: one process
    at the other end of a socket pair, one pickle each way. Processes run where the scheduler puts
    them, so expect two groups of rounds, and a wide spread.
    """
    return round_trips(library.open_warm(WORKERS), noop, size, WARM_UP_CALLS)


def apply_together(library: Library, size: int) -> Figures:
    """Time round trips as ``apply-free`` does, with caller and workers pinned to one core.

    No core has to wake up: what is left is the work that a call costs, on both sides.
    """
    return round_trips(open_together(library, WORKERS), noop, size, WARM_UP_CALLS)


def apply_apart(library: Library, size: int) -> Figures:
    """Time round trips as ``apply-free`` does, with caller and workers pinned to a core each.

    Each hand-over to the other side wakes a core, and so may each one between threads.
    """
    return round_trips(open_apart(library, WORKERS), noop, size, WARM_UP_CALLS)


def round_trips(pool: Pool, same: Callable[[int], int], size: int, warm_up: int) -> Figures:
    """Time calls of a function that returns its argument, after as many as are to warm up."""
    with pool:
        for number in range(warm_up):
            pool.apply(same, (number,))
        times = []
        for number in range(size):
            start = time.perf_counter()
            result = pool.apply(same, (number,))
            times.append(time.perf_counter() - start)
            check(result == number, "apply of a no-op")
    percentiles = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": percentiles[49] * 1e6, "p99": percentiles[98] * 1e6}


REPORTED = [
    Line("p50", "µs", "lower"),
    Line("p99", "µs", "lower"),
    Line("p50", "µs", "lower", against=FLOOR),
]
NO_SLOWER = Target("at most", 1)
JUDGED = [
    replace(line, target=Target("at most", 1.3) if line.against == FLOOR else NO_SLOWER)
    for line in REPORTED
]

if can_place():
    scenario("apply-together", *JUDGED, size=2_000, quick_size=500)(apply_together)
    scenario("apply-apart", *JUDGED, size=2_000, quick_size=500)(apply_apart)
scenario("apply-free", *REPORTED, size=2_000, quick_size=500)(apply_free)
