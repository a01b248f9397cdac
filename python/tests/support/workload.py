"""Jobs of tasks that write down what they do, and of which each has a fate that is known before.

Some tasks end their worker. What is to be found of them in the journal, and that they are
reported lost, is then certain and no matter of luck.
"""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import gopool

from .blocks import Block
from .hostile import KillsWhoPicklesIt, KillsWhoRebuildsIt
from .journal import Journal
from .latches import Mailbox
from .processes import kill_child


class Trace(NamedTuple):
    """How many records of its start and of its end a task leaves."""

    starts: int
    ends: int


DEADLY: dict[str, Trace] = {
    "killed": Trace(1, 0),  # by its own SIGKILL
    "exits": Trace(1, 0),
    "raises SystemExit": Trace(1, 0),
    "held": Trace(1, 0),  # until somebody kills it
    "dies unpickling": Trace(0, 0),
    "dies pickling": Trace(1, 1),
}
"""Fates of tasks that are lost."""

RETURNS, RAISES = "returns", "raises"

HUNTED = "hunted"
"""Fate of a task that returns, and has its worker killed by then, soon after, or not at all."""

VALUES: dict[str, Callable[[int, int], Any]] = {
    "int": lambda job, index: job * 1000 + index,
    "large int": lambda job, index: (1 << 70) + job * 1000 + index,
    "float": lambda job, index: job + index / 7,
    "bool": lambda job, index: (job + index) % 2 == 0,
    "None": lambda job, index: None,
    "str": lambda job, index: f"{job}:{index}",
    "list": lambda job, index: [job, [index]],
    "bytes": lambda job, index: b"%d:%d" % (job, index) * 20_000,
    "block": Block.of,
}
"""What tasks return; a block is also an argument, and it is that which they return."""

KINDS = (
    "apply",
    "apply_async",
    "short_apply_async",
    "map",
    "map_async",
    "starmap",
    "starmap_async",
    "imap",
    "imap_unordered",
)
SINGLE = frozenset({"apply", "apply_async", "short_apply_async"})
"""Kinds of job in which each task is a call of its own. Short ones are gathered, if they can be."""


@dataclass(frozen=True)
class Task:
    """One call: what becomes of it, how long it takes, and what it returns."""

    fate: str = RETURNS
    spin: int = 0
    value: str = "int"


Outcome: TypeAlias = "object | BaseException"


@dataclass
class Job:
    """One submission, and what the caller was told of its tasks."""

    number: int
    kind: str
    tasks: list[Task]
    chunksize: int | None = None
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    calls_back: list[object] = field(default_factory=list)
    """What callbacks were called with."""
    unordered: list[Outcome] = field(default_factory=list)
    """Outcomes of which nobody has said which task they are of."""
    surplus: list[Outcome] = field(default_factory=list)
    """Outcomes that belong to no task."""
    dropped: bool = False
    """Whether the caller may have had only a part of it: interrupted, or not interested."""

    @property
    def expects_calls(self) -> int:
        """Return how often it has to call back."""
        if self.kind == "apply_async":
            return len(self.tasks)
        if self.kind in ("map_async", "starmap_async"):
            return 1 if self.tasks else 0  # as in multiprocessing
        return 0

    def value(self, index: int) -> Any:
        """Return what the task has to return."""
        return VALUES[self.tasks[index].value](self.number, index)

    def let_go(self) -> None:
        """Hold no shared memory any more: all of it is copied whenever a worker is forked."""
        for index, outcome in self.outcomes.items():
            if isinstance(outcome, Block):
                self.outcomes[index] = outcome.copy()
        self.unordered = [o.copy() if isinstance(o, Block) else o for o in self.unordered]
        self.calls_back[:] = [None] * len(self.calls_back)

    def first_failure(self) -> int | None:
        """Return the index of the first task that is sure to fail."""
        failures = (n for n, task in enumerate(self.tasks) if task.fate in {RAISES, *DEADLY})
        return next(failures, None)


_DONE = "done"

PATIENCE = 100.0
"""Seconds without a message after which jobs count as stuck: nobody says how long one takes."""


class Failure(Exception):
    """What a task raises."""


# In the worker.


def run(
    journal: Journal,
    mailbox: Mailbox,
    job: int,
    index: int,
    task: tuple[str, int, str],
    extra: object,
) -> Any:
    """Be a task."""
    fate, spin, value = task
    journal.started(job, index)
    if fate == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fate == "exits":
        os._exit(3)
    elif fate == "raises SystemExit":
        sys.exit(4)
    elif fate == HUNTED:
        mailbox.send(os.getpid())
    elif fate == "held":
        mailbox.send(os.getpid())
        while True:
            signal.pause()
    sum(range(spin))
    journal.ended(job, index)
    if fate == RAISES:
        raise Failure(job, index)
    if fate == "dies pickling":
        return extra
    return extra if value == "block" else VALUES[value](job, index)


def run_item(journal: Journal, mailbox: Mailbox, item: tuple[Any, ...]) -> Any:
    """Be a task of a job that calls with one argument."""
    return run(journal, mailbox, *item)


def run_short(
    journal: str, mailbox: str, job: int, index: int, task: tuple[str, int, str], extra: object
) -> Any:
    """Be a task whose function goes by its name, with arguments that take little room."""
    return run(Journal(journal), Mailbox(mailbox), job, index, task, extra)


# In the caller.


def item(job: Job, index: int) -> tuple[Any, ...]:
    """Return the arguments of a task, of which many share one pickle unless something keeps it."""
    task = job.tasks[index]
    extra: object = None
    if task.fate == "dies unpickling":
        extra = KillsWhoRebuildsIt(7)
    elif task.fate == "dies pickling":
        extra = KillsWhoPicklesIt(os.getpid(), 8)
    elif task.value == "list":
        extra = []
    elif task.value == "block":
        extra = job.value(index)
    return job.number, index, (task.fate, task.spin, task.value), extra


def start(pool: Any, journal: Journal, mailbox: Mailbox, job: Job) -> Callable[[], None]:
    """Submit a job; return what takes its outcomes down, and blocks for that.

    What is not asynchronous is submitted there.
    """
    items = [item(job, index) for index in range(len(job.tasks))]
    single = functools.partial(run_item, journal, mailbox)
    starred = functools.partial(run, journal, mailbox)
    chunk: dict[str, Any] = {} if job.chunksize is None else {"chunksize": job.chunksize}
    calls: dict[str, Any] = {
        "callback": job.calls_back.append,
        "error_callback": job.calls_back.append,
    }
    if job.kind == "apply":
        singles = [functools.partial(pool.apply, starred, arguments) for arguments in items]
        return functools.partial(_take_singles, job, singles)
    if job.kind == "apply_async":
        results = [pool.apply_async(starred, arguments, **calls) for arguments in items]
        return functools.partial(_take_singles, job, [result.get for result in results])
    if job.kind == "short_apply_async":
        paths = journal.path, mailbox.path
        results = [pool.apply_async(run_short, (*paths, *arguments)) for arguments in items]
        return functools.partial(_take_singles, job, [result.get for result in results])
    if job.kind == "map":
        return functools.partial(_take_all, job, lambda: pool.map(single, items, **chunk))
    if job.kind == "starmap":
        return functools.partial(_take_all, job, lambda: pool.starmap(starred, items, **chunk))
    if job.kind == "map_async":
        return functools.partial(
            _take_all, job, pool.map_async(single, items, **chunk, **calls).get
        )
    if job.kind == "starmap_async":
        return functools.partial(
            _take_all, job, pool.starmap_async(starred, items, **chunk, **calls).get
        )
    if job.kind == "imap":
        return functools.partial(_take_ordered, job, pool.imap(single, iter(items), **chunk))
    return functools.partial(_take_unordered, job, pool.imap_unordered(single, items, **chunk))


def run_jobs(pool: Any, journal: Journal, mailbox: Mailbox, jobs: list[Job]) -> set[int]:
    """Run jobs, each in a thread of its own; kill whoever sends its pid, and return these."""
    killed = set()
    with ThreadPoolExecutor(len(jobs)) as threads:
        futures = [threads.submit(_run_job, pool, journal, mailbox, job) for job in jobs]
        left = len(jobs)
        while left:
            (message,) = mailbox.receive(1, PATIENCE)
            if message == _DONE:
                left -= 1
            elif kill_child(int(message)):
                killed.add(int(message))
        for future in futures:
            future.result()
    return killed


def _run_job(pool: Any, journal: Journal, mailbox: Mailbox, job: Job) -> None:
    try:
        start(pool, journal, mailbox, job)()
    finally:
        mailbox.send(_DONE)


def _take_singles(job: Job, gets: Sequence[Callable[[], Any]]) -> None:
    for index, get in enumerate(gets):
        try:
            job.outcomes[index] = get()
        except Exception as error:
            job.outcomes[index] = error


def _take_all(job: Job, get: Callable[[], list[Any]]) -> None:
    """Take what a map returns, or the one error that it raises."""
    try:
        values = get()
    except Exception as error:
        index = index_of(error)
        if index is None:
            job.surplus.append(error)
        else:
            job.outcomes[index] = error
        return
    job.outcomes.update(enumerate(values))


def _take_ordered(job: Job, results: Iterator[Any]) -> None:
    job.outcomes.update(enumerate(_outcomes(results)))


def _take_unordered(job: Job, results: Iterator[Any]) -> None:
    """Take errors that say which task they are of, and the other outcomes as they come."""
    for outcome in _outcomes(results):
        index = index_of(outcome) if isinstance(outcome, Exception) else None
        if index is None or index in job.outcomes:
            job.unordered.append(outcome)
        else:
            job.outcomes[index] = outcome


def _outcomes(results: Iterator[Any]) -> Iterator[Outcome]:
    while True:
        try:
            yield next(results)
        except StopIteration:
            return
        except Exception as error:
            yield error


def index_of(error: BaseException) -> int | None:
    """Return the index of the task that an error says it is of."""
    if isinstance(error, Failure):
        return int(error.args[1])
    if isinstance(error, gopool.WorkerLostError) and (
        found := re.search(r"\(task (\d+)\)", str(error))
    ):
        return int(found[1])
    return None
