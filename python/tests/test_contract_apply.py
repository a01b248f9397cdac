"""``apply`` and ``apply_async``: one call, its arguments and its result."""

from __future__ import annotations

import functools
import operator
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox


@pytest.mark.parametrize(
    ("args", "kwds"),
    [
        ((), {}),
        ((1,), {}),
        ((), {"a": 1}),
        ((1, "two", None), {"three": [3], "args": 4, "kwds": 5, "func": 6}),
        ([1, 2], {}),
    ],
    ids=repr,
)
def test_arguments_arrive_by_position_and_by_name(Pool: PoolClass, args: Any, kwds: Any) -> None:
    """Equivalent of ``func(*args, **kwds)``; ``args`` may be a list."""
    with Pool(1) as pool:
        assert pool.apply(tasks.describe, args, kwds) == (tuple(args), kwds)
        assert pool.apply_async(tasks.describe, args, kwds).get() == (tuple(args), kwds)
        assert pool.apply(func=tasks.describe, args=args, kwds=kwds) == (tuple(args), kwds)


def test_a_call_without_arguments(Pool: PoolClass) -> None:
    """``args`` and ``kwds`` may be left out."""
    with Pool(1) as pool:
        assert pool.apply(tasks.describe) == ((), {})
        assert pool.apply(tasks.nothing) is None


def test_apply_runs_in_a_worker(Pool: PoolClass) -> None:
    """The caller's process does not run the function itself."""
    import os

    with Pool(1) as pool:
        assert pool.apply(tasks.pid) != os.getpid()


def test_any_picklable_callable_can_be_called(Pool: PoolClass) -> None:
    """Builtins, types, partial objects, bound methods, callable objects, static functions."""
    with Pool(1) as pool:
        assert pool.apply(len, ("four",)) == 4
        assert pool.apply(dict, ([("a", 1)],), {"b": 2}) == {"a": 1, "b": 2}
        assert pool.apply(functools.partial(tasks.add, 1), (2,)) == 3
        assert pool.apply("-".join, (["a", "b"],)) == "a-b"
        assert pool.apply(operator.itemgetter(1), ("xyz",)) == "y"
        assert pool.apply(tasks.Counter().method) == 1
        assert pool.map(functools.partial(pow, 2), range(4)) == [1, 2, 4, 8]


def test_apply_async_does_not_wait(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """It returns while the task is still running."""
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, "done"))
        mailbox.receive(1)
        assert not result.ready()
        gate.open()
        assert result.get() == "done"


def test_calls_on_one_worker_run_in_the_order_of_submission(
    Pool: PoolClass, mailbox: Mailbox
) -> None:
    """One worker takes single calls first come, first served."""
    with Pool(1) as pool:
        results = [pool.apply_async(mailbox.send, (number,)) for number in range(50)]
        assert mailbox.receive(50) == [str(number) for number in range(50)]
        for result in results:  # multiprocessing may hang if a worker ends while it answers
            result.get()


def test_apply_is_answered_while_another_worker_is_held(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """No call waits behind a long one while a worker is free."""
    with Pool(2) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, "held"))
        mailbox.receive(1)
        assert [pool.apply(tasks.square, (n,)) for n in range(50)] == [n * n for n in range(50)]
        assert not held.ready()
        gate.open()
        assert held.get() == "held"


def test_calls_submitted_behind_a_held_one_go_to_the_free_worker(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """A thousand calls submitted at once all finish beside one that does not."""
    with Pool(2) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, "held"))
        results = [pool.apply_async(tasks.square, (n,)) for n in range(1000)]
        assert [result.get() for result in results] == [n * n for n in range(1000)]
        mailbox.receive(1)
        assert not held.ready()
        gate.open()
        assert held.get() == "held"


def test_a_thousand_results_can_be_asked_for_in_any_order(Pool: PoolClass) -> None:
    """Results wait for who asks for them."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.identity, (n,)) for n in range(1000)]
        assert [result.get() for result in reversed(results)] == list(reversed(range(1000)))


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 2**100, 1.5, "ä€😀", b"\x00\xff", (), [], {}, {1, 2}, ..., NotImplemented],
    ids=repr,
)
def test_values_come_back_as_they_are(Pool: PoolClass, value: object) -> None:
    """Any picklable value is an argument and a result."""
    with Pool(1) as pool:
        result = pool.apply(tasks.identity, (value,))
        assert result == value
        assert type(result) is type(value)


def test_an_exception_can_be_a_result(Pool: PoolClass) -> None:
    """Returned is not raised."""
    with Pool(1) as pool:
        result = pool.apply(tasks.identity, (ValueError("returned"),))
        assert isinstance(result, ValueError)
        assert result.args == ("returned",)
