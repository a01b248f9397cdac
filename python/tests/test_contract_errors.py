"""Exceptions of the user's function, and what a failing task means for the others."""

from __future__ import annotations

import functools
import subprocess
import sys
import traceback
from multiprocessing.pool import Pool as AnyPool
from typing import Any

import pytest
from support import PoolClass, RemoteTraceback, hostile, tasks
from support.latches import Gate, Ledger, Mailbox

FUNCTION = tasks.a_function_with_a_name_of_its_own


def run_each_way(pool: AnyPool, function: Any, argument: Any) -> list[BaseException]:
    """Return the exceptions of one failing call, made in every way there is."""
    ways: list[Any] = [
        lambda: pool.apply(function, (argument,)),
        lambda: pool.apply_async(function, (argument,)).get(),
        lambda: pool.map(function, [argument]),
        lambda: pool.map_async(function, [argument] * 3, 2).get(),
        lambda: pool.starmap(function, [(argument,)]),
        lambda: pool.starmap_async(function, [(argument,)] * 3, 1).get(),
    ]
    errors: list[BaseException] = []
    for way in ways:
        with pytest.raises(Exception) as raised:
            way()
        errors.append(raised.value)
    return errors


def test_the_exception_comes_back_as_itself(Pool: PoolClass) -> None:
    """Type and arguments are those of the worker, however the function was called."""
    with Pool(2) as pool:
        for error in run_each_way(pool, FUNCTION, ["first"]):
            assert type(error) is tasks.TwoArguments
            assert error.args == (["first"], "second")


def test_the_cause_is_the_remote_traceback(Pool: PoolClass) -> None:
    """Its text names the function that failed in the worker, and so does the printed traceback."""
    with Pool(2) as pool:
        for error in run_each_way(pool, FUNCTION, 1):
            assert type(error.__cause__) is RemoteTraceback
            text = str(error.__cause__)
            assert "Traceback (most recent call last)" in text
            assert "in a_function_with_a_name_of_its_own" in text
            assert "TwoArguments: (1, 'second')" in text
            assert text in "".join(traceback.format_exception(error))


def test_the_remote_traceback_shows_the_cause_in_the_worker(Pool: PoolClass) -> None:
    """``raise … from …`` is not lost."""
    with Pool(1) as pool, pytest.raises(ValueError, match=r"^outer$") as raised:
        pool.apply(tasks.fail_with_a_cause)
    assert "KeyError: 'inner'" in str(raised.value.__cause__)
    assert "direct cause" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("key"),
        OSError(2, "No such file", "name"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        subprocess.CalledProcessError(3, ["false"]),
        StopIteration(4),
        Exception(),
        EOFError("not the end"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_of_many_kinds_come_back(Pool: PoolClass, error: Exception) -> None:
    """Also those that a pool might mistake for its own."""
    with Pool(1) as pool:
        with pytest.raises(type(error)) as raised:
            pool.apply(tasks.fail, (error,))
        assert type(raised.value) is type(error)
        assert str(raised.value) == str(error)
        assert pool.apply(tasks.square, (3,)) == 9


def test_attributes_of_an_exception_come_back(Pool: PoolClass) -> None:
    """What was set on the exception in the worker is there in the caller."""
    error = ValueError("with a note")
    error.extra = {"a": 1}  # type: ignore[attr-defined]
    with Pool(1) as pool, pytest.raises(ValueError) as raised:
        pool.apply(tasks.fail, (error,))
    assert vars(raised.value)["extra"] == {"a": 1}


def test_a_map_raises_the_first_error(Pool: PoolClass) -> None:
    """With one worker the first in order is the first in time."""
    with Pool(1) as pool:
        with pytest.raises(ValueError) as raised:
            pool.map(tasks.fail, [ValueError(n) for n in range(10)], 1)
        assert raised.value.args == (0,)


@pytest.mark.parametrize("chunksize", [None, 1, 3, 100])
def test_the_pool_is_usable_after_an_error(Pool: PoolClass, chunksize: int | None) -> None:
    """A failing map does not disturb the next one, nor one beside it."""
    with Pool(2) as pool:
        beside = pool.map_async(tasks.square, range(50), chunksize)
        with pytest.raises(ValueError, match="value 3"):
            pool.map(tasks.fail_at_three, range(10), chunksize)
        assert pool.map(tasks.square, range(5), chunksize) == [0, 1, 4, 9, 16]
        assert beside.get() == [n * n for n in range(50)]


def test_the_other_tasks_of_a_failing_map_are_run(Pool: PoolClass, ledger: Ledger) -> None:
    """An error does not cancel what stands beside it, if it is not in the same chunk."""
    with Pool(2) as pool:
        with pytest.raises(ValueError, match="entry 20"):
            pool.map(functools.partial(tasks.note_and_fail_at, ledger, 20), range(100), 1)
    assert ledger.numbers() == list(range(100))


def test_a_failing_map_is_ready_when_its_last_task_is(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """The first error does not make the result ready while other tasks still run."""
    with Pool(1) as pool:
        result = pool.map_async(functools.partial(tasks.fail_or_arrive, mailbox, gate), [0, 1], 1)
        mailbox.receive(1)
        assert not result.ready()
        gate.open()
        with pytest.raises(ValueError, match="entry 0"):
            result.get()


def test_a_thousand_errors(Pool: PoolClass) -> None:
    """Each call has its own exception."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.fail, (ValueError(n),)) for n in range(1000)]
        for number, result in enumerate(results):
            with pytest.raises(ValueError) as raised:
                result.get()
            assert raised.value.args == (number,)


def test_the_same_worker_goes_on_after_an_error(Pool: PoolClass) -> None:
    """An exception is no reason to replace a worker."""
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        for _ in range(10):
            with pytest.raises(KeyError):
                pool.apply(tasks.fail, (KeyError(),))
        assert pool.apply(tasks.pid) == pid


WAYS: list[Any] = [
    lambda pool, *call: pool.apply(*call),
    lambda pool, *call: pool.apply_async(*call).get(),
    lambda pool, function, arguments: pool.map(function, arguments),
    lambda pool, function, arguments: next(pool.imap(function, arguments)),
    lambda pool, function, arguments: next(pool.imap_unordered(function, iter(arguments))),
]


@pytest.mark.gopool_only("multiprocessing: the worker dies, and the caller hangs")
@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt("raised"), GeneratorExit("raised"), hostile.Interruption("raised")],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_exception_comes_back_too(Pool: PoolClass, error: BaseException) -> None:
    """As itself, whatever called the function; and the worker goes on."""
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        for way in WAYS:
            with pytest.raises(type(error), match="raised"):
                way(pool, tasks.fail, (error,))
        assert pool.apply(tasks.pid) == pid


@pytest.mark.gopool_only("multiprocessing: the worker dies, and the caller hangs")
@pytest.mark.parametrize(
    ("code", "status"), [(None, 0), (0, 0), (3, 3), (256, 0), (True, 1), ("a text", 1)]
)
def test_sys_exit_ends_the_worker(
    Pool: PoolClass, capfd: pytest.CaptureFixture[str], code: object, status: int
) -> None:
    """It is a WorkerLostError with the code, and never a SystemExit of the caller."""
    import gopool

    with Pool(1) as pool:
        for way in WAYS:
            with pytest.raises(gopool.WorkerLostError) as raised:
                way(pool, sys.exit, (code,))
            assert raised.value.exitcode == status
        errors: list[BaseException] = []
        with pytest.raises(gopool.WorkerLostError):
            pool.apply_async(sys.exit, (code,), error_callback=errors.append).get()
        assert [type(error) for error in errors] == [gopool.WorkerLostError]
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]
    assert "Traceback" not in capfd.readouterr().err
