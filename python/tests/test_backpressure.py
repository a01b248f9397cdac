"""`max_pending`: who submits more than a pool gets done waits until there is room."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.programs import Program
from test_interrupt_anywhere import Interrupter

import gopool

CLASSES = pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])

HELD = 0.2
"""Seconds for which a call that must not return is watched."""


class Submitter:
    """A thread that submits, one call after the other, and counts those that were accepted."""

    def __init__(self, submit: Callable[[int], Any], count: int) -> None:
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, args=(submit, count))
        self._thread.start()

    def _run(self, submit: Callable[[int], Any], count: int) -> None:
        try:
            for number in range(count):
                result = submit(number)
                with self._changed:
                    self.results.append(result)
                    self._changed.notify_all()
        except Exception as error:
            self.error = error

    def wait(self, accepted: int) -> None:
        """Block until so many were accepted; no more may be."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.results) >= accepted, DEADLINE)
            assert not self._changed.wait_for(lambda: len(self.results) > accepted, HELD)

    def join(self) -> None:
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


class Watch:
    """Counts tasks that were begun and have not ended, from within: threads only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.drawn = 0
        self.done = 0
        self.most = 0

    def draw(self, count: int) -> Iterator[int]:
        for number in range(count):
            with self._lock:
                self.drawn += 1
                self.most = max(self.most, self.drawn - self.done)
            yield number

    def run(self, number: int) -> int:
        with self._lock:
            self.done += 1
        return number


@CLASSES
def test_a_submission_waits_for_a_completion(
    cls: type[gopool.Pool], mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """Three are let in; each that completes lets in one more."""
    gates = [make_gate() for _ in range(6)]
    with cls(1, max_pending=3) as pool:
        submitter = Submitter(
            lambda n: pool.apply_async(tasks.arrive, (mailbox, gates[n], n)), len(gates)
        )
        for number, gate in enumerate(gates):
            mailbox.receive(1)
            submitter.wait(min(len(gates), number + 3))
            gate.open()
        submitter.join()
        assert [result.get() for result in submitter.results] == list(range(6))


def test_with_each_start_method(context: BaseContext, ledger: Ledger) -> None:
    with gopool.Pool(2, context=context, max_pending=2) as pool:
        results = [pool.apply_async(tasks.note, (ledger, n)) for n in range(20)]
        assert [result.get() for result in results] == list(range(20))
    assert ledger.numbers() == list(range(20))


@CLASSES
def test_a_map_is_fed_as_there_is_room(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    """`map_async` returns when the last of its items is in."""
    with cls(1, max_pending=4) as pool:
        at_three = functools.partial(tasks.arrive_at, 3, mailbox, gate)
        submitter = Submitter(lambda _: pool.map_async(at_three, range(9), 2), 1)
        mailbox.receive(1)
        submitter.wait(0)
        gate.open()
        submitter.join()
        assert submitter.results[0].get() == list(range(9))


@CLASSES
@pytest.mark.parametrize("bound", [1, 100])
def test_all_methods_get_through(cls: type[gopool.Pool], bound: int) -> None:
    squares = [n * n for n in range(1000)]
    with cls(2, max_pending=bound) as pool:
        assert pool.apply(tasks.square, (3,)) == 9
        for chunk in (None, 1, 64):
            assert pool.map(tasks.square, range(1000), chunk) == squares
            assert pool.starmap(tasks.square, [(n,) for n in range(1000)], chunk) == squares
        for chunk in (1, 64):
            assert list(pool.imap(tasks.square, iter(range(1000)), chunk)) == squares
            assert sorted(pool.imap_unordered(tasks.square, range(1000), chunk)) == squares
        assert pool.map(tasks.length, [bytes(1 << 17)] * 9) == [1 << 17] * 9


def test_imap_does_not_block_and_draws_no_further() -> None:
    """Its feeder waits in the place of the caller, with one item in its hand."""
    watch = Watch()
    with gopool.ThreadPool(2, max_pending=5) as pool:
        assert list(pool.imap(watch.run, watch.draw(300))) == list(range(300))
    assert watch.most <= 5 + 1


def test_imap_of_a_short_list_does_not_block(mailbox: Mailbox, gate: Gate) -> None:
    with gopool.Pool(1, max_pending=1) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        results = pool.imap(tasks.square, [1, 2, 3])
        gate.open()
        assert list(results) == [1, 4, 9]
        assert held.get() == 1


def test_many_threads_submit(ledger: Ledger) -> None:
    """No more than the bound were let in at any time, whoever came."""
    gate = threading.Event()
    running = threading.Semaphore(0)

    def hold(number: int) -> int:
        running.release()
        gate.wait()
        return number

    with gopool.ThreadPool(8, max_pending=4) as pool:
        submitters = [Submitter(lambda n: pool.apply_async(hold, (n,)), 50) for _ in range(8)]
        for _ in range(4):
            assert running.acquire(timeout=DEADLINE)
        assert not running.acquire(timeout=HELD)
        assert sum(len(submitter.results) for submitter in submitters) <= 4
        gate.set()
        for submitter in submitters:
            submitter.join()
            assert [result.get() for result in submitter.results] == list(range(50))


@CLASSES
def test_the_end_of_the_pool_lets_go_of_who_waits(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    """What was about to be submitted has the outcome of all that is outstanding."""
    with cls(1, max_pending=1) as pool:
        submitter = Submitter(lambda n: pool.apply_async(tasks.arrive, (mailbox, gate, n)), 9)
        mailbox.receive(1)
        submitter.wait(1)
        deadline = time.monotonic() + DEADLINE
        while pool.stats().tasks_queued < 1:  # it may not have come to the second one
            assert time.monotonic() < deadline
        pool.terminate()
        submitter.join()
        assert isinstance(submitter.error, ValueError)
        assert len(submitter.results) == 2
        for result in submitter.results:
            with pytest.raises(gopool.PoolTerminatedError):
                result.get()
        gate.open()


def test_a_pool_that_breaks_does_so_too() -> None:
    def fail() -> None:
        raise OSError("no licence")

    with gopool.Pool(1, fail, max_pending=1) as pool:
        with pytest.raises(gopool.BrokenPoolError, match="no licence"):
            for result in [pool.apply_async(tasks.square, (n,)) for n in range(9)]:
                result.get()


@CLASSES
def test_a_callback_may_submit(cls: type[gopool.Pool]) -> None:
    """It waits like everybody: tasks complete without the thread for callbacks."""
    results: list[Any] = []
    told = threading.Event()

    def submit_more(_: object) -> None:
        results.extend(pool.apply_async(tasks.square, (n,)) for n in range(20))
        told.set()

    with cls(1, max_pending=2) as pool:
        pool.apply_async(tasks.square, (1,), callback=submit_more)
        assert told.wait(DEADLINE)
        assert [result.get() for result in results] == [n * n for n in range(20)]


def test_a_task_may_submit_to_its_own_pool() -> None:
    """It does not wait: it might do so for itself."""
    results: list[Any] = []

    def submit(number: int) -> int:
        results.append(pool.apply_async(tasks.square, (number,)))
        results.append(pool.map_async(tasks.square, [number] * 3))
        return number

    with gopool.ThreadPool(2, max_pending=2) as pool:
        assert pool.map(submit, range(10), 1) == list(range(10))
        squares = [result.get() for result in results]
    assert sorted(n for n in squares if isinstance(n, int)) == [n * n for n in range(10)]
    assert len(squares) == 20


def test_lost_tasks_make_room(ledger: Ledger) -> None:
    with gopool.Pool(1, max_pending=1) as pool:
        results = [pool.apply_async(tasks.step, (n, "die")) for n in range(4)]
        for result in results:
            with pytest.raises(gopool.WorkerLostError):
                result.get()


def test_a_closed_pool_feeds_what_is_left() -> None:
    with gopool.Pool(2, max_pending=3) as pool:
        results = pool.imap(tasks.square, iter(range(500)))
        pool.close()
        pool.join()
        assert list(results) == [n * n for n in range(500)]


SOURCE = """
import os, signal, sys, threading, time
import gopool
from gopool._submission import await_room
from support import tasks
from support.latches import Gate, Mailbox

signal.signal(signal.SIGINT, signal.default_int_handler)

def is_waiting():
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None and frame.f_code is not await_room.__code__:
        frame = frame.f_back
    return frame is not None

def press():
    while not is_waiting():
        time.sleep(0.01)
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

if __name__ == "__main__":
    mailbox, gate, pressed = Mailbox({mailbox!r}), Gate({gate!r}), []
    with gopool.{cls}(1, max_pending=2) as pool:
        held = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
        answered = 1
        while answered > 0.2 and len(pressed) < 20:  # once, if nothing else keeps the machine busy
            threading.Thread(target=press).start()
            try:
                {call}
            except KeyboardInterrupt:
                answered = time.monotonic() - pressed[-1]
        gate.open()
        assert held.get() == 1
        assert pool.map(tasks.square, range(9)) == [n * n for n in range(9)]
        pool.close()
        pool.join()
    print(answered < 0.2 or answered)
"""


@pytest.mark.parametrize("cls", ["Pool", "ThreadPool"])
@pytest.mark.parametrize(
    "call",
    [
        "results = [pool.apply_async(tasks.square, (n,)) for n in range(9)]",
        "pool.map(tasks.square, range(9))",
    ],
    ids=["apply_async", "map"],
)
def test_an_interrupt_is_answered(
    start_program: Callable[..., Program], mailbox: Mailbox, gate: Gate, cls: str, call: str
) -> None:
    """Within 0.2 s, and the pool goes on."""
    program = start_program(SOURCE.format(cls=cls, call=call, mailbox=mailbox.path, gate=gate.path))
    outcome = program.outcome()
    assert outcome.stderr == ""
    assert (outcome.status, outcome.stdout) == (0, "True\n")


def test_an_interrupt_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step was the last one, no room is lost."""
    with gopool.Pool(1, max_pending=1) as pool:
        interrupter = Interrupter(monkeypatch)
        for step in range(1, 1000):
            if not interrupter.interrupts(step, lambda: pool.map(tasks.square, range(3), 1)):
                break
            assert pool.map(tasks.square, range(3), 1) == [0, 1, 4]
        assert step > 5
        monkeypatch.undo()


@CLASSES
def test_nonsense_is_refused(cls: type[gopool.Pool]) -> None:
    nonsense: list[Any] = [0, -1, 1.5, "3", 1 << 70]
    for bound in nonsense:
        with pytest.raises(ValueError, match=r"^max_pending must be a positive int or None$"):
            cls(1, max_pending=bound)


def test_it_is_a_keyword_only() -> None:
    with pytest.raises(TypeError):
        gopool.Pool(1, None, (), None, None, 3)  # type: ignore[call-arg]
    with gopool.Pool(1, max_pending=None) as pool:
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]
