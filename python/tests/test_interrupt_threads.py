"""Ctrl-C at any moment of a call, where the workers are threads."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import tasks
from support.latches import DEADLINE
from test_interrupt_anywhere import IMAPS, SUBMISSIONS, Interrupter

import gopool
from gopool import _core, _owner, _threads
from gopool._latch import Latch

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing's threads do not survive it"),
]


@pytest.fixture
def pool(AnyThreadPool: Callable[..., Any]) -> Iterator[Any]:
    """A pool that, interrupted as it may be, ends politely and leaves nothing."""
    before = _core.native.bridge_Handles()
    with AnyThreadPool(2) as pool:
        yield pool
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
        pool.close()
        pool.join()
    gc.collect()
    assert _core.native.bridge_Handles() == before


@pytest.fixture
def interrupter(pool: Any, monkeypatch: pytest.MonkeyPatch) -> Interrupter:
    """What interrupts calls from now on; it is gone before the pool is."""
    return Interrupter(monkeypatch)


@pytest.mark.parametrize("kind", SUBMISSIONS)
def test_a_get_can_be_repeated(pool: Any, interrupter: Interrupter, kind: str) -> None:
    submit, expected = SUBMISSIONS[kind]
    for step in range(1, 1000):
        if not interrupter.interrupts(step, lambda: submit(pool).get()):
            break
        result = submit(pool)
        interrupter.interrupts(step, result.get)
        assert result.get() == expected


@pytest.mark.parametrize("kind", IMAPS)
def test_an_iteration_can_be_resumed(pool: Any, interrupter: Interrupter, kind: str) -> None:
    start = IMAPS[kind]
    expected = list(start(pool))
    for step in range(1, 1000):
        if not interrupter.interrupts(step, lambda: list(start(pool))):
            break
        results = start(pool)
        found: list[int] = []
        interrupter.interrupts(step, lambda r=results, f=found: f.extend(r))  # type: ignore[misc]
        found.extend(results)
        assert found == expected


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, LookupError])
def test_what_a_handler_raises_in_the_start_of_a_thread(
    monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]
) -> None:
    """It comes out, and not what Python then says of a lock of its own."""
    start = threading.Thread.start

    def start_and_raise(thread: threading.Thread) -> None:
        start(thread)
        try:
            raise raised
        finally:
            threading.Lock().release()  # as in Condition.wait, if it came in the wrong moment

    monkeypatch.setattr(threading.Thread, "start", start_and_raise)
    run = Latch()
    with pytest.raises(raised):
        _owner.Thread(None, run.open)
    assert run.wait(DEADLINE)


def test_a_thread_that_does_not_start_while_an_exception_is_handled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says so, and the other one stays what it was."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    try:
        raise KeyError
    except KeyError:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            _owner.Thread(None, lambda: None)


def test_the_start_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes when there is a pool, which ends its threads."""
    count_out = _threads.Crew._count_out

    def count_out_and_interrupt(crew: _threads.Crew, count: int) -> None:
        """Be interrupted when all threads are started, and nobody has the crew."""
        count_out(crew, count)
        if count == 0:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_threads.Crew, "_count_out", count_out_and_interrupt)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.warns(ResourceWarning, match="unclosed"), pytest.raises(KeyboardInterrupt):
            gopool.ThreadPool(2)
    finally:
        signal.signal(signal.SIGINT, handler)
