"""A latch, and what waits for one: interrupted between any two steps, it does its work."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE, Gate, Mailbox

from gopool import TimeoutError, _latch
from gopool._latch import Latch


def interrupted(step: int, call: Callable[[], object]) -> bool:
    """Call with a KeyboardInterrupt at the given step of Python's; tell whether there was one."""
    left = step

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_name in ("__del__", "_remove"):  # of a WeakSet: Python swallows it there
            return None
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return trace

    tracer = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    except TimeoutError:
        return False
    finally:
        sys.settrace(tracer)
    return False


def test_it_is_opened_for_all() -> None:
    """Those that wait for ever, those that wait a while, and those that come late."""
    latch = Latch()
    passed: list[bool] = []
    threads = [
        threading.Thread(target=lambda t=timeout: passed.append(latch.wait(t)))
        for timeout in (None, None, DEADLINE, DEADLINE)
    ]
    for thread in threads:
        thread.start()
    assert not latch.wait(0)
    assert not latch.wait(0.01)
    latch.open()
    latch.open()
    for thread in threads:
        thread.join()
    assert passed == [True] * 4
    assert latch.wait(0)
    assert latch.wait(None)


def test_each_step_of_a_wait_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed or just opened, who comes later is let through."""
    monkeypatch.setattr(_latch, "SLICE", 0.001)
    latch = Latch()
    step = 1
    while interrupted(step, lambda: latch.wait(0.005)):
        step += 1
    assert step > 5
    latch.open()
    for step in range(1, 9):
        latch.is_open = False  # so that it is waited for once more
        interrupted(step, lambda: latch.wait(0.005))
    latch.open()
    assert latch.wait(DEADLINE)


@pytest.mark.gopool_only("multiprocessing waits for conditions of threading, and may hang")
def test_each_step_of_a_wait_for_a_callback_is_interrupted(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The callback is called all the same, and the result is there behind it."""
    monkeypatch.setattr(_latch, "SLICE", 0.001)
    called: list[int] = []
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 1), callback=called.append)
        mailbox.receive(1)
        step = 1
        while interrupted(step, lambda: result.get(0.005)):
            step += 1
        assert step > 5
        gate.open()
        assert result.get(DEADLINE) == 1
        assert called == [1]


@pytest.mark.gopool_only("multiprocessing waits for conditions of threading, and may hang")
def test_each_step_of_join_is_interrupted(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be repeated, and returns when the work is done."""
    monkeypatch.setattr(_latch, "SLICE", 0.001)
    pool = Pool(1)
    held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
    mailbox.receive(1)
    pool.close()
    for step in range(1, 60):
        assert interrupted(step, pool.join)
    gate.open()
    pool.join()
    assert held.ready()


@pytest.mark.gopool_only("multiprocessing waits for conditions of threading, and may hang")
def test_each_step_of_terminate_is_interrupted(Pool: PoolClass) -> None:
    """It may be repeated, and the workers are gone then."""
    step = 1
    while True:
        pool = Pool(1)
        was_interrupted = interrupted(step, pool.terminate)
        pool.terminate()
        pool.join()
        if not was_interrupted:
            break
        step += 1
    assert step > 10
