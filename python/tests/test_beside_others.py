"""A pool is not alone in its process: others wait for children, and set warning filters."""

from __future__ import annotations

import multiprocessing
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from support import PoolClass, tasks
from support.programs import Program

import gopool._process

StartProgram = Callable[..., Program]

# Python 3.12 warns about the forks of these tests, which the pool has no say in.
MAY_FORK = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Do something again and again in another thread, at least once; it must not fail."""
    over = threading.Event()
    errors: list[BaseException] = []

    def repeat() -> None:
        try:
            action()
            while not over.is_set():
                action()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert errors == []


def start_and_join_a_process() -> None:
    process = multiprocessing.get_context("fork").Process(target=tasks.nothing)
    process.start()
    process.join()
    assert process.exitcode in (0, None)  # None: another thread has just reaped it


OTHERS: dict[str, Callable[[], object]] = {
    "active_children": multiprocessing.active_children,
    "processes": start_and_join_a_process,
}


@MAY_FORK
@pytest.mark.parametrize("other", OTHERS)
def test_another_thread_may_reap_workers_that_are_replaced(Pool: PoolClass, other: str) -> None:
    """``active_children`` and ``Process.start`` wait for all children: nothing is lost by that."""
    pool = Pool(3, maxtasksperchild=1)
    with meanwhile(OTHERS[other]):
        result = pool.map_async(tasks.square, range(300), 1)
        assert result.get(60) == [n * n for n in range(300)]
    assert pool.map_async(tasks.square, range(30), 1).get(60) == [n * n for n in range(30)]
    pool.close()
    pool.join()


def test_pools_may_replace_workers_beside_each_other(Pool: PoolClass) -> None:
    """Each start of a worker waits for the children of all other pools."""
    pools = [Pool(2, maxtasksperchild=1) for _ in range(3)]
    results = [pool.map_async(tasks.square, range(100), 1) for pool in pools]
    assert [result.get(60) for result in results] == [[n * n for n in range(100)]] * 3
    for pool in pools:
        pool.close()
        pool.join()


IGNORING_SIGCHLD = """
import gopool, multiprocessing, signal
from support import deaths, tasks

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pool = {pool}
assert pool.map(tasks.square, range(4), 1) == [0, 1, 4, 9]
assert pool.apply_async(tasks.square, (3,), callback=lambda _: None).get() == 9
{body}
pool.close()
pool.join()
"""


@pytest.mark.parametrize("pool", ["gopool.Pool(2)", "multiprocessing.Pool(2)"])
def test_a_program_may_ignore_the_end_of_its_children(
    start_program: StartProgram, pool: str
) -> None:
    """With SIGCHLD ignored nobody learns an exit code; map works, and close and join end."""
    outcome = start_program(IGNORING_SIGCHLD.format(pool=pool, body="")).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize("pool", ["gopool.Pool(2)", "gopool.Pool(1, maxtasksperchild=1)"])
def test_a_worker_is_lost_although_its_end_is_ignored(
    start_program: StartProgram, pool: str
) -> None:
    """It is a WorkerLostError, whose exit code may be unknown, and the pool goes on."""
    body = """
for death in (deaths.die_by, signal.SIGKILL), (deaths.exit_with, 3):
    try:
        pool.apply(death[0], death[1:])
    except gopool.WorkerLostError as error:
        assert error.exitcode in (None, -9, 3), error.exitcode
        assert str(error).startswith("worker "), error
    else:
        raise AssertionError(death)
assert pool.map(tasks.square, range(3), 1) == [0, 1, 4]
"""
    outcome = start_program(IGNORING_SIGCHLD.format(pool=pool, body=body)).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.gopool_only("multiprocessing lets the warning about its forks be seen")
def test_filters_that_are_restored_while_workers_start_stay_restored(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``catch_warnings`` is no matter of one thread: the pool's own does not undo the user's."""
    monkeypatch.setattr(gopool._process, "_FORK_WARNS", True)  # as from Python 3.12 on
    with Pool(2, maxtasksperchild=1) as pool:
        pool.map(tasks.nothing, range(4), 1)
        before = set(warnings.filters)
        show = warnings.showwarning
        result = pool.map_async(tasks.nothing, range(300), 1)
        while not result.ready():
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("error", UserWarning)
                time.sleep(0.0003)  # workers are started in here and behind it
            assert caught == []
        pool.close()
        pool.join()
    assert set(warnings.filters) == before
    assert warnings.showwarning is show
