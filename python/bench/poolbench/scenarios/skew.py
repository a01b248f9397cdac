"""Balance: how evenly a job ends when a few tasks are much longer than the others."""

from __future__ import annotations

import heapq
import random
import time
from functools import partial

from poolbench.libraries.library import Library
from poolbench.scenario import Figures, Line, Target, check, scenario
from poolbench.tasks import noop, spin

WORKERS = 2
SHORT_SECONDS = 1e-3
LONG_SECONDS = 100 * SHORT_SECONDS
LONG_TASKS = 5
NOOP_TASKS = 20_000


def skew_long_last(library: Library, size: int, *, after_noop: bool) -> Figures:
    """Map 200 tasks, the last 5 of them 100 times as long, with no ``chunksize`` given; 2 workers.

    Chunks of equal length put several long tasks on one worker while the other has nothing left
    to do. The ideal is what a scheduler achieves that costs nothing, and that gives the next task
    in order to whichever worker is free: computed from the durations that the tasks measured. (It
    is not a lower bound: another order can be a little better.) In ``…-after-noop`` a job of
    no-ops runs on the same pool first, so that what a pool has learned from it can mislead it.
    """
    durations = [SHORT_SECONDS] * (size - LONG_TASKS) + [LONG_SECONDS] * LONG_TASKS
    return _relative_makespan(library, durations, after_noop)


def skew_long_hidden(library: Library, size: int, *, after_noop: bool) -> Figures:
    """Map 200 tasks, 5 of them 100 times as long and hidden among the others; 2 workers.

    As ``skew-long-last``, with the long tasks at positions drawn once (the same in every run): a
    short task that is sent ahead to a worker can be stuck behind a long one.
    """
    durations = [SHORT_SECONDS] * size
    for position in random.Random(5).sample(range(size), LONG_TASKS):
        durations[position] = LONG_SECONDS
    return _relative_makespan(library, durations, after_noop)


def _relative_makespan(library: Library, durations: list[float], after_noop: bool) -> Figures:
    with library.open_warm(WORKERS) as pool:
        if after_noop:
            pool.map(noop, range(NOOP_TASKS))
        start = time.perf_counter()
        measured = pool.map(spin, durations)
        elapsed = time.perf_counter() - start
    is_right = all(real >= wanted for real, wanted in zip(measured, durations, strict=True))
    check(is_right, "map of skewed tasks")
    return {"makespan": elapsed / greedy_makespan(measured, WORKERS)}


def greedy_makespan(durations: list[float], workers: int) -> float:
    """Return when the last worker ends if each task in order goes to the first free worker."""
    free_at = [0.0] * workers
    for duration in durations:
        heapq.heapreplace(free_at, free_at[0] + duration)
    return max(free_at)


for _name, _skewed in {"last": skew_long_last, "hidden": skew_long_hidden}.items():
    for _after_noop in (False, True):
        _measure = partial(_skewed, after_noop=_after_noop)
        _measure.__doc__ = _skewed.__doc__
        scenario(
            f"skew-long-{_name}{'-after-noop' if _after_noop else ''}",
            Line("makespan", "x ideal", "lower", compare="value", target=Target("at most", 1.1)),
            size=200,
            quick_size=100,
        )(_measure)
