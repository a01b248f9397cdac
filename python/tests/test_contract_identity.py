"""Workers are processes of `multiprocessing`: in its lists, with names, numbers and warnings."""

from __future__ import annotations

import gc
import multiprocessing
import time
import warnings
from collections.abc import Callable
from multiprocessing.context import BaseContext

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE, Gate, Mailbox
from support.processes import workers_at_work
from support.programs import Program


def test_active_children_lists_the_workers(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate
) -> None:
    """By pid and name, while the pool lives and no longer."""
    before = set(multiprocessing.active_children())
    with Pool(2, context=context) as pool:
        pids = workers_at_work(pool, mailbox, gate, 2)
        workers = set(multiprocessing.active_children()) - before
        assert {worker.pid for worker in workers} == pids
        assert all("PoolWorker-" in worker.name for worker in workers)
        assert all(worker.daemon for worker in workers)
        assert pool.apply(tasks.process_name) in {worker.name for worker in workers}
    pool.join()
    assert set(multiprocessing.active_children()) <= before


def test_identities_number_the_workers(Pool: PoolClass, context: BaseContext) -> None:
    """One number each, one behind the other; the name ends in it."""
    with Pool(3, context=context) as pool:
        workers = multiprocessing.active_children()
        names = pool.map(tasks.process_name, range(50), 1)
        identities = pool.map(tasks.identity_of_process, range(50), 1)
    assert all(len(identity) == 1 for identity in identities)
    expected = {int(worker.name.rpartition("-")[2]) for worker in workers}
    assert len(expected) == 3
    assert max(expected) - min(expected) == 2
    assert {int(name.rpartition("-")[2]) for name in names} <= expected
    assert {identity[0] for identity in identities} <= expected


def test_the_first_pool_of_a_program_counts_from_one(
    Pool: PoolClass, start_program: Callable[..., Program]
) -> None:
    """So that ``_identity[0] - 1`` is an index, of a device for example."""
    source = f"""
        import multiprocessing
        from {Pool.__module__} import Pool
        from support import tasks

        devices = ["left", "right"]

        def device(_):
            return devices[multiprocessing.current_process()._identity[0] - 1]

        if __name__ == "__main__":
            names = [worker.name for worker in multiprocessing.active_children()]
            assert names == []
            with Pool(2) as pool:
                names = [worker.name for worker in multiprocessing.active_children()]
                assert sorted(name[-2:] for name in names) == ["-1", "-2"]
                assert set(pool.map(device, range(50), 1)) <= set(devices)
    """
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")


def test_a_dropped_pool_warns(Pool: PoolClass) -> None:
    """In words that filters may know."""
    pools = [Pool(1)]
    pools[0].apply(tasks.nothing)

    def drop() -> None:
        pools.clear()
        deadline = time.monotonic() + DEADLINE
        while not warned.list and time.monotonic() < deadline:
            gc.collect()  # the thread of multiprocessing that had the result may still hold it

    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool") as warned:
        drop()


@pytest.mark.parametrize("ending", ["close", "terminate"])
def test_a_pool_that_ended_does_not_warn(Pool: PoolClass, ending: str) -> None:
    """Also where nobody joins it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool = Pool(1)
        getattr(pool, ending)()
        pool.join()
        del pool
        gc.collect()
