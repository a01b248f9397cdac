"""On which cores caller and workers run: chosen, where a figure depends on it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from poolbench.libraries.library import Library, Pool


def can_place() -> bool:
    """Tell whether processes can be pinned here, and there are two cores to pin them to."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


def open_together(library: Library, processes: int) -> Pool:
    """Open a warm pool on one core: every thread of the caller, and every worker."""
    ours, _ = _two_cores()
    os.sched_setaffinity(0, {ours})
    return library.open_warm(processes)


def open_apart(library: Library, processes: int) -> Pool:
    """Open a warm pool with every thread of the caller on one core, and all workers on another."""
    ours, theirs = _two_cores()
    os.sched_setaffinity(0, {theirs})  # the workers inherit it, and stay there
    pool = library.open_warm(processes)
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {ours})
    return pool


def _two_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))[:2]
