"""What is known of a worker that has died, beside its exit code: for `WorkerLostError`.

The supervisor finds it out (`Report`), Go keeps it with the task that was lost, and who
asks for the task's result reads it.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ._dump import name_of
from ._errors import TaskTimeoutError, WorkerLostError
from ._process import UNKNOWN_EXIT, WorkerProcess

#: Ends that the worker's own code has caused: faulthandler writes a stack then.
_CRASHES = frozenset(
    -number
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
)

#: Bytes of a stack that are kept.
_MAX_STACK = 1 << 15

_REPORT = struct.Struct("<Q?")  # peak memory, or 0; killed for memory; the stack follows
#: gopool/bridge/collect.go: exit code, worker, time limit in ns or 0, retries, size of the
#: reason
_LOST = struct.Struct("<qQQQQ")


class Report(NamedTuple):
    """What the supervisor found out about a dead worker."""

    peak_memory: int = 0
    out_of_memory: bool = False
    stack: str = ""

    def encode(self) -> bytes:
        stack = self.stack.encode(errors="replace")[:_MAX_STACK]
        return _REPORT.pack(self.peak_memory, self.out_of_memory) + stack


def _decode(data: memoryview) -> Report:
    if not data:
        return Report()
    peak_memory, out_of_memory = _REPORT.unpack_from(data)
    return Report(peak_memory, out_of_memory, str(data[_REPORT.size :], "utf-8", "replace"))


class Coroner:
    """Finds out what workers of one pool have died of."""

    def __init__(self) -> None:
        #: Processes killed for memory, each of which explains one worker.
        self._explained = _killed_for_memory()

    def examine(self, worker: WorkerProcess, code: int) -> Report:
        """Return what is known of a worker that has been reaped, and not forgotten yet."""
        out_of_memory = (
            code == -signal.SIGKILL and not worker.killed and _killed_for_memory() > self._explained
        )
        self._explained += out_of_memory
        stack = _crash(worker.traces()) if code in _CRASHES else ""
        if stack and faulthandler.is_enabled():
            # The program wants to see it, and the worker's own faulthandler has told us.
            with suppress(Exception):
                print(stack, file=sys.stderr, flush=True)
        return Report(worker.peak_memory, out_of_memory, stack)


def _crash(traces: bytes) -> str:
    """Return the stacks of a crash from what faulthandler has written.

    Before it there may be what a stopped worker was asked for, and a child's.
    """
    _, fatal, crash = traces.decode(errors="replace").rpartition("Fatal Python error")
    return (fatal + crash).strip() if fatal else ""


def lost(
    function: Callable[..., object], index: int, data: memoryview
) -> WorkerLostError | TaskTimeoutError:
    """Return the error of a task that ended with its worker, from the outcome that Go has."""
    code, worker, limit, retries, size = _LOST.unpack_from(data)
    name = name_of(function)
    attempts = f", in the last of {retries + 1} attempts" if retries else ""
    if limit:
        seconds = limit / 1e9
        message = f"{name} (task {index}) ran longer than {seconds:g} s, and was ended{attempts}"
        return TaskTimeoutError(message, function=name, index=index, seconds=seconds)
    reason = str(data[_LOST.size : _LOST.size + size], "utf-8")
    report = _decode(data[_LOST.size + size :])
    message = f"worker {worker} {reason} while it ran {name} (task {index}){attempts}"
    if report.out_of_memory:
        message += ", probably for memory"
    if report.peak_memory:
        message += f"; its memory peaked at {report.peak_memory / (1 << 20):.0f} MiB"
    if report.stack:
        message += f"\n\n{report.stack}"
    return WorkerLostError(
        message,
        None if code == UNKNOWN_EXIT else code,
        function=name,
        index=index,
        attempts=retries + 1,
        peak_memory=report.peak_memory or None,
        out_of_memory=report.out_of_memory,
        stack=report.stack or None,
    )


def _killed_for_memory() -> int:
    """Return how many processes the kernel has killed for memory: of our group, if it tells."""
    for path in _counters():
        try:
            with open(path) as file:
                for line in file:
                    name, _, value = line.partition(" ")
                    if name == "oom_kill":
                        return int(value)
        except (OSError, ValueError):
            continue
    return 0


def _counters() -> list[str]:
    """Return the files that count it, the most exact first: of the group's, of the system's."""
    paths = []
    with suppress(OSError, ValueError):
        with open("/proc/self/cgroup") as file:
            for line in file:
                _, controllers, group = line.rstrip("\n").split(":", 2)
                # In a container the group may be named as it is outside: then it is the root.
                for path in (group, "/"):
                    if not controllers:
                        paths.append(os.path.join("/sys/fs/cgroup", path[1:], "memory.events"))
                    elif "memory" in controllers.split(","):
                        paths.append(
                            os.path.join("/sys/fs/cgroup/memory", path[1:], "memory.oom_control")
                        )
    return [*paths, "/proc/vmstat"]
