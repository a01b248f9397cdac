"""`retries`: what was lost with its worker, or raised what was named, is run again."""

from __future__ import annotations

import collections
import functools
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any, NoReturn

import pytest
from support import tasks
from support.large import Array, array
from support.latches import DEADLINE, Gate, Ledger, Mailbox

import gopool

METHODS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")

CLASSES = pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])

FOREVER = 3600.0
"""Seconds of back-off that no test waits for."""


class Overloaded(Exception):
    """What a server may say."""


class VeryOverloaded(Overloaded):
    """The same, more so."""


def attempt(ledger: Ledger, number: int) -> int:
    """Write down that a task is run, and return for which time."""
    ledger.write(number)
    return ledger.read().count(str(number))


def lost_until(ledger: Ledger, attempts: int, number: int) -> int:
    """End the worker until the task is run for so many times; only every third does so."""
    if attempt(ledger, number) < attempts and number % 3 == 0:
        os._exit(3)
    return number


def overloaded_until(ledger: Ledger, attempts: int, number: int) -> int:
    """Raise until the task is run for so many times; only every third does so."""
    if attempt(ledger, number) < attempts and number % 3 == 0:
        raise VeryOverloaded(number)
    return number


def fail_in_turn(ledger: Ledger, number: int) -> int:
    """Raise first, end the worker then, and return in the third attempt."""
    count = attempt(ledger, number)
    if count == 1:
        raise Overloaded
    if count == 2:
        os._exit(3)
    return number


def always_overloaded(ledger: Ledger, number: int) -> NoReturn:
    ledger.write(number)
    raise Overloaded(number)


def never_there(ledger: Ledger, number: int) -> NoReturn:
    ledger.write(number)
    raise LookupError(number)


def change_and_fail(ledger: Ledger, die: bool, number: int, data: Array) -> int:
    """Write to an argument and fail; in the second attempt, return what was there before."""
    before = int(data[0])
    data[:] = 99
    if attempt(ledger, number) == 1:
        if die:
            os._exit(3)
        raise Overloaded
    return before


def hang_first(ledger: Ledger, number: int) -> int:
    """Never end in the first attempt."""
    if attempt(ledger, number) == 1:
        signal.pause()
    return number


def call(pool: gopool.Pool, method: str, func: Any, numbers: Any, **options: Any) -> list[Any]:
    """Return all results of a call by one of the methods."""
    items: Any = [(n,) for n in numbers] if method.startswith("starmap") else numbers
    answer = getattr(pool, method)(func, items, 2, **options)
    return list(answer.get() if method.endswith("_async") else answer)


def runs(ledger: Ledger) -> dict[int, int]:
    return dict(collections.Counter(ledger.numbers()))


def test_a_lost_task_is_run_again(ledger: Ledger) -> None:
    """As often as it takes, and no other is; results come in their places."""
    func = functools.partial(lost_until, ledger, 3)
    with gopool.Pool(2) as pool:
        for first, method in enumerate(METHODS):
            numbers = range(9 * first, 9 * first + 9)
            found = call(pool, method, func, numbers, retries=2, backoff=0.001)
            assert (sorted(found) if method == "imap_unordered" else found) == list(numbers)
    assert runs(ledger) == {n: 3 if n % 3 == 0 else 1 for n in range(54)}


@CLASSES
def test_so_is_one_that_raised_what_was_named(cls: type[gopool.Pool], ledger: Ledger) -> None:
    func = functools.partial(overloaded_until, ledger, 3)
    options: Any = {"retries": 2, "retry_on": (OSError, Overloaded), "backoff": 0.001}
    with cls(2) as pool:
        for first, method in enumerate(METHODS):
            numbers = range(30 * first, 30 * first + 30)
            found = call(pool, method, func, numbers, **options)
            assert (sorted(found) if method == "imap_unordered" else found) == list(numbers)
    assert runs(ledger) == {n: 3 if n % 3 == 0 else 1 for n in range(180)}


def test_with_each_start_method(context: BaseContext, ledger: Ledger) -> None:
    """Both reasons count together."""
    func = functools.partial(fail_in_turn, ledger)
    with gopool.Pool(2, context=context) as pool:
        result = pool.map(func, range(2), retries=2, retry_on=Overloaded, backoff=0)
    assert result == [0, 1]
    assert runs(ledger) == {0: 3, 1: 3}


@pytest.mark.parametrize("retries", [0, 3])
def test_in_the_end_the_last_loss_is_raised(ledger: Ledger, retries: int) -> None:
    """It says how many attempts there were; by default, there was one."""
    func = functools.partial(lost_until, ledger, 99)
    options: Any = {"retries": retries, "backoff": 0} if retries else {}
    with gopool.Pool(1) as pool:
        with pytest.raises(gopool.WorkerLostError) as caught:
            pool.apply(func, (0,), **options)
        assert pool.apply(tasks.square, (3,)) == 9
    assert caught.value.attempts == retries + 1
    assert (f"the last of {retries + 1} attempts" in str(caught.value)) == (retries > 0)
    assert runs(ledger) == {0: retries + 1}


@CLASSES
def test_in_the_end_the_last_exception_is_raised(cls: type[gopool.Pool], ledger: Ledger) -> None:
    """As itself, with a note."""
    func = functools.partial(always_overloaded, ledger)
    with cls(1) as pool:
        with pytest.raises(Overloaded) as caught:
            pool.apply(func, (7,), retries=2, retry_on=Overloaded, backoff=0)
        assert pool.apply(tasks.square, (3,)) == 9
    assert caught.value.args == (7,)
    assert getattr(caught.value, "__notes__") == ["raised in the last of 3 attempts"]  # noqa: B009
    assert cls is gopool.ThreadPool or "in always_overloaded" in str(caught.value.__cause__)
    assert "_retrying.py" not in str(caught.value.__cause__)
    assert runs(ledger) == {7: 3}


@CLASSES
def test_other_exceptions_are_raised_at_once(cls: type[gopool.Pool], ledger: Ledger) -> None:
    func = functools.partial(never_there, ledger)
    with cls(1) as pool, pytest.raises(LookupError) as caught:
        pool.apply(func, (7,), retries=2, retry_on=Overloaded)
    assert not hasattr(caught.value, "__notes__")
    assert runs(ledger) == {7: 1}


def test_a_worker_that_is_killed_takes_nothing_with_it(ledger: Ledger) -> None:
    """From outside and at any moment: all results are there, and only killed tasks ran twice."""
    kills = 0
    with gopool.Pool(2) as pool:
        for first in range(0, 2500, 500):
            pids = set(pool.map(tasks.pid, range(8), 1))
            note = functools.partial(tasks.note, ledger)
            result = pool.map_async(note, range(first, first + 500), retries=9, backoff=0.001)
            os.kill(min(pids), signal.SIGKILL)
            kills += 1
            assert result.get() == list(range(first, first + 500))
    counts = runs(ledger)
    assert counts.keys() <= set(range(2500))
    assert sum(counts.values()) <= 2500 + kills
    assert len(counts) >= 2500  # a kill before the note has the task run again


def test_a_callback_gets_what_comes_in_the_end(ledger: Ledger) -> None:
    told: list[object] = []
    with gopool.Pool(1) as pool:
        for attempts in (2, 4):
            func = functools.partial(lost_until, ledger, attempts)
            result = pool.apply_async(
                func, (3 * attempts,), {}, told.append, told.append, retries=2, backoff=0
            )
            result.wait()
    assert told[0] == 6
    assert isinstance(told[1], gopool.WorkerLostError)
    assert len(told) == 2


def test_a_time_limit_counts_where_it_is_named(ledger: Ledger) -> None:
    """A task that was ended for it was lost with its worker, but not by accident."""
    func = functools.partial(hang_first, ledger)
    # The attempt that returns has to be within the limit too, in a worker that has just started.
    options: Any = {"timeout": 2, "retries": 1, "backoff": 0}
    with gopool.Pool(1) as pool:
        with pytest.raises(gopool.TaskTimeoutError):
            pool.apply(func, (0,), **options)
        assert pool.apply(func, (1,), retry_on=TimeoutError, **options) == 1
    assert runs(ledger) == {0: 1, 1: 2}


def test_with_return_exceptions(ledger: Ledger) -> None:
    func = functools.partial(overloaded_until, ledger, 3)
    with gopool.Pool(2) as pool:
        found: list[Any] = pool.map(
            func, range(3), return_exceptions=True, retries=1, retry_on=Overloaded, backoff=0
        )
    assert isinstance(found[0], VeryOverloaded)
    assert found[1:] == [1, 2]


@pytest.mark.parametrize("die", [True, False])
def test_arguments_are_what_they_were(ledger: Ledger, die: bool) -> None:
    """Also if they are large, and the attempt that failed has written to them."""
    options: Any = {"retries": 1, "retry_on": Overloaded, "backoff": 0}
    with gopool.Pool(2) as pool:
        for number, method in enumerate(("apply", "map", "imap")):
            func = functools.partial(change_and_fail, ledger, die, number)
            if method == "apply":
                assert pool.apply(func, (array(5),), **options) == 5
            else:
                assert list(getattr(pool, method)(func, [array(5)], **options)) == [5]


def test_a_function_and_a_type_that_go_by_value() -> None:
    class Local(Exception):
        pass

    def fail() -> NoReturn:
        raise Local("x")

    with gopool.Pool(1) as pool, pytest.raises(Local) as caught:
        pool.apply(fail, retries=1, retry_on=Local, backoff=0)
    assert getattr(caught.value, "__notes__") == ["raised in the last of 2 attempts"]  # noqa: B009


@CLASSES
def test_a_pool_that_is_closed_runs_what_is_in_backoff(
    cls: type[gopool.Pool], ledger: Ledger
) -> None:
    func = functools.partial(overloaded_until, ledger, 3)
    with cls(1) as pool:
        result = pool.apply_async(func, (0,), retries=2, retry_on=Overloaded, backoff=0.02)
        pool.close()
        pool.join()
        assert result.get() == 0


@CLASSES
def test_a_pool_that_is_terminated_drops_it(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    """And does not wait. Meanwhile others get on."""
    with cls(1) as pool:
        result = pool.map_async(
            functools.partial(tasks.fail_or_arrive, mailbox, gate),
            range(2),
            1,
            retries=2,
            retry_on=ValueError,
            backoff=FOREVER,
        )
        mailbox.receive(1)  # what comes behind the one that has failed
        gate.open()
        assert pool.apply(tasks.square, (3,)) == 9
        assert not result.ready()
        pool.terminate()
        pool.join()
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()


def test_the_input_of_imap_is_drawn_on_meanwhile(ledger: Ledger, mailbox: Mailbox) -> None:
    """A task in back-off holds up no other; its result is awaited in its place."""
    func = functools.partial(overloaded_until, ledger, 2)
    drawn = threading.Event()

    def numbers() -> Any:
        yield from range(50)
        drawn.set()

    with gopool.Pool(2) as pool:
        results = pool.imap(func, numbers(), retries=1, retry_on=Overloaded, backoff=0.05)
        assert drawn.wait(DEADLINE)
        assert list(results) == list(range(50))


@pytest.mark.parametrize("of_threads", [True, False])
def test_dump_says_what_is_called(of_threads: bool, mailbox: Mailbox, gate: Gate) -> None:
    cls: Callable[..., Any] = gopool.ThreadPool if of_threads else gopool.Pool
    with cls(1) as pool, open(os.devnull, "w") as nowhere:
        result = pool.apply_async(
            tasks.arrive, (mailbox, gate, 1), retries=1, retry_on=(ValueError, OSError)
        )
        mailbox.receive(1)
        assert "runs arrive (task 0)" in pool.dump(nowhere)
        gate.open()
        assert result.get() == 1


NONSENSE: list[tuple[type[Exception], dict[str, Any]]] = [
    (ValueError, {"retries": -1}),
    (TypeError, {"retries": 1.5}),
    (TypeError, {"retries": None}),
    (ValueError, {"retries": 1 << 40}),
    (ValueError, {"retry_on": OSError}),
    (TypeError, {"retries": 1, "retry_on": "OSError"}),
    (TypeError, {"retries": 1, "retry_on": (OSError, int)}),
    (TypeError, {"retries": 1, "retry_on": OSError("x")}),
    (ValueError, {"retries": 1, "backoff": -1}),
    (ValueError, {"retries": 1, "backoff": float("nan")}),
    (TypeError, {"retries": 1, "backoff": "1"}),
]


@CLASSES
def test_nonsense_is_refused(cls: type[gopool.Pool]) -> None:
    with cls(1) as pool:
        for error, options in NONSENSE:
            for method in ("apply_async", "map", "imap"):
                with pytest.raises(error):
                    getattr(pool, method)(tasks.square, (1,), **options)
        assert pool.apply(tasks.square, (3,)) == 9
