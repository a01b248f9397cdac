"""``close``, ``join``, ``with``: which calls are allowed when, and what becomes of the work."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import warnings
from collections.abc import Callable
from multiprocessing.context import BaseContext
from multiprocessing.pool import Pool as AnyPool
from pathlib import Path

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Ledger, Mailbox
from support.processes import child_pids, still_running

SUBMISSIONS: dict[str, Callable[[AnyPool], object]] = {
    "apply": lambda pool: pool.apply(tasks.pid),
    "apply_async": lambda pool: pool.apply_async(tasks.pid),
    "map": lambda pool: pool.map(tasks.square, [1]),
    "map_async": lambda pool: pool.map_async(tasks.square, [1]),
    "starmap": lambda pool: pool.starmap(tasks.add, [(1, 2)]),
    "starmap_async": lambda pool: pool.starmap_async(tasks.add, [(1, 2)]),
    "empty map": lambda pool: pool.map(tasks.square, []),
    "with": lambda pool: pool.__enter__(),
}


@pytest.mark.parametrize("submission", SUBMISSIONS)
@pytest.mark.parametrize("ending", ["close", "terminate"])
def test_a_pool_that_ended_takes_no_work(Pool: PoolClass, ending: str, submission: str) -> None:
    """Every way to submit raises the same error, before and after ``join``."""
    pool = Pool(1)
    getattr(pool, ending)()
    with pytest.raises(ValueError, match=r"^Pool not running$"):
        SUBMISSIONS[submission](pool)
    pool.join()
    with pytest.raises(ValueError, match=r"^Pool not running$"):
        SUBMISSIONS[submission](pool)


def test_a_running_pool_cannot_be_joined(Pool: PoolClass) -> None:
    """``join`` asks for ``close`` or ``terminate`` first, and the pool goes on."""
    with Pool(1) as pool:
        with pytest.raises(ValueError, match=r"^Pool is still running$"):
            pool.join()
        assert pool.apply(tasks.square, (3,)) == 9


def test_close_and_join_finish_what_is_outstanding(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """What was submitted before ``close`` is done when ``join`` returns."""
    pool = Pool(2)
    held = pool.apply_async(tasks.arrive_and_note, (mailbox, gate, ledger, 0))
    mapped = pool.map_async(functools.partial(tasks.note, ledger), range(1, 200), 1)
    mailbox.receive(1)
    pool.close()
    assert not held.ready()
    gate.open()
    pool.join()
    assert ledger.numbers() == list(range(200))
    assert held.get(0) == 0
    assert mapped.get(0) == list(range(1, 200))


def test_close_alone_ends_the_workers_when_the_work_is_done(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """``close`` does not wait, and nobody needs to call ``join`` for workers to end."""
    pool = Pool(2)
    results = [pool.apply_async(tasks.arrive, (mailbox, gate, n)) for n in range(2)]
    pids = mailbox.receive_pids(2)
    pool.close()
    gate.open()
    assert still_running(pids) == []
    assert [result.get() for result in results] == [0, 1]
    pool.join()


def test_leaving_with_terminates(
    Pool: PoolClass, mailbox: Mailbox, make_gate: Callable[[], Gate], ledger: Ledger
) -> None:
    """Unfinished work stays undone: when the gate opens after the block, nobody comes."""
    gate = make_gate()
    with Pool(2) as pool:
        pool.starmap_async(
            tasks.arrive_and_note, [(mailbox, gate, ledger, n) for n in range(50)], 1
        )
        pids = mailbox.receive_pids(2)
    gate.open()
    assert still_running(pids) == []
    assert ledger.read() == []
    assert mailbox.is_empty()


def test_leaving_with_by_an_exception_terminates_too(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """The exception goes on, unchanged."""
    error = KeyError("in the block")
    with pytest.raises(KeyError) as raised, Pool(1) as pool:
        pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        mailbox.receive(1)
        raise error
    assert raised.value is error


def test_nothing_is_left_right_after_with(Pool: PoolClass) -> None:
    """No child process remains, not even for a moment."""
    before = child_pids()
    with Pool(3) as pool:
        pool.map(tasks.square, range(100))
        assert child_pids() - before
    assert child_pids() - before == set()


def test_nothing_is_left_right_after_join(Pool: PoolClass) -> None:
    """The same for the polite way out."""
    before = child_pids()
    pool = Pool(3)
    pool.map(tasks.square, range(100))
    pool.close()
    pool.join()
    assert child_pids() - before == set()


def test_with_gives_the_pool_itself(Pool: PoolClass) -> None:
    """``with Pool() as p`` and ``with p`` are the same."""
    pool = Pool(1)
    with pool as entered:
        assert entered is pool


def test_endings_may_be_repeated_and_mixed(Pool: PoolClass) -> None:
    """Each is harmless after the other."""
    pool = Pool(1)
    pool.close()
    pool.close()
    pool.join()
    pool.join()
    pool.terminate()
    pool.terminate()
    pool.close()
    pool.join()
    with pytest.raises(ValueError, match="Pool not running"):
        pool.apply(tasks.pid)


def test_a_pool_can_be_closed_within_with(Pool: PoolClass, ledger: Ledger) -> None:
    """The documented idiom: close and join inside the block."""
    with Pool(2) as pool:
        pool.map_async(functools.partial(tasks.note, ledger), range(100))
        pool.close()
        pool.join()
    assert ledger.numbers() == list(range(100))


def test_an_unused_pool_ends_at_once(Pool: PoolClass) -> None:
    """Workers may still be starting."""
    for _ in range(5):
        with Pool(2):
            pass
        pool = Pool(2)
        pool.close()
        pool.join()


def test_a_pool_cannot_be_pickled(Pool: PoolClass) -> None:
    """A pool stays in its process."""
    with Pool(1) as pool:
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(NotImplementedError, match="cannot be passed between processes"):
                attempt(pool)
        with pytest.raises(NotImplementedError):
            pool.apply(tasks.identity, (pool,))
        assert pool.apply(tasks.square, (3,)) == 9


@pytest.mark.filterwarnings("ignore:unclosed running multiprocessing pool:ResourceWarning")
def test_a_result_keeps_its_pool_alive(Pool: PoolClass) -> None:
    """The one-liner works although nobody holds the pool."""
    assert Pool(1).apply_async(tasks.square, (3,)).get() == 9
    assert Pool(1).map(tasks.square, range(3)) == [0, 1, 4]
    gc.collect()


def test_a_dropped_pool_takes_its_workers_with_it(Pool: PoolClass) -> None:
    """Neither close nor terminate: the collector ends the pool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        pool = Pool(2)
        pids = set(pool.map(tasks.pid, range(10), 1))
        del pool
        gc.collect()
        assert still_running(pids) == []


def test_pools_live_side_by_side(Pool: PoolClass) -> None:
    """Ending one does not touch the other."""
    with Pool(1) as first:
        with Pool(1) as second:
            assert first.apply(tasks.pid) != second.apply(tasks.pid)
        assert first.apply(tasks.square, (3,)) == 9


def test_a_pool_that_is_closed_at_once_starts_its_workers(
    Pool: PoolClass, tmp_path: Path, context: BaseContext
) -> None:
    """Each runs the initializer, also where the pool is closed before they can have."""
    for number in range(10):
        ledger = Ledger(str(tmp_path / f"ledger-{number}"))
        pool = Pool(2, ledger.write, ("started",), context=context)
        pool.close()
        pool.join()
        assert ledger.read() == ["started"] * 2


def test_pools_closed_at_once_end_beside_new_ones(Pool: PoolClass) -> None:
    """The descriptors of a pool on its way out are not taken for those of the next."""
    pools = []
    for _ in range(40):
        pools.append(Pool(3))
        pools[-1].close()
    for pool in pools:
        pool.join()
