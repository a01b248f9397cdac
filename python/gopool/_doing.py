"""The task that a worker is in, as Go tells of it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

from . import _code_name, _codec

#: gopool/bridge/stats.go: index, for how long it has been seen and when its grant began,
#: in ns; then the function.
_TASK = struct.Struct("<QQQ")

_FUNCTION = struct.Struct("<QQQ")  # job, convention, size of the code; the code follows


class Task:
    """A task that a worker is in: which of its call, what is called, and for how long."""

    def __init__(self, index: int, function: str, seconds: float) -> None:
        self.index = index
        self.function = function
        self.seconds = seconds


def read_task(
    data: bytes | memoryview, at: int, name_of_job: Callable[[int], str]
) -> tuple[Task, int]:
    """Return the task described at an offset, and where that ends."""
    index, since, began = _TASK.unpack_from(data, at)
    _, convention, _ = _FUNCTION.unpack_from(data, at + _TASK.size)
    if convention & _codec.CONVENTION == _codec.APPLY:
        index = 0  # that of others with which the call was gathered is nobody's business
    name, end = read_function(data, at + _TASK.size, name_of_job)
    # Each is right or too much: when its grant began, and since when it was seen in the task.
    elapsed = time.monotonic_ns() - began if began else since
    if since:
        elapsed = min(elapsed, since)
    return Task(index, name, max(0, elapsed) / 1e9), end


def read_function(
    data: bytes | memoryview, at: int, name_of_job: Callable[[int], str]
) -> tuple[str, int]:
    """Return the name of the function described at an offset, and where that ends.

    One that has no code never left this process; `name_of_job` knows it by its job.
    """
    job, convention, size = _FUNCTION.unpack_from(data, at)
    start = at + _FUNCTION.size
    if job:
        return name_of_job(job), start
    return _code_name.name_of(bytes(data[start : start + size]), convention), start + size
