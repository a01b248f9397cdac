"""Large arguments and results, whatever becomes of workers, results and the pool."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import PoolClass, large, tasks
from support.large import MB, array, blocks, is_array, slabs_in_use, soon
from support.latches import Gate, Mailbox
from support.processes import still_running
from support.programs import Program

import gopool
from gopool import _arena, _lender

pytestmark = pytest.mark.gopool_only("what is asked of shared memory, multiprocessing has not")

StartProgram = Callable[..., Program]


@pytest.fixture(params=["fork", "spawn"])
def start(request: pytest.FixtureRequest) -> Any:
    """One start method after the other."""
    return multiprocessing.get_context(request.param)


def all_is_free() -> bool:
    return soon(lambda: slabs_in_use() == 0)


def test_a_gigabyte(Pool: PoolClass) -> None:
    """Comes back, and its memory is given up when it is dropped."""
    with Pool(1) as pool:
        data = pool.apply(np.zeros, (1 << 30, np.uint8))
        assert (data.nbytes, data[0], data[-1]) == (1 << 30, 0, 0)
        assert blocks() >= 1 << 30
        del data
        assert soon(lambda: blocks() < 1 << 24)


# A worker that dies.


def test_a_worker_that_holds_its_argument(
    Pool: PoolClass, start: Any, mailbox: Mailbox, gate: Gate
) -> None:
    """Killed, it lets go of it; what others have is not touched."""
    with Pool(2, context=start) as pool:
        results = [pool.apply_async(large.hold_and_wait, (mailbox, gate, array(n))) for n in (3, 4)]
        victim, _ = mailbox.receive_pids(2)
        assert slabs_in_use() == 2
        os.kill(victim, signal.SIGKILL)
        assert soon(lambda: slabs_in_use() == 1)
        gate.open()
        outcomes = []
        for value, result in zip((3, 4), results, strict=True):
            try:
                assert result.get() == value
                outcomes.append("done")
            except gopool.WorkerLostError:
                outcomes.append("lost")
        assert sorted(outcomes) == ["done", "lost"]
        assert all_is_free()


def test_a_worker_that_held_an_argument_of_a_task_long_ago(Pool: PoolClass, start: Any) -> None:
    """It goes when the worker does, and not before."""
    with Pool(1, context=start) as pool:
        pid = pool.apply(large.keep_argument, (array(5),))
        assert slabs_in_use() == 1
        assert is_array(pool.apply(large.add_one, (array(6),)), 7)
        assert soon(lambda: slabs_in_use() == 1)
        os.kill(pid, signal.SIGKILL)
        assert all_is_free()
        assert is_array(pool.apply(large.add_one, (array(8),)), 9)


def test_a_worker_that_dies_while_it_fills_a_slab(Pool: PoolClass, start: Any) -> None:
    """Its neighbours' results arrive, and those that it had sent."""
    with Pool(2, context=start) as pool:
        before = [pool.apply(large.add_one, (array(n),)) for n in range(4)]
        for _ in range(3):
            lost = pool.apply_async(large.return_what_kills, (os.getpid(), 1))
            others = pool.map_async(large.add_one, [array(n) for n in range(10)], 1)
            with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
                lost.get()
            assert all(is_array(result, n + 1) for n, result in enumerate(others.get()))
        assert all(is_array(result, n + 1) for n, result in enumerate(before))
        assert all_is_free()


def test_a_worker_that_dies_while_it_copies_a_result(
    Pool: PoolClass, start: Any, tmp_path: Path
) -> None:
    """In the middle of a slab: the region is forgotten with the worker."""
    with Pool(1, context=start) as pool:
        for _ in range(3):
            with pytest.raises(gopool.WorkerLostError, match="SIGBUS"):
                pool.apply(large.return_what_can_not_be_read, (str(tmp_path / "file"),))
        assert is_array(pool.apply(large.add_one, (array(1),)), 2)
        assert soon(lambda: len(_lender.lenders) == 1)


def test_a_worker_that_dies_before_it_reads_its_arguments(
    Pool: PoolClass, start: Any, mailbox: Mailbox, gate: Gate
) -> None:
    """They are read by another one, once; then they are gone."""
    with Pool(1, context=start) as pool:
        first = pool.apply_async(tasks.arrive, (mailbox, gate, 0))
        (victim,) = mailbox.receive_pids(1)
        results = [pool.apply_async(large.add_one, (array(n),)) for n in range(5)]
        assert slabs_in_use() == 5
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(gopool.WorkerLostError):
            first.get()
        assert all(is_array(result.get(), n + 1) for n, result in enumerate(results))
        assert all_is_free()


def test_an_argument_that_kills_its_reader(Pool: PoolClass, start: Any) -> None:
    """It is given up."""
    with Pool(2, context=start) as pool:
        lost = pool.apply_async(large.number_of_slab_and_die, (array(1),))
        with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
            lost.get()
        assert all_is_free()


# Results that outlive others.


def test_results_outlive_their_worker(Pool: PoolClass, start: Any) -> None:
    """Whether they were asked for before its end or after, and however it ended."""
    with Pool(1, maxtasksperchild=1, context=start) as pool:
        results = [pool.apply_async(large.add_one, (array(n),)) for n in range(4)]
        early = results[0].get()
        results[-1].wait()
        pool.apply(tasks.nothing)
        assert is_array(early, 1)
        early[:] = 9
        assert all(is_array(result.get(), n + 2) for n, result in enumerate(results[1:]))
        assert is_array(early, 9)
        del results
    with Pool(1, context=start) as pool:
        early = pool.apply(large.add_one, (array(1),))
        late = pool.apply_async(large.add_one, (array(2),))
        late.wait()
        pid = pool.apply(tasks.pid)
        os.kill(pid, signal.SIGKILL)
        assert soon(lambda: pool.apply(tasks.pid) != pid)
        assert is_array(early, 2)
        assert is_array(late.get(), 3)
        del late
        assert soon(lambda: len(_lender.lenders) == 1), "all is read of who has ended"


def test_results_outlive_the_pool(Pool: PoolClass, start: Any) -> None:
    """They are the caller's own: written to, and used by another pool."""
    with Pool(2, context=start) as pool:
        results = pool.map(large.add_one, [array(n) for n in range(6)], 1)
    del pool
    gc.collect()
    assert not _lender.lenders
    for result in results:
        np.add(result, 1, out=result)
    with Pool(2, context=start) as other:
        others = other.map(large.add_one, results, 1)
    assert all(is_array(result, n + 2) for n, result in enumerate(results))
    assert all(is_array(result, n + 3) for n, result in enumerate(others))


def test_results_that_were_there_can_be_fetched_after_terminate(
    Pool: PoolClass, start: Any
) -> None:
    """As small ones can."""
    pool = Pool(1, context=start)
    result = pool.apply_async(large.add_one, (array(1),))
    result.wait()
    pool.terminate()
    pool.join()
    value = result.get()
    value += 1
    assert is_array(value, 3)


def test_terminate_with_large_data_on_its_way(
    Pool: PoolClass, start: Any, mailbox: Mailbox, gate: Gate
) -> None:
    """It ends at once, and nothing of the data is left (by the check behind each test)."""
    pool = Pool(2, context=start)
    pool.starmap_async(large.hold_and_wait, [(mailbox, gate, array(n)) for n in range(20)], 1)
    running = mailbox.receive_pids(2)
    done = pool.map_async(large.add_one, [array(n) for n in range(20)], 1)
    pool.terminate()
    pool.join()
    with pytest.raises(gopool.PoolTerminatedError):
        done.get()
    assert still_running(running) == []
    assert _arena.own is None


def test_another_pool_goes_on_after_terminate(
    Pool: PoolClass, start: Any, mailbox: Mailbox, gate: Gate
) -> None:
    """The slabs of what was ended are free for it."""
    with Pool(1, context=start) as pool:
        ended = Pool(2, context=start)
        ended.starmap_async(large.hold_and_wait, [(mailbox, gate, array(n)) for n in range(8)], 1)
        mailbox.receive_pids(2)
        ended.terminate()
        ended.join()
        assert all_is_free()
        assert is_array(pool.apply(large.add_one, (array(1),)), 2)


# Memory comes back.


def test_dropped_results_free_their_slabs(Pool: PoolClass) -> None:
    """Whether the task had ended when they were dropped or not."""
    with Pool(2) as pool:
        for _ in range(3):
            dropped = [pool.apply_async(large.return_arrays, (1, 8)) for _ in range(4)]
            dropped[0].wait()
            del dropped
        assert soon(lambda: large.blocks() < 32 * MB)


def test_an_imap_that_is_left_early(Pool: PoolClass) -> None:
    """Its arguments and results go with it."""
    with Pool(2) as pool:
        for method in (pool.imap, pool.imap_unordered):
            iterator = method(large.add_one, (array(n % 200) for n in range(60)))
            first = next(iterator)
            del iterator
            assert first.nbytes == MB
            assert all_is_free()
        assert soon(lambda: large.blocks() < 32 * MB)


def test_an_idle_pool_gives_back_what_a_burst_took(Pool: PoolClass) -> None:
    """Arguments and results of 200 MB each; less than 64 MB are kept, without any further call."""
    with Pool(2) as pool:
        results = pool.map(large.add_one, [array(n % 200, 4 * MB) for n in range(50)], 1)
        held = large.blocks()
        assert held >= 200 * MB
        del results
        assert soon(lambda: large.blocks() < 64 * MB)
        assert all(is_array(pool.apply(large.add_one, (array(n),)), n + 1) for n in range(3))


def test_rounds_without_end_take_no_more_memory_than_a_few(Pool: PoolClass) -> None:
    """A hundred, and then two thousand."""
    argument = array(1, 64 << 10)
    with Pool(2) as pool:
        sizes = []
        for rounds in (100, 2000):
            for _ in range(rounds):
                result = pool.apply(large.add_one, (argument,))
            assert is_array(result, 2, 64 << 10)
            sizes.append(large.blocks())
        assert sizes[1] <= sizes[0] + MB
        assert slabs_in_use() <= 2


def test_a_worker_keeps_its_arena_whatever_a_task_tries(Pool: PoolClass, start: Any) -> None:
    """A pool within a task is refused, as multiprocessing does; then large results still work."""
    with Pool(1, context=start) as pool:
        pid = pool.apply(tasks.pid)
        with pytest.raises(AssertionError, match="daemonic"):
            pool.apply(pool_in_a_task)
        assert pool.apply(large.has_own_arena)
        for _ in range(2):
            assert is_array(pool.apply(large.add_one, (array(1, 20 * MB),)), 2, 20 * MB)
            assert soon(lambda: large.blocks() < 20 * MB), "it gives memory up when it is idle"
        assert pool.apply(tasks.pid) == pid


def pool_in_a_task() -> None:
    gopool.Pool(1)


# The parent is killed.


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_nothing_is_left_of_a_killed_parent(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, method: str
) -> None:
    """Workers with large arguments and results are gone, and so is all memory with a name."""
    before = set(os.listdir("/dev/shm"))
    program = start_program(
        f"""
import multiprocessing
import gopool
from support import large
from support.latches import Gate, Mailbox

if __name__ == "__main__":
    mailbox, gate = Mailbox({mailbox.path!r}), Gate({gate.path!r})
    with gopool.Pool(2, context=multiprocessing.get_context({method!r})) as pool:
        results = pool.map(large.add_one, [large.array(n) for n in range(10)])
        reference = gopool.shared(results)
        items = [(mailbox, gate, large.array(n)) for n in range(20)]
        pool.starmap(large.hold_and_wait, items, 1)
"""
    )
    pids = mailbox.receive_pids(2)
    program.kill()
    assert still_running(pids, 10) == []
    assert program.outcome().status == -signal.SIGKILL
    assert {name for name in os.listdir("/dev/shm") if "gopool" in name} <= before
