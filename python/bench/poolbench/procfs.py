"""What the kernel says of this process and of its descendants: CPU time and memory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from poolbench.libraries.library import CannotMeasure

MEGABYTE = 1_000_000


def cpu_of_family() -> float:
    """Return the CPU seconds used so far by this process and all of its descendants that live.

    Counted in nanoseconds by the scheduler, and not in ticks of 10 ms.
    """
    pids = [os.getpid(), *_descendants(os.getpid())]
    return sum(_cpu_nanoseconds(pid) for pid in pids) / 1e9


def resident_bytes() -> int:
    """Return how much of this process is in memory."""
    return _status("VmRSS")


def peak_resident_bytes() -> int:
    """Return how much of this process has been in memory at most."""
    return _status("VmHWM")


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    for task in _tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children += map(int, (task / "children").read_text().split())
    return children + [deeper for child in children for deeper in _descendants(child)]


def _cpu_nanoseconds(pid: int) -> int:
    total = 0
    for task in _tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def _tasks(pid: int) -> list[Path]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return list(Path(f"/proc/{pid}/task").iterdir())
    return []


def _status(key: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        raise CannotMeasure("there is no /proc here to read memory from") from None
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return int(kilobytes) * 1024
