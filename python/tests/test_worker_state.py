"""`worker_index` and `worker_state`: what a task may know and keep of the worker that runs it."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import deaths
from support.latches import Gate, Mailbox

import gopool


@pytest.fixture(params=["fork", "spawn"])
def start(request: pytest.FixtureRequest) -> BaseContext:
    method: str = request.param
    return multiprocessing.get_context(method)


def fill(start: int) -> None:
    state = gopool.worker_state()
    assert vars(state) == {}
    state.count = start
    state.index = gopool.worker_index()


def count(_: object = None) -> tuple[int, int, int]:
    """Return the index, that which the initializer has seen, and how many calls there were here."""
    state = gopool.worker_state()
    state.count += 1
    return gopool.worker_index(), state.index, state.count


def index_in_turn(mailbox: Mailbox, gate: Gate, _: int) -> tuple[int, int]:
    mailbox.send(os.getpid())
    gate.wait()
    return gopool.worker_index(), os.getpid()


def index_and_pid(_: object = None) -> tuple[int, int]:
    return gopool.worker_index(), os.getpid()


def index_in_thread() -> tuple[int, list[int]]:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(gopool.worker_index()))
    thread.start()
    thread.join()
    return gopool.worker_index(), found


def indices_of_threads(_: object = None) -> tuple[int, set[int], int]:
    """Return the index here, those of a pool of threads here, and that here again."""
    before = gopool.worker_index()
    barrier = threading.Barrier(2)

    def index(_: int) -> int:
        barrier.wait()
        return gopool.worker_index()

    with gopool.ThreadPool(2) as pool:
        return before, set(pool.map(index, range(2), 1)), gopool.worker_index()


@pytest.mark.parametrize("size", [1, 4])
def test_workers_that_run_at_the_same_time_have_indices_of_their_own(
    mailbox: Mailbox, gate: Gate, start: BaseContext, size: int
) -> None:
    with gopool.Pool(size, context=start) as pool:
        result = pool.starmap_async(index_in_turn, [(mailbox, gate, n) for n in range(size)], 1)
        mailbox.receive(size)
        gate.open()
        assert sorted(index for index, _ in result.get()) == list(range(size))


@pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])
def test_the_state_is_the_workers_own_and_lasts(cls: type[gopool.Pool]) -> None:
    with cls(3, fill, (10,)) as pool:
        found = pool.map(count, range(60), 1)
    for index in range(3):
        mine = [row for row in found if row[0] == index]
        assert {seen for _, seen, _ in mine} <= {index}
        assert sorted(calls for _, _, calls in mine) == [11 + n for n in range(len(mine))]


def test_a_replacement_takes_over_the_index_and_not_the_state(start: BaseContext) -> None:
    with gopool.Pool(2, fill, (0,), 2, start) as pool:
        found = pool.map(count, range(8), 1)
        assert {index for index, _, _ in found} <= {0, 1}
        assert all(index == seen for index, seen, _ in found)
        assert {calls for _, _, calls in found} <= {1, 2}


def test_so_does_that_of_a_worker_that_died(start: BaseContext) -> None:
    with gopool.Pool(2, context=start) as pool:
        for _ in range(2):
            with pytest.raises(gopool.WorkerLostError):
                pool.apply(deaths.exit_with, (3,))
            assert {index for index, _ in pool.map(index_and_pid, range(20), 1)} <= {0, 1}


def test_tasks_at_the_same_time_never_share_an_index_though_workers_retire(
    mailbox: Mailbox, make_gate: Any
) -> None:
    """A replacement that is ready waits, also where another place is free."""
    gate = make_gate()
    with gopool.Pool(2, maxtasksperchild=1) as pool:
        held = pool.apply_async(index_in_turn, (mailbox, gate, 0))
        mailbox.receive(1)
        others = [pool.apply(index_and_pid) for _ in range(6)]
        gate.open()
        mine = held.get()[0]
        assert {index for index, _ in others} == {1 - mine}


def test_threads_of_a_task_are_in_its_worker() -> None:
    with gopool.Pool(1) as pool:
        assert pool.apply(index_in_thread) == (0, [0])


def test_a_pool_of_threads_in_a_worker_has_indices_of_its_own() -> None:
    with gopool.Pool(1, context=multiprocessing.get_context("spawn")) as pool:
        assert pool.apply(indices_of_threads) == (0, {0, 1}, 0)


def test_a_pool_of_processes_in_a_thread_of_a_pool_has_too() -> None:
    def nested(_: int) -> tuple[int, set[int]]:
        with gopool.Pool(1) as pool:
            return gopool.worker_index(), {index for index, _ in pool.map(index_and_pid, range(3))}

    with gopool.ThreadPool(2) as pool:
        assert all(indices == {0} for _, indices in pool.map(nested, range(4), 1))


@pytest.mark.parametrize("function", [gopool.worker_index, gopool.worker_state])
def test_there_is_none_outside_of_workers(function: Any) -> None:
    with gopool.ThreadPool(1), gopool.Pool(1):
        with pytest.raises(RuntimeError, match=r"^not in a worker of a pool$"):
            function()
