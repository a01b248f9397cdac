"""Scale: whether ten million tasks, or 64 workers, cost more per task than a few."""

from __future__ import annotations

import time

from poolbench import procfs
from poolbench.libraries import REFERENCE
from poolbench.libraries.library import Library, Pool
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

FEW_WORKERS, MANY_WORKERS = 2, 64
USUAL_TASKS = 200_000
NO_LOSS = Target("at least", 0.9)  # two measurements, one divided by the other: 10 % is noise


@scenario(
    "scale-tasks",
    Line("of the usual throughput", "x", "higher", compare="value", target=NO_LOSS),
    Line("throughput", "tasks/s", "higher"),
    Line("memory", "bytes/task", "lower"),
    size=10_000_000,
    quick_size=500_000,
    peer_size=0,
    sizes={REFERENCE: 1_000_000},
    rounds=3,
)
def scale_tasks(library: Library, size: int) -> Figures:
    """Map a no-op over ten million ints, ``chunksize=1``, 2 workers.

    The usual throughput is that of 200,000 tasks, on the same pool before. Memory is by how much
    the peak of the calling process grew, and has about 40 bytes a task in it that are the list of
    results. ``multiprocessing.Pool`` gets a million tasks (ten take it minutes), peers none.
    """
    with library.open_warm(FEW_WORKERS) as pool:
        usual = _throughput(pool, USUAL_TASKS)
        before = procfs.peak_resident_bytes()
        throughput = _throughput(pool, size)
        grown = procfs.peak_resident_bytes() - before
    return {
        "of the usual throughput": throughput / usual,
        "throughput": throughput,
        "memory": grown / size,
    }


@scenario(
    "scale-workers",
    Line("of 2 workers' throughput", "x", "higher", compare="value", target=NO_LOSS),
    Line("throughput", "tasks/s", "higher"),
    size=200_000,
    quick_size=20_000,
    peer_size=5_000,
    sizes={REFERENCE: 100_000},
)
def scale_workers(library: Library, size: int) -> Figures:
    """Map a no-op over ints with ``chunksize=1`` on 64 workers, however few cores there are.

    More workers than cores are of no use to a no-op; the question is what they cost. Compared
    with a pool of 2 workers in the same process, before.
    """
    with library.open_warm(FEW_WORKERS) as pool:
        usual = _throughput(pool, size)
    with library.open_warm(MANY_WORKERS) as pool:
        throughput = _throughput(pool, size)
    return {"of 2 workers' throughput": throughput / usual, "throughput": throughput}


def _throughput(pool: Pool, size: int) -> float:
    start = time.perf_counter()
    results = pool.map(noop, range(size), 1)
    elapsed = time.perf_counter() - start
    is_right = len(results) == size and all(r == i for i, r in enumerate(results))
    check(is_right, "map of a no-op")
    return size / elapsed
