"""The stress test notices a pool that loses, doubles, swaps or misreports a task.

Each of these jobs fails its audit for a pool that has the defect, and passes for one that is made
in the same way and has none.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from support import unreliable_pools as unreliable
from support.audit import Audit
from support.field import Field
from support.journal import Account
from support.workload import KINDS, RAISES, Job, Task

pytestmark = pytest.mark.gopool_only("multiprocessing hangs when a worker dies")

FINE = [Task(), Task(), Task()]
ALIKE = [Task(value="None"), Task(value="None"), Task(RAISES)]
FATAL = [Task(), Task(), Task("killed"), Task(), Task("exits", value="None")]

CALL_BACK = ("apply_async", "map_async", "starmap_async")
# For these pools, too, each ``apply`` is a job of its own.
TOGETHER = tuple(kind for kind in KINDS if kind != "apply")
ORDERED = tuple(kind for kind in TOGETHER if kind != "imap_unordered")

# A defect, tasks that show it, and the kinds of job that can have it.
DEFECTS: list[tuple[type[unreliable.Reliable], list[Task], tuple[str, ...]]] = [
    (unreliable.RunsATaskTwice, FINE, TOGETHER),
    (unreliable.RunsATaskTwice, ALIKE, TOGETHER),
    (unreliable.RunsTheLostAgain, FATAL, KINDS),
    (unreliable.LosesATask, FINE, TOGETHER),
    (unreliable.LosesATask, ALIKE, TOGETHER),
    (unreliable.LosesAResult, FINE, TOGETHER),
    (unreliable.GivesAResultTwice, FINE, TOGETHER),
    (unreliable.SwapsTwo, FINE, ORDERED),
    (unreliable.GivesUpAFinishedTask, FINE, TOGETHER),
    (unreliable.GivesUpAFinishedTask, FATAL, TOGETHER),
    (unreliable.GivesUpANeighbour, FATAL, TOGETHER),
    (unreliable.HidesALoss, FATAL, KINDS),
    (unreliable.BlamesAnother, FATAL, KINDS),
    (unreliable.CallsBackTwice, FINE, CALL_BACK),
    (unreliable.NeverCallsBack, FATAL, CALL_BACK),
]


def audits(
    cls: type[unreliable.Reliable], tasks: list[Task], kinds: Iterable[str], field: Field
) -> list[list[str]]:
    """Run a job of each kind on a pool; return what their audits find."""
    found = []
    for kind in kinds:
        with cls(1) as pool:
            found.append(field.audit(pool, [Job(1, kind, tasks)]))
    return found


@pytest.mark.parametrize(
    ("cls", "tasks", "kinds"),
    DEFECTS,
    ids=[f"{cls.__name__}-{len(tasks)}" for cls, tasks, _ in DEFECTS],
)
def test_a_defect_is_noticed(
    cls: type[unreliable.Reliable], tasks: list[Task], kinds: tuple[str, ...], field: Field
) -> None:
    """In every kind of job, and it is the defect that is noticed."""
    assert not any(audits(unreliable.Reliable, tasks, kinds, field))
    assert all(audits(cls, tasks, kinds, field))


def account(*records: tuple[int, int]) -> Account:
    """Return the account of tasks of job 1 that began, each in a process, in this order."""
    begun = Account()
    for index, pid in records:
        begun.starts[1, index].append(pid)
        begun.last[pid] = (1, index)
    return begun


def losing(*indices: int) -> list[Job]:
    """Return a job of which these tasks were reported lost, and nothing else is known."""
    job = Job(1, "imap", FINE, dropped=True)
    job.outcomes = {index: unreliable.lost(index) for index in indices}
    return [job]


def test_a_worker_that_was_killed_may_have_lost_a_task() -> None:
    """The last one that it began, or one that it was about to begin."""
    assert Audit(account((0, 10), (1, 10)), {10}).violations(losing(1)) == []
    assert Audit(account((0, 10)), {10}).violations(losing(1)) == []
    assert Audit(account((0, 10), (1, 11)), {10, 11}).violations(losing(0, 1)) == []


def test_a_worker_that_was_killed_cannot_have_lost_more() -> None:
    """No task that it was through with, no second one, and none of another worker."""
    for records, killed, lost, reason in (
        ([(0, 10), (1, 10)], {10}, (0,), "its worker went on"),
        ([(0, 10)], {10}, (0, 1), "without a trace"),
        ([(0, 10)], {11}, (0,), "nobody killed its worker"),
        ([], set(), (0,), "without a trace"),
    ):
        (found,) = Audit(account(*records), killed).violations(losing(*lost))
        assert reason in found
