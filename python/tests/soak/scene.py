"""The life of one pool, from its start to its audit."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import random
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.audit import Audit
from support.journal import Journal
from support.latches import Mailbox
from support.workload import DEADLY, KINDS, RAISES, RETURNS, SINGLE, VALUES, Job, Task, start

import gopool

from .faults import Faults
from .interrupts import Interrupter
from .tally import Tally

THREADS = "threads"

WORKERS = {"fork": 12, THREADS: 3, "forkserver": 1, "spawn": 1}
"""What workers are, or how they are started, with how often that is taken."""

PAUSES = (0.5,)
FORK_PAUSES = (0.05, 0.1, 0.5)
"""Seconds between two faults, at most: workers have to get something done after they started."""

FORK_CHUNKS = (None, None, 1, 5)
"""How much a worker does until it is replaced. Others are too slow to start for that."""

ENDINGS = ("closed", "closed", "terminated", "terminated at work", "left", "dropped")

#: Fates of tasks that are lost by themselves; nobody is there who would kill those that are held.
FATES = [fate for fate in DEADLY if fate != "held"]

#: How many tasks a job has, and how far they count.
SIZES = (0, 1, 2, 10, 60, 60, 60, 60, 300, 2_000)
SPINS = (0, 0, 1_000, 20_000, 200_000)

_number = itertools.count(1).__next__

_Try = Callable[[Callable[[], object]], bool]
"""Makes a call, and tells whether it was interrupted."""


def start_pool(
    workers: str,
    size: int,
    initializer: Callable[[], object] | None = None,
    maxtasksperchild: int | None = None,
) -> gopool.Pool:
    """Start a pool whose workers are threads, or processes that are started in some way."""
    if workers == THREADS:
        return gopool.ThreadPool(size, initializer)
    context = multiprocessing.get_context(workers)
    return gopool.Pool(size, initializer, maxtasksperchild=maxtasksperchild, context=context)


def _uninterrupted(call: Callable[[], object]) -> bool:
    call()
    return False


class Scene:
    """A pool, threads that use it, and one that sends signals to its workers.

    The thread that plays it uses the pool too. If that is the main thread, it is interrupted.
    """

    def __init__(
        self,
        directory: Path,
        tally: Tally,
        seed: str,
        deadline: float,
        interrupter: Interrupter | None = None,
    ) -> None:
        """Play until the deadline, or until all is done that the seed says."""
        self._deadline = deadline
        self._seed = seed
        self._random = random.Random(seed)
        self._tally = tally
        self._journal = Journal(str(directory / seed))
        self._mailbox = Mailbox("")  # nobody would kill those that are held
        self._attempt: _Try = interrupter.interrupts if interrupter else _uninterrupted
        self._ending = self._random.choice(ENDINGS)
        (self._workers,) = self._random.choices([*WORKERS], [*WORKERS.values()])
        self._chunks = self._random.choice(FORK_CHUNKS) if self._workers == "fork" else None
        self._jobs: list[Job] = []
        self._wrong: list[str] = []

    def play(self) -> list[str]:
        """Live; return what was wrong."""
        pause = self._random.choice(FORK_PAUSES if self._workers == "fork" else PAUSES)
        faults = Faults(self._journal, self._tally, self._fork("faults"), pause)
        try:
            self._live(faults)
        except Exception:
            self._wrong.append(traceback.format_exc())
        finally:
            faults.stop(leave_stopped=False)
        ended = self._ending == "terminated at work"
        audit = Audit(self._journal.read(), faults.killed, ended=ended)
        self._wrong += faults.wrong + audit.violations(self._jobs)
        self._tally.add("lost", audit.lost(self._jobs))
        self._tally.touch()
        self._tally.add(f"end: {self._ending}")
        self._tally.add(f"workers: {self._workers}")
        self._tally.add("pools")
        return [f"scene {self._seed}, {self._ending}: {reason}" for reason in self._wrong]

    def _fork(self, name: str) -> random.Random:
        return random.Random(f"{self._seed} {name}")

    def _live(self, faults: Faults) -> None:
        pool = self._start_pool()
        users = [
            threading.Thread(target=self._use, args=(pool, f"user {n}", _uninterrupted))
            for n in range(self._random.randint(0, 3))
        ]
        for user in users:
            user.start()
        self._use(pool, "owner", self._attempt)
        if self._ending != "terminated at work":
            for user in users:
                user.join()
        self._end(pool, faults)
        for user in users:
            user.join()

    def _start_pool(self) -> gopool.Pool:
        """Start it; those whose start was interrupted are dropped."""
        size = self._random.randint(1, 6)
        started: list[gopool.Pool] = []

        def start() -> None:
            started.append(start_pool(self._workers, size, self._journal.born, self._chunks))

        self._insist(start)
        return started.pop()

    def _end(self, pool: Any, faults: Faults) -> None:
        if self._ending == "closed":
            self._insist(pool.close)
            self._insist(pool.join)
            return
        faults.stop(leave_stopped=True)  # these have to end as well
        if self._ending == "dropped":
            return  # with the last reference to the pool
        begin = time.monotonic()
        self._insist(functools.partial(pool.__exit__, None, None, None))
        self._tally.longest("terminate", time.monotonic() - begin)
        self._insist(pool.join)

    def _insist(self, call: Callable[[], object]) -> None:
        """Make a call again and again until it is not interrupted."""
        while self._attempt(call):
            pass

    # What the threads do.

    def _use(self, pool: Any, name: str, attempt: _Try) -> None:
        """Run jobs, several at a time."""
        moments = self._fork(name)
        try:
            for _ in range(moments.randint(1, 4)):
                if time.monotonic() > self._deadline:
                    return
                jobs = [self._new_job(moments) for _ in range(moments.randint(1, 3))]
                self._jobs += jobs
                begun = [(job, take) for job in jobs if (take := self._start(pool, job, attempt))]
                for job, take in begun:
                    if moments.random() < 0.1:
                        job.dropped = True
                        continue
                    self._take(job, take, attempt)
                    job.let_go()
                    self._tally.add("tasks", len(job.tasks))
                    self._tally.add("jobs")
        except Exception:
            self._wrong.append(traceback.format_exc())

    def _start(self, pool: Any, job: Job, attempt: _Try) -> Callable[[], None] | None:
        """Submit a job; return what takes its outcomes, or None if there will not be all."""
        takes: list[Callable[[], None]] = []
        try:
            job.dropped = attempt(
                lambda: takes.append(start(pool, self._journal, self._mailbox, job))
            )
        except ValueError as error:
            if self._ending != "terminated at work" or "not running" not in str(error):
                raise
            job.dropped = True
        return None if job.dropped else takes[0]

    def _take(self, job: Job, take: Callable[[], None], attempt: _Try) -> None:
        """Take all outcomes of a job, as far as an interrupt leaves that possible."""
        while attempt(take):
            if not job.kind.endswith("_async"):
                job.dropped = True
                return

    def _new_job(self, moments: random.Random) -> Job:
        value = moments.choice([*VALUES])
        kind = moments.choice(KINDS)
        size = moments.choice(SIZES)
        if value == "block":
            size = min(size, 20)
        elif value == "bytes" or kind == "apply" or self._chunks:
            size = min(size, 60)
        spin = moments.choice(SPINS) if size < 1000 else 0
        tasks = [Task(RETURNS, spin * moments.randint(0, 2), value) for _ in range(size)]
        # A thread cannot die by itself.
        fates = FATES if self._workers != THREADS else [RAISES]
        for among, chance in (([RAISES], 0.2), (fates, 0.3)):
            while tasks and moments.random() < chance:
                place = moments.randrange(size)
                tasks[place] = Task(moments.choice(among), spin, moments.choice([*VALUES]))
        chunksize = None if kind in SINGLE else moments.choice([None, None, 1, 7, 100])
        return Job(_number(), kind, tasks, chunksize)
