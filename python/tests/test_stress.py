"""Whatever dies, each task is run exactly once, or was begun once and is reported lost once.

Several jobs of any kind at once, with tasks of any duration and result, of which some end their
worker in one way or another. The tasks keep a journal; what the caller is told must agree with it.
"""

from __future__ import annotations

import itertools
import multiprocessing
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support import PoolClass
from support.field import Field
from support.workload import DEADLY, HUNTED, KINDS, RAISES, RETURNS, SINGLE, VALUES, Job, Task

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing hangs when a worker dies"),
]

spins = st.sampled_from([0, 0, 0, 1_000, 20_000, 200_000])
"""How far a task counts: from nothing to some milliseconds."""


def tasks(fates: list[str]) -> st.SearchStrategy[list[Task]]:
    """Draw the tasks of a job: most return one kind of value, some have another fate."""
    return st.builds(
        _with_exceptions,
        st.integers(0, 60),
        st.sampled_from(list(VALUES)),
        st.lists(spins, min_size=1, max_size=8),
        st.dictionaries(st.integers(0, 59), st.sampled_from(list(VALUES)), max_size=3),
        st.frozensets(st.integers(0, 59), max_size=2),
        st.dictionaries(st.integers(0, 59), st.sampled_from(fates), max_size=3),
    )


def _with_exceptions(
    count: int,
    value: str,
    spins: list[int],
    others: dict[int, str],
    failing: frozenset[int],
    fates: dict[int, str],
) -> list[Task]:
    return [
        Task(
            fates.get(n, RAISES if n in failing else RETURNS),
            spins[n % len(spins)],
            others.get(n, value),
        )
        for n in range(count)
    ]


_number = itertools.count(1).__next__


def jobs(fates: list[str]) -> st.SearchStrategy[list[Job]]:
    """Draw jobs that are outstanding at the same time."""
    return st.lists(
        st.builds(
            lambda kind, tasks, chunksize: Job(_number(), kind, tasks, chunksize),
            st.sampled_from(KINDS),
            tasks(fates),
            st.none() | st.integers(1, 20),
        ),
        min_size=1,
        max_size=4,
    ).map(lambda jobs: [_without_chunksize(job) for job in jobs])


def _without_chunksize(job: Job) -> Job:
    if job.kind in SINGLE:
        job.chunksize = None
    return job


POOLS: dict[str, dict[str, Any]] = {
    "one worker": {"processes": 1},
    "two workers": {"processes": 2},
    "four workers": {"processes": 4},
    "replaced workers": {"processes": 2, "maxtasksperchild": 3},
    "outgrown workers": {"processes": 2, "max_memory_per_worker": 1},  # after each task
    "spawn": {"processes": 2, "context": multiprocessing.get_context("spawn")},
}


#: How many are tried where workers take long to start, or are started all the time.
FEW = {"outgrown workers": 4, "spawn": 4, "replaced workers": 6}


def random_jobs(kind: str) -> settings:
    """Return how many are tried. They are not made smaller: what failed may not fail again."""
    return settings(max_examples=FEW.get(kind, 15), phases=[Phase.generate])


@pytest.mark.parametrize("kind", POOLS)
def test_tasks_that_end_their_worker(Pool: PoolClass, field: Field, kind: str) -> None:
    """They are lost, each of them, and nothing else is."""
    with Pool(**POOLS[kind]) as pool:

        @given(jobs([*DEADLY]))
        @random_jobs(kind)
        def check(jobs: list[Job]) -> None:
            found = field.audit(pool, jobs)
            assert not found, "\n".join(found)

        check()


@pytest.mark.parametrize("kind", POOLS)
def test_workers_that_are_killed_whatever_they_do(Pool: PoolClass, field: Field, kind: str) -> None:
    """Each loses the task that it was in, or none."""
    with Pool(**POOLS[kind]) as pool:

        @given(jobs([HUNTED]))
        @random_jobs(kind)
        def check(jobs: list[Job]) -> None:
            found = field.audit(pool, jobs)
            assert not found, "\n".join(found)

        check()
