"""Time limits: a task that runs longer ends with its worker, and no other task is harmed.

What exceeds a limit waits at a gate for ever. All else is over at once, and gets a limit that it
does not exceed on a machine that has much else to do, or stands still for a while.
"""

from __future__ import annotations

import functools
import itertools
import math
from multiprocessing import TimeoutError as NotReadyError
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import limits, offspring, tasks
from support.latches import Gate, Ledger, Mailbox
from support.processes import still_running, workers_at_work

import gopool

METHODS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")

SHORT = 0.1
LIMIT = 2.0
"""In seconds: for what exceeds it, and for calls of which some do."""


def submit(pool: gopool.Pool, method: str, func: Any, items: Any, **options: Any) -> Any:
    """Return what a call by one of the methods comes to."""
    arguments: Any = [(item,) for item in items] if method.startswith("starmap") else items
    answer = getattr(pool, method)(func, arguments, **options)
    if method.endswith("_async"):
        return answer.get()
    return answer if method == "apply" else list(answer)


def test_a_task_that_runs_longer_raises(context: BaseContext, gate: Gate) -> None:
    """By every start method. The error says which one; its worker is replaced."""
    with gopool.Pool(1, context=context) as pool:
        pid = pool.apply(tasks.pid)
        with pytest.raises(gopool.TaskTimeoutError, match=r"^Gate.wait \(task 0\).* 0.1 s") as info:
            pool.apply(Gate.wait, (gate,), timeout=SHORT)
        error = info.value
        assert (error.function, error.index, error.seconds) == ("Gate.wait", 0, SHORT)
        assert still_running([pid]) == []
        assert pool.apply(tasks.pid) != pid


def test_the_error_is_a_timeout_error_of_its_own() -> None:
    """Who asks again for a result that is not ready must not do so for ever."""
    assert issubclass(gopool.TaskTimeoutError, TimeoutError)
    assert not issubclass(gopool.TaskTimeoutError, NotReadyError)


@pytest.mark.parametrize("method", METHODS)
def test_only_the_task_itself_raises(method: str, gate: Gate) -> None:
    function = functools.partial(limits.wait_if_odd, gate)
    with gopool.Pool(2) as pool:
        found = submit(pool, method, function, range(4), timeout=LIMIT, return_exceptions=True)
    lost = [value for value in found if not isinstance(value, int)]
    assert sorted(value for value in found if isinstance(value, int)) == [0, 2]
    assert {type(error) for error in lost} == {gopool.TaskTimeoutError}
    assert sorted(error.index for error in lost) == [1, 3]
    if method != "imap_unordered":
        assert found[::2] == [0, 2]


@pytest.mark.parametrize("method", ["apply", "apply_async", *METHODS])
def test_a_pool_has_a_limit_for_all_that_do_not_say(method: str, gate: Gate) -> None:
    """And `timeout=None` lifts it."""
    with gopool.Pool(2, task_timeout=SHORT) as pool:
        with pytest.raises(gopool.TaskTimeoutError):
            submit(pool, method, Gate.wait, [gate])
        free = pool.apply_async(Gate.wait, (gate,), timeout=None)
        with pytest.raises(gopool.TaskTimeoutError):  # takes as long
            submit(pool, method, Gate.wait, [gate], timeout=2 * SHORT)
        assert not free.ready()
        gate.open()
        assert free.get() is None
        assert submit(pool, method, Gate.wait, [gate], timeout=None) in (None, [None])


def test_the_limit_of_each_submission_is_its_own(gate: Gate) -> None:
    with gopool.Pool(2, task_timeout=3600) as pool:
        patient = pool.apply_async(Gate.wait, (gate,))
        with pytest.raises(gopool.TaskTimeoutError) as info:
            pool.apply(Gate.wait, (gate,), timeout=0.002)
        assert info.value.seconds == 0.002
        assert not patient.ready()
        gate.open()
        patient.get()


@pytest.mark.parametrize("wrong", [0, -1, -0.5, math.nan])
def test_a_limit_that_makes_no_sense_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="timeout must be above 0"):
        gopool.Pool(1, task_timeout=wrong)
    with gopool.Pool(1) as pool:
        for method in ("apply", "apply_async", *METHODS):
            with pytest.raises(ValueError, match="timeout must be above 0"):
                submit(pool, method, tasks.square, [1], timeout=wrong)
            with pytest.raises(TypeError):
                submit(pool, method, tasks.square, [1], timeout="1")
        assert pool.apply(tasks.square, (3,), timeout=math.inf) == 9


def test_threads_have_none() -> None:
    with gopool.ThreadPool(1) as pool:
        for method in ("apply", "apply_async", *METHODS):
            with pytest.raises(ValueError, match="a thread can't be killed"):
                submit(pool, method, tasks.square, [1], timeout=1)
        assert pool.apply(tasks.square, (3,), timeout=None) == 9


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_no_innocent_task_is_lost_or_run_twice(method: str, ledger: Ledger, gate: Gate) -> None:
    """Tasks sent ahead behind one that exceeds its limit, of the same call and of others."""
    function = functools.partial(limits.note_and_wait_at_last_of, 500, ledger, gate)
    # An initializer has workers that are spawned import what would be a part of the first task.
    with gopool.get_context(method).Pool(3, tasks.nothing) as pool:
        limited: list[Any] = [
            pool.map_async(function, range(1000), timeout=limit, return_exceptions=True)
            for limit in (LIMIT, 1.5 * LIMIT)
        ]
        others = [pool.apply_async(tasks.square, (n,)) for n in range(500)]
        found = [call.get() for call in limited]
        assert [other.get() for other in others] == [n * n for n in range(500)]
    for values in found:
        lost = {n: type(value) for n, value in enumerate(values) if value != n}
        assert lost == {499: gopool.TaskTimeoutError, 999: gopool.TaskTimeoutError}
    assert ledger.numbers() == sorted([*range(1000)] * 2)


def test_what_is_behind_it_in_its_chunk_runs_elsewhere(ledger: Ledger, gate: Gate) -> None:
    """Where there is no other worker, too."""
    function = functools.partial(limits.note_and_wait_at_last_of, 50, ledger, gate)
    with gopool.Pool(1) as pool:
        pool.map(tasks.square, range(1000))
        found = pool.map(function, range(110), 20, timeout=LIMIT, return_exceptions=True)
    assert [n for n, value in enumerate(found) if value != n] == [49, 99]
    assert ledger.numbers() == list(range(110))


def test_a_worker_that_was_to_be_replaced_anyway(ledger: Ledger, gate: Gate) -> None:
    """Its last chunk has tasks behind the one that ends it: they are run, once."""
    function = functools.partial(limits.note_and_wait_at_last_of, 5, ledger, gate)
    with gopool.Pool(4, maxtasksperchild=1) as pool:
        found = pool.map(function, range(40), 10, timeout=LIMIT, return_exceptions=True)
    assert [n for n, value in enumerate(found) if value != n] == [*range(4, 40, 5)]
    assert ledger.numbers() == list(range(40))


def test_many_tasks_that_take_less_are_left_alone(ledger: Ledger) -> None:
    """However long they take together."""
    with gopool.Pool(2) as pool:
        pids = set(pool.map(tasks.pid, range(100)))
        function = functools.partial(tasks.note, ledger)
        pool.map(function, range(10_000), timeout=2 * LIMIT)
        pids |= set(pool.map(tasks.pid, range(100)))
    assert len(pids) <= 2
    assert ledger.numbers() == list(range(10_000))


def test_what_it_has_started_is_killed_with_it(mailbox: Mailbox) -> None:
    with gopool.Pool(1) as pool:
        arguments = mailbox, offspring.start_all_kinds
        result = pool.apply_async(offspring.start_and_wait, arguments, timeout=LIMIT)
        pids = mailbox.receive_pids(offspring.KINDS)
        with pytest.raises(gopool.TaskTimeoutError):
            result.get()
        assert still_running(pids) == []


def test_a_worker_that_is_stopped_is_killed_too() -> None:
    with gopool.Pool(1) as pool:
        with pytest.raises(gopool.TaskTimeoutError):
            pool.apply(limits.stop_itself, timeout=LIMIT)
        assert pool.apply(tasks.square, (3,)) == 9


def test_the_start_of_a_worker_does_not_count(gate: Gate, mailbox: Mailbox) -> None:
    with gopool.Pool(1, limits.tell_and_wait, (mailbox, gate)) as pool:
        result = pool.apply_async(tasks.square, (3,), timeout=LIMIT)
        mailbox.receive(1)
        with pytest.raises(NotReadyError):
            result.get(1.2 * LIMIT)
        gate.open()
        assert result.get() == 9


def test_nor_does_the_wait_behind_other_tasks(gate: Gate) -> None:
    with gopool.Pool(1) as pool:
        held = pool.apply_async(Gate.wait, (gate,))
        behind = pool.apply_async(tasks.square, (3,), timeout=LIMIT)
        with pytest.raises(NotReadyError):
            behind.get(1.2 * LIMIT)
        gate.open()
        held.get()
        assert behind.get() == 9


def test_the_loading_of_arguments_counts(gate: Gate) -> None:
    with gopool.Pool(1) as pool:
        with pytest.raises(gopool.TaskTimeoutError):
            pool.apply(tasks.identity, (limits.WaitsWhenUnpickled(gate),), timeout=SHORT)
        assert pool.apply(tasks.square, (3,)) == 9


def test_the_error_callback_hears_of_it(gate: Gate) -> None:
    errors: list[BaseException] = []
    with gopool.Pool(1) as pool:
        result = pool.apply_async(Gate.wait, (gate,), error_callback=errors.append, timeout=SHORT)
        with pytest.raises(gopool.TaskTimeoutError) as info:
            result.get()
    assert errors == [info.value]


def test_close_and_join_end_behind_it(gate: Gate, mailbox: Mailbox) -> None:
    pool = gopool.Pool(2)
    late: Any = pool.map_async(Gate.wait, [gate] * 4, 1, timeout=SHORT, return_exceptions=True)
    pool.close()
    pool.join()
    assert {type(error) for error in late.get(0)} == {gopool.TaskTimeoutError}


def test_the_number_of_workers_stays_the_same(gate: Gate, mailbox: Mailbox) -> None:
    with gopool.Pool(2) as pool:
        pool.map(Gate.wait, [gate] * 5, 1, timeout=SHORT, return_exceptions=True)
        assert len(workers_at_work(pool, mailbox, gate, 2)) == 2


def test_an_endless_input_goes_on(gate: Gate) -> None:
    function = functools.partial(limits.wait_if_odd, gate)
    with gopool.Pool(2) as pool:
        results: Any = pool.imap(
            function, itertools.count(), buffersize=4, timeout=LIMIT, return_exceptions=True
        )
        found = list(itertools.islice(results, 4))
    assert found[::2] == [0, 2]
    assert [type(error) for error in found[1::2]] == [gopool.TaskTimeoutError] * 2
