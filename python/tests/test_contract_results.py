"""``AsyncResult``: waiting, asking once and asking again."""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox


def test_a_result_becomes_ready(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """``ready`` tells the truth before and after."""
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        assert not result.ready()
        mailbox.receive(1)
        assert not result.ready()
        gate.open()
        result.wait()
        assert result.ready()
        assert result.successful()
        assert result.get() == 1


@pytest.mark.parametrize("timeout", [0, 0.05, -1])
def test_get_with_a_timeout_gives_up_and_can_be_called_again(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, timeout: float
) -> None:
    """A timeout concerns one call of ``get``; the task goes on."""
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        for _ in range(3):
            with pytest.raises(multiprocessing.TimeoutError):
                result.get(timeout)
        with pytest.raises(multiprocessing.TimeoutError):
            result.get(timeout=timeout)
        gate.open()
        assert result.get(timeout=60) == 1


def test_wait_with_a_timeout_returns_none_either_way(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """``wait`` never raises and never tells."""
    with Pool(1) as pool:
        result: Any = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        assert result.wait(0) is None
        assert result.wait(timeout=0.05) is None
        assert not result.ready()
        gate.open()
        assert result.wait(60) is None
        assert result.wait() is None
        assert result.ready()


def test_wait_does_not_raise_the_exception_of_the_task(Pool: PoolClass) -> None:
    """Only ``get`` raises it."""
    with Pool(1) as pool:
        result = pool.apply_async(tasks.fail, (ValueError("kept"),))
        result.wait()
        assert result.ready()
        assert not result.successful()
        with pytest.raises(ValueError, match="kept"):
            result.get()


def test_the_second_get_returns_the_same_object(Pool: PoolClass) -> None:
    """A result is decoded once."""
    with Pool(1) as pool:
        results: list[Any] = [
            pool.apply_async(tasks.identity, ([1, 2],)),
            pool.map_async(tasks.identity, [[1], [2]]),
        ]
        for result in results:
            assert result.get() is result.get()


def test_the_second_get_raises_the_same_exception(Pool: PoolClass) -> None:
    """An exception is decoded once, too."""
    with Pool(1) as pool:
        for result in (
            pool.apply_async(tasks.fail, (ValueError("one"),)),
            pool.map_async(tasks.fail, [ValueError("one")]),
        ):
            with pytest.raises(ValueError) as first:
                result.get()
            with pytest.raises(ValueError) as second:
                result.get()
            assert first.value is second.value


def test_successful_cannot_be_asked_too_early(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """There is no answer before the result is there."""
    with Pool(1) as pool:
        for result in (
            pool.apply_async(tasks.arrive, (mailbox, gate, 1)),
            pool.starmap_async(tasks.arrive, [(mailbox, gate, 1)]),
        ):
            with pytest.raises(ValueError, match="not ready"):
                result.successful()
        gate.open()


def test_successful_tells_how_a_map_went(Pool: PoolClass) -> None:
    """One failure among many is a failure."""
    with Pool(1) as pool:
        good = pool.map_async(tasks.square, range(10))
        bad = pool.map_async(tasks.fail_at_three, range(10))
        good.wait()
        bad.wait()
        assert good.successful()
        assert not bad.successful()


def test_the_result_of_an_empty_map_is_ready_at_once(Pool: PoolClass) -> None:
    """Nothing needs no worker."""
    with Pool(1) as pool:
        nothing: list[Any] = []
        for result in (
            pool.map_async(tasks.identity, nothing),
            pool.starmap_async(tasks.add, nothing),
        ):
            assert result.ready()
            assert result.successful()
            assert result.get(0) == []


def test_several_threads_get_the_same_result(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Every waiting thread is woken and sees the same object."""
    seen: list[Any] = []
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, ["shared"]))
        threads = [threading.Thread(target=lambda: seen.append(result.get())) for _ in range(5)]
        for thread in threads:
            thread.start()
        mailbox.receive(1)
        gate.open()
        for thread in threads:
            thread.join()
    assert len(seen) == 5
    assert all(value is seen[0] for value in seen)


def test_several_threads_get_the_same_exception(Pool: PoolClass) -> None:
    """An exception may be raised in many threads at once."""
    seen: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(tasks.fail, (ValueError("shared"),))

        def get() -> None:
            try:
                result.get()
            except ValueError as error:
                seen.append(error)

        threads = [threading.Thread(target=get) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 5
    assert all(error is seen[0] for error in seen)


def test_a_finished_result_outlives_its_pool(Pool: PoolClass) -> None:
    """What was ready before ``terminate`` can be fetched after it, for the first time."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.identity, (list(range(n)),)) for n in range(20)]
        mapped = pool.map_async(tasks.square, range(20))
        failed = pool.apply_async(tasks.fail, (ValueError("late"),))
        for result in results:
            result.wait()
        mapped.wait()
        failed.wait()
    assert [result.get() for result in results] == [list(range(n)) for n in range(20)]
    assert mapped.get() == [n * n for n in range(20)]
    with pytest.raises(ValueError, match="late"):
        failed.get()


def test_a_result_that_nobody_asks_for_is_no_harm(Pool: PoolClass) -> None:
    """The task is run all the same."""
    with Pool(1) as pool:
        for _ in range(100):
            pool.apply_async(tasks.identity, (bytes(10_000),))
        assert pool.apply(tasks.square, (3,)) == 9
