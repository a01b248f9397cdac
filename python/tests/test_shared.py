"""`gopool.shared`: a large value that all workers refer to."""

from __future__ import annotations

import copy
import functools
import gc
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import MaybeEncodingError, PoolClass, large, sharing, tasks
from support.large import MB, array, blocks, slabs_in_use, soon
from support.latches import Gate, Mailbox
from support.processes import workers_at_work
from support.programs import Program

import gopool
from gopool import _arena

pytestmark = pytest.mark.gopool_only("multiprocessing has nothing like it")

StartProgram = Callable[..., Program]


def test_workers_read_it(Pool: PoolClass, context: BaseContext) -> None:
    """The same object at each call, which cannot be written to; with every start method."""
    reference = gopool.shared(array(3))
    with Pool(2, context=context) as pool:
        assert pool.map(sharing.first_and_sum, [reference] * 20, 1) == [(3, 3 * MB)] * 20
        assert all(pool.map(sharing.is_the_same_as_before, [reference] * 20, 1))
        assert all(pool.map(sharing.is_read_only, [reference] * 4, 1))
        with pytest.raises(ValueError, match="read-only"):
            pool.apply(sharing.write, (reference,))
        assert reference.get()[0] == 3
        assert reference.get() is reference.get()
        assert not reference.get().flags.writeable


def test_it_may_be_sent_in_any_way(Pool: PoolClass, context: BaseContext) -> None:
    """As an argument or a part of one, in a function, and to the initializer."""
    reference = gopool.shared(array(3))
    with Pool(2, sharing.initialize, (reference,), context=context) as pool:
        assert pool.apply(sharing.with_reference, (reference, 4)) == 7
        assert pool.apply(sharing.with_reference, (), {"reference": reference, "number": 4}) == 7
        assert pool.map(sharing.of_pair, [(n, reference) for n in range(5)], 1) == [3, 4, 5, 6, 7]
        assert pool.starmap(sharing.with_reference, [(reference, n) for n in range(3)]) == [3, 4, 5]
        assert list(pool.imap(sharing.of_pair, ((n, reference) for n in range(3)))) == [3, 4, 5]
        function = functools.partial(sharing.with_reference, reference)
        assert pool.map(function, range(50)) == [n + 3 for n in range(50)]
        assert pool.map(sharing.first_of_initial, range(8), 1) == [3] * 8
        both = pool.apply(sharing.with_reference, (reference, 1)), function(1)
        assert both == (4, 4)


def test_pools_that_were_there_before_and_come_after(Pool: PoolClass) -> None:
    """Any pool's workers read it, also those that come in the place of others."""
    with Pool(1, maxtasksperchild=2) as first:
        assert first.apply(tasks.square, (2,)) == 4
        reference = gopool.shared(array(6))
        with Pool(1) as second:
            for pool in (first, second) * 3:
                assert pool.apply(sharing.with_reference, (reference, 1)) == 7
    with Pool(1) as third:
        assert third.apply(sharing.with_reference, (reference, 1)) == 7
    assert reference.get()[5] == 6


def test_it_is_in_memory_once(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """However many workers read it; they copy nothing of it."""
    with Pool(3) as pool:
        reference = gopool.shared(array(1, 32 * MB))
        assert len(workers_at_work(pool, mailbox, gate, 3)) == 3
        results = pool.map(sharing.first_and_sum, [reference] * 30, 1)
        assert results == [(1, 32 * MB)] * 30
        assert blocks() < 34 * MB
        assert max(pool.map(sharing.private_dirty, range(9), 1)) < MB


def test_later_changes_are_not_seen(Pool: PoolClass) -> None:
    """It is what the value was."""
    value = array(1)
    reference = gopool.shared(value)
    value[:] = 2
    with Pool(1) as pool:
        assert pool.apply(sharing.first_and_sum, (reference,)) == (1, MB)


def test_values_of_any_kind(Pool: PoolClass) -> None:
    """Small ones, and such as have no buffers."""
    values: list[Any] = [1, "text", [1, {"a": None}], "x" * MB, {"a": array(1), "b": [array(2)]}]
    with Pool(1) as pool:
        for value in values[:-1]:
            reference = gopool.shared(value)
            assert pool.apply(tasks.call, (reference.get,)) == value
            assert reference.get() == value
        reference = gopool.shared(values[-1])
        assert pool.apply(tasks.call, (reference.get,))["b"][0][-1] == 2


def test_one_that_is_a_part_of_another(Pool: PoolClass) -> None:
    """It lives as long as the other one."""
    inner = gopool.shared(array(3))
    outer = gopool.shared([inner, array(4)])
    del inner
    with Pool(2) as pool:
        assert pool.map(sharing.first_of_inner, [outer] * 4, 1) == [3] * 4
    assert outer.get()[0].get()[0] == 3


def test_it_is_freed_when_nobody_wants_it(Pool: PoolClass) -> None:
    """Dropped by the caller, and by workers when the pool is idle."""
    with Pool(2) as pool:
        reference = gopool.shared(array(1, 32 * MB))
        pool.map(sharing.first_and_sum, [reference] * 8, 1)
        assert slabs_in_use() == 1
        del reference
        assert soon(lambda: slabs_in_use() == 0)
        assert soon(lambda: blocks() < 16 * MB)


def test_one_that_no_worker_saw_is_freed_at_once(Pool: PoolClass) -> None:
    """With the reference, and with the last pool."""
    with Pool(1):
        reference = gopool.shared(array(1))
        assert slabs_in_use() == 1
        del reference
        assert slabs_in_use() == 0
        reference = gopool.shared(array(1))
    assert _arena.own is not None
    del reference
    assert _arena.own is None


def test_a_task_that_mentions_it_keeps_it(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Also where the caller has dropped it before a worker has seen it."""
    with Pool(1) as pool:
        first = pool.apply_async(tasks.arrive, (mailbox, gate, 0))
        mailbox.receive_pids(1)
        reference = gopool.shared(array(5))
        result = pool.apply_async(sharing.first_and_sum, (reference,))
        function = functools.partial(sharing.with_reference, reference)
        results = pool.map_async(function, range(3), 1)
        del reference, function
        gc.collect()
        assert slabs_in_use() == 1
        gate.open()
        assert first.get() == 0
        assert result.get() == (5, 5 * MB)
        assert results.get() == [5, 6, 7]
        del result, results
        assert soon(lambda: slabs_in_use() == 0)


def test_many_one_after_the_other_take_the_memory_of_a_few(Pool: PoolClass) -> None:
    """Workers let go of what is gone when they see the next one."""
    with Pool(1) as pool:
        for n in range(30):
            reference = gopool.shared(array(n, 8 * MB))
            assert pool.apply(sharing.first_and_sum, (reference,)) == (n, n * 8 * MB)
        assert blocks() < 48 * MB


def test_it_is_for_workers_only(Pool: PoolClass) -> None:
    """Any other pickle of it raises, and so does a task that returns it."""
    reference = gopool.shared(array(1))
    for attempt in (lambda: pickle.dumps(reference), lambda: copy.deepcopy(reference)):
        with pytest.raises(TypeError, match="only be sent to workers"):
            attempt()
    with Pool(1) as pool:
        for _ in range(2):
            with pytest.raises(MaybeEncodingError, match="only be sent to workers"):
                pool.apply(sharing.give_back, (reference,))
        assert pool.apply(sharing.first_and_sum, (reference,)) == (1, MB)


def test_a_task_that_shares_a_value(Pool: PoolClass) -> None:
    """It has no pool of its own, so what it returns is an error and not another's memory."""
    for method in ("fork", "spawn"):
        with Pool(1, context=multiprocessing.get_context(method)) as pool:
            with pytest.raises(MaybeEncodingError, match="only be sent to workers"):
                pool.apply(sharing.share_in_a_task, (array(1),))
            assert large.is_array(pool.apply(large.add_one, (array(1, 8 * MB),)), 2, 8 * MB)
            assert pool.apply(large.has_own_arena)


def test_what_can_not_be_pickled_is_refused(Pool: PoolClass) -> None:
    """And leaves no arena behind."""
    with pytest.raises(TypeError, match="pickle"):
        gopool.shared(threading.Lock())
    assert _arena.own is None


def test_threads_get_the_same_object(AnyThreadPool: Any) -> None:
    """It is what `get` returns in this process."""
    reference = gopool.shared(array(4))
    with AnyThreadPool(4) as pool:
        values = pool.map(lambda _: reference.get(), range(20))
        assert all(value is reference.get() for value in values)
        assert pool.apply(sharing.give_back, (reference,)) is reference


def test_workers_that_inherit_it(Pool: PoolClass) -> None:
    """A global of a program that forks its workers, whether it was used before or not."""
    context: Any = multiprocessing.get_context("fork")
    for used in (False, True):
        reference = gopool.shared(array(8))
        if used:
            assert reference.get()[0] == 8
        sharing.initialize(reference)
        with Pool(2, context=context) as pool:
            assert pool.map(sharing.first_of_initial, range(8), 1) == [8] * 8
            assert all(pool.map(sharing.is_the_same_as_before, [reference] * 4, 1))
        sharing.initialize(None)


def test_a_worker_that_inherits_what_is_gone(Pool: PoolClass) -> None:
    """It is told so, and does not read what is in its place now, nor has that mapped."""
    reference = gopool.shared(array(8))
    sharing.initialize(reference)
    with Pool(1, context=multiprocessing.get_context("fork")) as pool:
        assert pool.apply(tasks.square, (2,)) == 4
        sharing.initialize(None)
        slab = reference.slab
        del reference
        for n in range(2):
            other = gopool.shared([array(n), array(n)])
            assert other.slab == slab
            with pytest.raises(ReferenceError, match="let go"):
                pool.apply(sharing.first_of_initial)
            assert pool.apply(sharing.first_of_each, (other,)) == [n, n]
            with pytest.raises(ReferenceError, match="let go"):
                pool.apply(sharing.first_of_initial)
            del other
            assert soon(lambda: slabs_in_use() == 0)


def test_a_worker_that_has_values_of_its_own(Pool: PoolClass) -> None:
    """In slabs of its own arena, which have the same numbers as those of the caller's."""
    reference = gopool.shared(array(8))
    with Pool(1) as pool:
        assert pool.apply(sharing.share_and_keep, (1,)) == reference.slab
        assert pool.apply(sharing.with_reference, (reference, 1)) == 9


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_that_is_no_worker(method: str, mailbox: Mailbox) -> None:
    """It is told so."""
    reference = gopool.shared(array(1))
    context: Any = multiprocessing.get_context(method)
    process = context.Process(target=tell_what_get_raises, args=(mailbox, reference))
    process.start()
    assert mailbox.receive(1) == ["RuntimeError"]
    process.join()


def tell_what_get_raises(mailbox: Mailbox, reference: Any) -> None:
    try:
        reference.get()
    except Exception as error:
        mailbox.send(type(error).__name__)
    else:
        mailbox.send("nothing")


def test_one_that_lives_until_the_interpreter_ends(start_program: StartProgram) -> None:
    """Silently, with and without a pool beside it."""
    for pool in ("pool = gopool.Pool(1); pool.map(sharing.first_and_sum, [reference])", "pass"):
        program = start_program(
            f"""
import warnings
import gopool
from support import large, sharing
warnings.simplefilter("ignore", ResourceWarning)
if __name__ == "__main__":
    reference = gopool.shared(large.array(1))
    value = reference.get()
    {pool}
"""
        )
        outcome = program.outcome()
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


# What a function carries.


def test_what_a_function_carries_is_private_to_each_worker(
    Pool: PoolClass, context: BaseContext
) -> None:
    """And in memory once, as far as nobody writes to it."""
    function = functools.partial(sharing.add_first_and_write, array(100, 20 * MB))
    with Pool(2, context=context) as pool:
        before = pool.map(function, range(40), 1)
        assert set(before[:1]) == {100}
        assert before.count(100) <= 2, "each worker unpickles it once"
        assert function(1) == 100, "the caller's own is as it was"
        assert blocks() < 22 * MB
        assert soon(lambda: slabs_in_use() == 0), "workers forget it when the job has ended"


def test_both_workers_have_what_a_function_carries(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """At the same time; it is freed when both have let go of it."""
    carried = array(7, 20 * MB)
    with Pool(2) as pool:
        function = functools.partial(sharing.arrive_with, carried)
        result = pool.map_async(function, [(mailbox, gate)] * 2, 1)
        assert len(set(mailbox.receive_pids(2))) == 2
        assert slabs_in_use() == 1
        assert blocks() < 22 * MB
        gate.open()
        assert result.get() == [7, 7]
        assert soon(lambda: slabs_in_use() == 0)
        assert soon(lambda: blocks() < 16 * MB)


def test_a_worker_that_dies_with_what_a_function_carries(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """It is not in the way, also where results of that worker are to be read yet."""
    with Pool(1) as pool:
        unread = pool.apply_async(large.add_one, (array(1),))
        unread.wait()
        function = functools.partial(sharing.arrive_with, array(7, 20 * MB))
        result = pool.map_async(function, [(mailbox, gate)], 1)
        (pid,) = mailbox.receive_pids(1)
        os.kill(pid, 9)
        with pytest.raises(gopool.WorkerLostError):
            result.get()
        del result
        assert soon(lambda: slabs_in_use() == 0)
        assert large.is_array(unread.get(), 2)


def test_jobs_in_a_row_do_not_take_more_memory(Pool: PoolClass) -> None:
    """Each has a function of its own; workers forget the one before with the next."""
    with Pool(2) as pool:
        for n in range(30):
            function = functools.partial(sharing.last_of, array(n, 8 * MB))
            assert pool.map(function, range(10)) == [n + i for i in range(10)]
        assert blocks() < 64 * MB
