"""What a pool does and has done: `Pool.stats`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from ._doing import Task, read_task

# gopool/bridge/stats.go
_POOL = struct.Struct("<10Q")
_WORKER = struct.Struct("<5Q")

_STATES = ("starting", "idle", "busy", "retiring", "lost")


@dataclass(frozen=True)
class WorkerStats:
    """What a worker does; part of `PoolStats`.

    number
        its number in the pool, as `WorkerLostError.worker` and `Pool.dump` have it: a
        worker that takes the place of another has a new one.
    pid
        of its process; for a thread, that of this process.
    state
        `"starting"` (until its initializer has returned), `"idle"`, `"busy"` (it has tasks),
        `"retiring"` (it runs what it has and then ends), or `"lost"` (it has ended, or can't
        be reached).
    function, task, seconds
        what it runs: the name of the function, the index of the task in its call, and for
        how long it has been in it. `None`, `None` and 0.0 if nothing.
    tasks_done
        how many tasks it has run to their end.
    """

    number: int
    pid: int
    state: str
    function: str | None
    task: int | None
    seconds: float
    tasks_done: int


@dataclass(frozen=True)
class PoolStats:
    """What a pool does and has done; see `Pool.stats`.

    workers
        those there are, by number.
    tasks_done
        tasks that workers have run to their end, whether they returned or raised; one
        that was run again (`retries=`) once for each time.
    tasks_queued
        tasks that wait, here or with a worker.
    tasks_running
        tasks that workers are in.
    tasks_lost
        tasks that ended with their worker.
    tasks_retried
        runs that were repetitions.
    bytes_sent, bytes_received
        encoded functions and arguments that went to workers, and outcomes that came back,
        through sockets and shared memory. A function that workers map, and a value of
        `gopool.shared`, is not sent. Nothing is, to threads.
    shared_memory_caller, shared_memory_workers
        bytes of shared memory that large arguments of this process (for all of its pools),
        and the results and pages of this pool's workers, take up, with what is free and kept
        for the next ones.
    utilisation
        the share of the workers' time that they spent in tasks, from 0 to 1: time in tasks
        (unpickling arguments and pickling results included) divided by time since each
        worker was ready, over all workers that the pool has had.
    uptime
        seconds since the pool was made; of one that has ended, until then.
    """

    workers: tuple[WorkerStats, ...]
    tasks_done: int
    tasks_queued: int
    tasks_running: int
    tasks_lost: int
    tasks_retried: int
    bytes_sent: int
    bytes_received: int
    shared_memory_caller: int
    shared_memory_workers: int
    utilisation: float
    uptime: float


def read(
    data: bytes,
    name_of_job: Callable[[int], str],
    own_pid: int,
    shared_memory: tuple[int, int],
) -> PoolStats:
    """Put what Go says into words. Workers that are no processes have `own_pid`."""
    uptime, busy, present, done, queued, running, lost, retried, sent, received = _POOL.unpack_from(
        data
    )
    at = _POOL.size
    workers = []
    while at < len(data):
        number, pid, state, ran, has_task = _WORKER.unpack_from(data, at)
        at += _WORKER.size
        task: Task | None = None
        if has_task:
            task, at = read_task(data, at, name_of_job)
        workers.append(
            WorkerStats(
                number,
                pid or own_pid,
                _STATES[state],
                task.function if task else None,
                task.index if task else None,
                task.seconds if task else 0.0,
                ran,
            )
        )
    return PoolStats(
        tuple(workers),
        done,
        queued,
        running,
        lost,
        retried,
        sent,
        received,
        *shared_memory,
        min(1.0, busy / present) if present else 0.0,
        uptime / 1e9,
    )
