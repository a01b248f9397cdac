"""``callback`` and ``error_callback``."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE, Gate, Mailbox


def test_the_callback_gets_the_result_once(Pool: PoolClass) -> None:
    """It has been called by the time ``get`` returns, and the other one never."""
    results: list[object] = []
    errors: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(
            tasks.square, (3,), callback=results.append, error_callback=errors.append
        )
        assert result.get() == 9
        assert results == [9]
        assert result.get() == 9
    assert results == [9]
    assert errors == []


def test_the_error_callback_gets_the_exception_once(Pool: PoolClass) -> None:
    """It gets the very object that ``get`` raises."""
    results: list[object] = []
    errors: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(
            tasks.fail,
            (ValueError("told"),),
            callback=results.append,
            error_callback=errors.append,
        )
        with pytest.raises(ValueError, match="told") as raised:
            result.get()
        assert errors == [raised.value]
    assert errors == [raised.value]
    assert results == []


@pytest.mark.parametrize("chunksize", [None, 1, 4])
def test_the_callback_of_a_map_gets_the_whole_list(Pool: PoolClass, chunksize: int | None) -> None:
    """One call for all, in order."""
    results: list[object] = []
    errors: list[BaseException] = []
    with Pool(2) as pool:
        pool.map_async(
            tasks.square, range(9), chunksize, callback=results.append, error_callback=errors.append
        ).get()
        pool.starmap_async(
            tasks.add,
            [(1, 2)] * 3,
            chunksize,
            callback=results.append,
            error_callback=errors.append,
        ).get()
    assert results == [[n * n for n in range(9)], [3, 3, 3]]
    assert errors == []


def test_the_error_callback_of_a_map_gets_one_exception(Pool: PoolClass) -> None:
    """Even when every task fails."""
    results: list[object] = []
    errors: list[BaseException] = []
    with Pool(2) as pool:
        result = pool.map_async(
            tasks.fail,
            [ValueError(n) for n in range(9)],
            1,
            callback=results.append,
            error_callback=errors.append,
        )
        with pytest.raises(ValueError) as raised:
            result.get()
    assert errors == [raised.value]
    assert results == []


def test_only_one_of_the_two_callbacks_may_be_given(Pool: PoolClass) -> None:
    """Each works without the other, whatever the outcome."""
    called: list[Any] = []
    with Pool(1) as pool:
        pool.apply_async(tasks.square, (2,), error_callback=called.append).get()
        with pytest.raises(ValueError):
            pool.apply_async(tasks.fail, (ValueError(),), callback=called.append).get()
        pool.apply_async(tasks.square, (2,), callback=called.append).get()
        with pytest.raises(ValueError):
            pool.apply_async(tasks.fail, (ValueError(),), error_callback=called.append).get()
    assert len(called) == 2


def test_callbacks_run_although_nobody_waits(Pool: PoolClass) -> None:
    """A callback does not need anyone to call ``get``, and runs in the caller's process."""
    done = threading.Event()
    pids: list[int] = []

    def callback(_: object) -> None:
        pids.append(os.getpid())
        done.set()

    with Pool(1) as pool:
        pool.apply_async(tasks.square, (2,), callback=callback)
        assert done.wait(DEADLINE)
    assert pids == [os.getpid()]


def test_close_and_join_wait_for_callbacks(Pool: PoolClass) -> None:
    """After ``join`` every callback has been called."""
    results: list[int] = []
    with Pool(2) as pool:
        for number in range(100):
            pool.apply_async(tasks.identity, (number,), callback=results.append)
        pool.close()
        pool.join()
        assert sorted(results) == list(range(100))


def test_a_callback_may_submit_more_work(Pool: PoolClass) -> None:
    """A chain of calls, each started by the callback of the one before."""
    chain: list[int] = []
    done = threading.Event()
    with Pool(1) as pool:

        def go_on(number: int) -> None:
            chain.append(number)
            if number == 20:
                done.set()
            else:
                pool.apply_async(tasks.add, (number, 1), callback=go_on)

        pool.apply_async(tasks.add, (0, 0), callback=go_on)
        assert done.wait(DEADLINE)
    assert chain == list(range(21))


def test_an_exception_that_cannot_be_sent_reaches_the_error_callback(Pool: PoolClass) -> None:
    """An argument that cannot be pickled is reported like a task that failed."""
    errors: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(tasks.identity, (threading.Lock(),), error_callback=errors.append)
        with pytest.raises(TypeError) as raised:
            result.get()
    assert errors == [raised.value]


@pytest.mark.gopool_only("multiprocessing's result thread dies of it, and later results never come")
def test_a_callback_that_raises_is_reported_and_harms_nothing(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All results still arrive; the exception goes to ``threading.excepthook``."""
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def explode(_: object) -> None:
        raise RuntimeError("from the callback")

    with Pool(1) as pool:
        assert pool.apply_async(tasks.square, (2,), callback=explode).get() == 4
        with pytest.raises(ValueError):
            pool.apply_async(tasks.fail, (ValueError(),), error_callback=explode).get()
        assert pool.map_async(tasks.square, range(5), callback=explode).get() == [0, 1, 4, 9, 16]
        called: list[int] = []
        assert pool.apply_async(tasks.square, (3,), callback=called.append).get() == 9
        assert called == [9]
        pool.close()
        pool.join()
    assert [str(error) for error in reported] == ["from the callback"] * 3


@pytest.mark.gopool_only("multiprocessing deadlocks: the result thread would wait for itself")
def test_a_slow_callback_does_not_hold_up_other_results(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """Results without a callback do not queue behind one."""
    with Pool(1) as pool:
        entered = threading.Event()

        def slow(_: object) -> None:
            entered.set()
            gate.wait()

        first = pool.apply_async(tasks.square, (2,), callback=slow)
        assert entered.wait(DEADLINE)
        assert pool.apply(tasks.square, (3,)) == 9
        gate.open()
        assert first.get() == 4
