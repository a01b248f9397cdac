"""Fairness: a single call on a pool that is busy with a huge ``map``."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time

from poolbench.libraries.library import Library, Pool
from poolbench.scenario import Figures, Line, Target, scenario
from poolbench.tasks import noop, spin

WORKERS = 2
CALLS = 50
TASK_SECONDS = 1e-3
HEAD_START_SECONDS = 0.5
PATIENCE_SECONDS = 5.0


@scenario(
    "apply-beside-map",
    Line("p50", "x task", "lower", compare="value", target=Target("at most", 2)),
    Line("p95", "x task", "lower", compare="value"),
    size=1_000_000,
    quick_size=1_000_000,
    peer_size=14_000,
)
def apply_beside_map(library: Library, size: int) -> Figures:
    """Call a no-op while a ``map`` of a million 1 ms tasks is under way; 2 workers.

    Another thread runs the ``map``, with ``chunksize=1``. The call, made 50 times, should wait for
    a worker to end its task, and not for the ``map``: reported is the wait in lengths of a task.
    After 5 s (5,000 tasks) a library is not waited for any longer, and has this figure. Peers
    get 14,000 tasks, which take 7 s: some need more than that to take a million in.
    """
    waits = []
    with library.open_shared(WORKERS) as pool:
        _time_call(pool, 0)
        # A daemon, since nobody tells it when multiprocessing.Pool is terminated.
        threading.Thread(target=_map_long, args=(pool, size), daemon=True).start()
        time.sleep(HEAD_START_SECONDS)
        for number in range(CALLS):
            waits.append(_time_call(pool, number))
            if waits[-1] >= PATIENCE_SECONDS:
                break
    percentiles = statistics.quantiles(waits * 2, n=20, method="inclusive")
    return {"p50": percentiles[9] / TASK_SECONDS, "p95": percentiles[18] / TASK_SECONDS}


def _map_long(pool: Pool, size: int) -> None:
    with contextlib.suppress(Exception):  # the pool ends long before
        pool.map(spin, [TASK_SECONDS] * size, 1)


def _time_call(pool: Pool, number: int) -> float:
    start = time.perf_counter()
    try:
        pool.apply_async(noop, (number,)).get(PATIENCE_SECONDS)
    except Exception:  # each library has a TimeoutError of its own
        if time.perf_counter() - start < PATIENCE_SECONDS:
            raise
    return time.perf_counter() - start
