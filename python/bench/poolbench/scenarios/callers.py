"""Many callers: threads of one program that share a pool."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from poolbench.libraries.library import Library, Pool
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop

WORKERS = 2
CALLERS = 16
MAP_TASKS = 250


# 5 % for the noise of two short measurements, one divided by the other.
LINES = [
    Line("throughput", "tasks/s", "higher"),
    Line("of one thread's", "x", "higher", compare="value", target=Target("at least", 0.95)),
]


@scenario("callers-map", *LINES, size=64_000, quick_size=16_000, peer_size=16_000)
def callers_map(library: Library, size: int) -> Figures:
    """Share a pool of 2 workers between 16 threads that ``map`` a no-op over 250 ints each time.

    With ``chunksize=1``. Reported are tasks per second of all threads together, and what this is of
    the throughput that one thread has with the same calls: locks and threads that get into each
    other's way would show.
    """
    return _compare(library.open_shared(WORKERS), _map_often, size)


@scenario("callers-apply", *LINES, size=16_000, quick_size=4_000, peer_size=4_000)
def callers_apply(library: Library, size: int) -> Figures:
    """Share a pool of 2 workers between 16 threads that ``apply`` a no-op again and again."""
    return _compare(library.open_warm(WORKERS), _apply_often, size)


def _compare(warm: Pool, work: Callable[[Pool, int], None], size: int) -> Figures:
    with warm as pool:
        start = time.perf_counter()
        work(pool, size)
        alone = time.perf_counter() - start
        with ThreadPoolExecutor(CALLERS) as callers:
            start = time.perf_counter()
            list(callers.map(lambda _: work(pool, size // CALLERS), range(CALLERS)))
            together = time.perf_counter() - start
    return {"throughput": size / together, "of one thread's": alone / together}


def _map_often(pool: Pool, size: int) -> None:
    for first in range(0, size, MAP_TASKS):
        numbers = range(first, min(first + MAP_TASKS, size))
        check(pool.map(noop, numbers, 1) == list(numbers), "map of a no-op")


def _apply_often(pool: Pool, size: int) -> None:
    for number in range(size):
        check(pool.apply(noop, (number,)) == number, "apply of a no-op")
