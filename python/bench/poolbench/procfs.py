"""What the kernel says of this process and of its descendants: CPU time and memory."""

from __future__ import annotations

import contextlib
import os
import threading
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


def proportional_bytes(pid: int) -> int:
    """Return how much memory a process has (PSS): of pages that several share, its part."""
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss") * 1024


def available_bytes() -> int:
    """Return how much memory there is for new programs."""
    return _kilobytes("/proc/meminfo", "MemAvailable") * 1024


def shared_bytes() -> int:
    """Return how much shared memory there is in the whole system, whoever has it mapped."""
    return _kilobytes("/proc/meminfo", "Shmem") * 1024


class PeakOfFamily:
    """The most memory that this process and its descendants have together, in a ``with`` block."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> PeakOfFamily:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            pids = [os.getpid(), *_descendants(os.getpid())]
            self.bytes = max(self.bytes, sum(map(_proportional_or_none, pids)))
            if self._ended.wait(0.05):
                return


def _proportional_or_none(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return proportional_bytes(pid)
    return 0


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
        return _kilobytes("/proc/self/status", key) * 1024
    except FileNotFoundError:
        raise CannotMeasure("there is no /proc here to read memory from") from None


def _kilobytes(file: str, key: str) -> int:
    lines = Path(file).read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{key}:")]
    return int(kilobytes)
