"""A time limit is kept: neither overlooked nor answered late."""

from __future__ import annotations

import functools
import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox

LATE = 10.0
"""Seconds after which an answer counts as late, on however busy a machine."""


@contextmanager
def held(gate: Gate) -> Iterator[None]:
    """Keep the gate closed, and fail if the block takes so long that what is behind it is late."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        gate.open()  # or who waits without a limit would do so for ever

    timer = threading.Timer(LATE, give_up)
    timer.start()
    try:
        yield
        assert not late.is_set(), "late"
    finally:
        timer.cancel()
        timer.join()


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_get_is_in_time(Pool: PoolClass, mailbox: Mailbox, gate: Gate, timeout: float) -> None:
    """TimeoutError, and the result when it is there."""
    with Pool(1) as pool:
        for result in (
            pool.apply_async(tasks.arrive, (mailbox, gate, 1)),
            pool.starmap_async(tasks.arrive, [(mailbox, gate, 2)]),
        ):
            with held(gate), pytest.raises(multiprocessing.TimeoutError):
                result.get(timeout)
        gate.open()
        assert result.get() == [2]


def test_wait_is_in_time(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """It returns without a result."""
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        with held(gate):
            result.wait(0.05)
            assert not result.ready()
        gate.open()
        assert result.get() == 1


@pytest.mark.parametrize("timeout", [0, 0.05])
@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_next_is_in_time(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, method: str, timeout: float
) -> None:
    """TimeoutError, and the same result when it is there; then the next."""
    with Pool(1) as pool:
        results = getattr(pool, method)(functools.partial(tasks.arrive, mailbox, gate), [1, 2])
        for _ in range(2):
            with held(gate), pytest.raises(multiprocessing.TimeoutError):
                results.next(timeout)
        gate.open()
        assert [results.next(60), next(results)] == [1, 2]
        with pytest.raises(StopIteration):
            results.next(timeout)
