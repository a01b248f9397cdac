"""Compare what the caller was told of tasks with what the tasks wrote down themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

import gopool

from .journal import Account, Key
from .workload import DEADLY, RAISES, SINGLE, Failure, Job, Outcome, index_of

MAPS = frozenset({"map", "map_async", "starmap", "starmap_async"})


class Audit:
    """An account of tasks, the workers that were killed, and what is wrong with them.

    ``killed`` are the processes that somebody killed from outside, whatever they did at that
    time; ``ended`` says that the pool was terminated, so that tasks may be left undone.
    """

    def __init__(
        self, account: Account, killed: Collection[int] = (), *, ended: bool = False
    ) -> None:
        self._account = account
        self._killed = killed
        self._ended = ended
        self._blamed: dict[int, Key] = {}
        self._unseen = 0  # lost before they wrote anything down

    def violations(self, jobs: Iterable[Job]) -> list[str]:
        """Return all that is wrong, in words."""
        jobs = list(jobs)
        found = [text for job in jobs for text in self._job(job)]
        known = {(job.number, index) for job in jobs for index in range(len(job.tasks))}
        found += [f"task {key} was never submitted" for key in self._account.starts.keys() - known]
        if self._unseen > len(set(self._killed) - self._blamed.keys()):
            found.append(f"{self._unseen} tasks lost without a trace, or a worker that was killed")
        return found

    def lost(self, jobs: Iterable[Job]) -> int:
        """Return how many tasks the caller was told are lost."""
        return sum(
            isinstance(outcome, gopool.WorkerLostError)
            for job in jobs
            for outcome in job.outcomes.values()
        )

    def _job(self, job: Job) -> Iterator[str]:
        name = f"job {job.number} ({job.kind}, chunksize {job.chunksize})"
        self._assign(job)
        for outcome in job.surplus:
            if not self._is_excused(outcome):
                yield f"{name}: an outcome of no task: {outcome!r}"
        for index in job.outcomes.keys() - range(len(job.tasks)):
            yield f"{name}: no task has index {index}: {job.outcomes[index]!r}"
        for index in range(len(job.tasks)):
            if reason := self._task(job, index):
                trace = self._trace(job, index)
                yield f"{name}: task {index} {job.tasks[index]} {trace}: {reason}"
        yield from (f"{name}: {reason}" for reason in self._whole(job))

    def _assign(self, job: Job) -> None:
        """Find for each outcome without an index a task that it can be of, best one that ran."""
        tasks: defaultdict[str, list[int]] = defaultdict(list)
        left = [index for index in range(len(job.tasks)) if index not in job.outcomes]
        for index in sorted(left, key=lambda index: self._trace(job, index)):
            tasks[_identity(job.value(index))].append(index)
        while job.unordered:
            outcome = job.unordered.pop()
            if candidates := tasks[_identity(outcome)]:
                job.outcomes[candidates.pop()] = outcome
            else:
                job.surplus.append(outcome)

    def _whole(self, job: Job) -> Iterator[str]:
        """Say what is wrong with how a job as a whole was reported."""
        if job.dropped or self._ended:
            return
        if job.kind in MAPS and any(isinstance(o, Exception) for o in job.outcomes.values()):
            (told,) = job.outcomes
            first = job.first_failure()
            if first is not None and first < told:
                yield f"raised the error of task {told}, and {first} failed as well"
        elif len(job.outcomes) < len(job.tasks):
            yield f"{len(job.outcomes)} outcomes for {len(job.tasks)} tasks"
        if len(job.calls_back) != job.expects_calls:
            yield f"called back {len(job.calls_back)} times"

    def _is_excused(self, outcome: Outcome) -> bool:
        """Tell whether there is no result because the pool was terminated, before or after."""
        refused = isinstance(outcome, ValueError) and "not running" in str(outcome)
        return self._ended and (refused or isinstance(outcome, gopool.PoolTerminatedError))

    def _trace(self, job: Job, index: int) -> tuple[int, int]:
        key = job.number, index
        return len(self._account.starts.get(key, ())), len(self._account.ends.get(key, ()))

    def _task(self, job: Job, index: int) -> str | None:
        """Say what is wrong with one task."""
        trace = starts, ends = self._trace(job, index)
        if starts > 1 or ends > starts:
            return "was run more than once"
        if index not in job.outcomes:
            if job.dropped or self._ended or trace == (1, 1):
                return None
            return self._why_not_lost(job, index)
        outcome = job.outcomes[index]
        if isinstance(outcome, gopool.WorkerLostError):
            # A call is a job of its own for the pool, with one task.
            if index_of(outcome) != (0 if job.kind in SINGLE else index):
                return f"is reported by the error of another: {outcome}"
            return self._why_not_lost(job, index)
        if self._is_excused(outcome):
            return None
        if trace != (1, 1):
            return f"did not run to its end, and came to {outcome!r:.80}"
        if not is_right(job, index, outcome):
            return f"came to {outcome!r:.80}"
        return None

    def _why_not_lost(self, job: Job, index: int) -> str | None:
        """Say why a task cannot have been lost; return None if it can."""
        trace = self._trace(job, index)
        if DEADLY.get(job.tasks[index].fate) == trace and job.tasks[index].fate != "held":
            return None
        key = job.number, index
        if trace[0] == 0:
            self._unseen += 1  # at most one for each kill, which is looked at in the end
            return None
        pid = self._account.starts[key][0]
        if pid not in self._killed:
            return "is lost, and nobody killed its worker"
        if self._account.last[pid] != key:
            return "is lost, and its worker went on"
        if self._blamed.setdefault(pid, key) != key:
            return f"is lost with a worker that lost {self._blamed[pid]} already"
        return None


def _identity(value: object) -> str:
    return f"{type(value)} {value!r}"


def is_right(job: Job, index: int, outcome: Outcome) -> bool:
    """Tell whether an outcome is what the task has to come to."""
    fate = job.tasks[index].fate
    if fate == RAISES:
        return type(outcome) is Failure and outcome.args == (job.number, index)
    expected = job.value(index)
    return fate not in DEADLY and type(outcome) is type(expected) and outcome == expected
