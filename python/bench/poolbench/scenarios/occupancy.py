"""Occupancy: how much of the workers' time goes into tasks when tasks are short."""

from __future__ import annotations

import time

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import spin

WORKERS = 2
TASK_SECONDS = 1e-3


@scenario(
    "occupancy-1ms",
    Line("in tasks", "%", "higher", compare="value", target=Target("at least", 97)),
    size=1_000,
    quick_size=300,
)
def occupancy_1ms(library: Library, size: int) -> Figures:
    """Map tasks that keep a core busy for 1 ms, ``chunksize=1``, 2 workers.

    Reported is the time spent in tasks, as the tasks measure it, as a part of 2 workers x the
    time of the whole ``map``. The rest is lost to waiting for the next task and to encoding.
    """
    with library.open_warm(WORKERS) as pool:
        start = time.perf_counter()
        durations = pool.map(spin, [TASK_SECONDS] * size, 1)
        elapsed = time.perf_counter() - start
    check(len(durations) == size and min(durations) >= TASK_SECONDS, "map of 1 ms tasks")
    return {"in tasks": 100 * sum(durations) / (WORKERS * elapsed)}
