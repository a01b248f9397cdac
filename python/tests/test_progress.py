"""``progress`` tells how many tasks have been completed, whoever waits and whatever the chunks."""

from __future__ import annotations

import _thread
import functools
import io
import multiprocessing
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from traceback import walk_stack
from typing import Any

import pytest
from support import deaths, tasks
from support.large import soon
from support.latches import DEADLINE, Gate, Mailbox
from tqdm.auto import tqdm

import gopool
from gopool._progress import FollowedMapResult

tqdm.get_lock()  # makes a semaphore, once for a process

CLASSES = [gopool.Pool, gopool.ThreadPool]
METHODS = ("map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered")

Told = tuple[int, "int | None"]


class Log:
    """A function that is told, and what it was told."""

    def __init__(self) -> None:
        self._told: queue.Queue[Told] = queue.Queue()
        self.all: list[Told] = []
        self.threads: set[str] = set()

    def __call__(self, done: int, total: int | None) -> None:
        self.threads.add(threading.current_thread().name)
        self.all.append((done, total))
        self._told.put((done, total))

    def await_told(self, done: int, total: int | None) -> None:
        """Wait until that many have been completed."""
        while (told := self._told.get(timeout=DEADLINE)) != (done, total):
            assert told[0] < done


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """All bars of tqdm's that were made; the thread that tqdm has for itself is not started."""
    made: list[Any] = []
    init = tqdm.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        made.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(tqdm, "monitor_interval", 0)
    monkeypatch.setattr(tqdm, "__init__", noted)
    yield made
    made.clear()


def start(pool: gopool.Pool, method: str, func: Any, items: Any, **options: Any) -> Any:
    if method.startswith("starmap"):
        items = [(item,) for item in items]
    return getattr(pool, method)(func, items, 1, **options)


def finish(answer: Any) -> list[Any]:
    return sorted(answer.get() if isinstance(answer, gopool.MapResult) else answer)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cls", CLASSES)
def test_the_last_call_says_that_all_is_done(cls: type[gopool.Pool], method: str) -> None:
    """Before the results are returned; and each call says more than the one before."""
    log = Log()
    with cls(2) as pool:
        assert finish(start(pool, method, tasks.identity, range(500), progress=log)) == [
            *range(500)
        ]
        assert log.all[-1] == (500, 500)
    assert log.all == sorted(set(log.all))
    assert log.threads == {"worker"} or len(log.threads) == 1


def test_while_others_of_a_chunk_run(
    context: BaseContext, mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """What is completed is told when it is, and not when its chunk is."""
    log, gates = Log(), [make_gate(), make_gate()]
    with gopool.Pool(1, context=context) as pool:
        items = [((mailbox, gates[n // 5 - 1]) if n in (5, 10) else None, n) for n in range(15)]
        result = pool.starmap_async(tasks.arrive_if_any, items, 15, progress=log)
        log.await_told(5, 15)
        gates[0].open()
        log.await_told(10, 15)
        gates[1].open()
        log.await_told(15, 15)
        assert result.get() == list(range(15))


@pytest.mark.parametrize("cls", CLASSES)
def test_while_nobody_asks_for_results(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    """An input without a length has no total."""
    log = Log()
    with cls(1) as pool:
        results = pool.imap(tasks.identity, (n for n in range(100)), progress=log)
        log.await_told(100, None)
        assert list(results) == list(range(100))
        assert log.all[-1] == (100, None)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_do(cls: type[gopool.Pool], method: str) -> None:
    """That is told too."""
    log = Log()
    with cls(1) as pool:
        assert finish(start(pool, method, tasks.identity, [], progress=log)) == []
    assert log.all == [(0, 0)]


@pytest.mark.parametrize(
    ("method", "start_method"), [*((method, "fork") for method in METHODS), ("map", "spawn")]
)
def test_failed_and_lost_tasks_are_completed(method: str, start_method: str) -> None:
    """As are items that can't be sent, and with exceptions in the place of results."""
    log = Log()
    with gopool.Pool(2, context=multiprocessing.get_context(start_method)) as pool:
        items = [0, 1, "x", sys.stdin, 50, 2]
        answer = start(
            pool, method, deaths.die_at_many, items, progress=log, return_exceptions=True
        )
        found = answer.get() if isinstance(answer, gopool.MapResult) else list(answer)
    assert len(found) == 6
    assert sum(isinstance(value, gopool.WorkerLostError) for value in found) == 2
    assert log.all[-1] == (6, 6)


@pytest.mark.parametrize("given", [True, {"desc": "squares", "ascii": True}])
def test_a_bar(given: Any, bars: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, closed when the results are there."""
    with gopool.Pool(2) as pool:
        assert pool.map(tasks.square, range(10), progress=given) == [n * n for n in range(10)]
    (bar,) = bars
    assert (bar.n, bar.total, bar.disable) == (10, 10, True)
    text = capsys.readouterr().err
    assert "10/10" in text
    assert ("squares" in text) == (given is not True)


@pytest.mark.parametrize("method", METHODS)
def test_no_progress(method: str, bars: list[Any]) -> None:
    """False and None are what nobody has asked for."""
    with gopool.Pool(1) as pool:
        for given in (False, None):
            answer = start(pool, method, tasks.identity, range(3), progress=given)
            assert finish(answer) == [0, 1, 2]
    assert not bars


@pytest.mark.parametrize("cls", CLASSES)
def test_the_bar_is_closed_when_a_task_fails(cls: type[gopool.Pool], bars: list[Any]) -> None:
    """With all that were completed."""
    with cls(1) as pool:
        with pytest.raises(TypeError):
            items: list[Any] = [1, "x", 3]
            pool.map(tasks.square, items, progress={"file": io.StringIO()})
    assert [(bar.n, bar.disable) for bar in bars] == [(3, True)]


def test_and_when_the_function_can_not_be_sent(bars: list[Any]) -> None:
    """None was completed."""
    with gopool.Pool(1) as pool:
        with pytest.raises(TypeError):
            pool.map(
                functools.partial(max, threading.Lock()),
                [1],
                progress={"file": io.StringIO()},
            )
    assert [(bar.n, bar.disable) for bar in bars] == [(0, True)]


@pytest.mark.parametrize("method", ["map_async", "imap"])
@pytest.mark.parametrize("cls", CLASSES)
def test_and_when_the_pool_is_terminated(
    cls: type[gopool.Pool], method: str, bars: list[Any], mailbox: Mailbox, gate: Gate
) -> None:
    """Also if nobody asks for results; before `terminate` returns."""
    with cls(1) as pool:
        func = Holding(mailbox, gate)
        answer = start(pool, method, func, range(3), progress={"file": io.StringIO()})
        mailbox.receive(1)
        pool.terminate()
        assert [bar.disable for bar in bars] == [True]
        gate.open()
        with pytest.raises(gopool.PoolTerminatedError):
            finish(answer)
        pool.join()


def test_join_waits_for_the_bar_to_be_closed(bars: list[Any]) -> None:
    """The pool forgets whom it has to wait for when that is done, and not before."""
    closed: list[bool] = []

    class Feeders(set[Any]):
        def discard(self, feeder: Any) -> None:
            closed.append(bars[0].disable)
            super().discard(feeder)

    with gopool.Pool(1) as pool:
        pool._supervisor.feeders = Feeders()
        pool.map(tasks.square, range(3), progress={"file": io.StringIO()})
    assert closed == [True]


@pytest.mark.parametrize("method", ["map_async", "imap"])
def test_and_when_the_results_are_dropped(
    method: str, bars: list[Any], mailbox: Mailbox, gate: Gate
) -> None:
    """Nobody wants to know any more."""
    with gopool.Pool(1) as pool:
        func = Holding(mailbox, gate)
        answer = start(pool, method, func, range(3), progress={"file": io.StringIO()})
        mailbox.receive(1)
        del answer
        pool.close()
        gate.open()
        pool.join()
    assert [bar.disable for bar in bars] == [True]


def test_and_when_the_caller_is_interrupted(bars: list[Any], mailbox: Mailbox, gate: Gate) -> None:
    """At once; the pool goes on."""
    with gopool.Pool(1) as pool:

        def is_waiting() -> bool:
            frame = sys._current_frames()[threading.main_thread().ident or 0]
            return any(
                f.f_code is FollowedMapResult._wait_for.__code__ for f, _ in walk_stack(frame)
            )

        def interrupt() -> None:
            mailbox.receive(1)
            # Before, nobody has the result yet, and it is dropped: then it takes a moment.
            assert soon(is_waiting)
            _thread.interrupt_main()

        # In a job of a shell that runs in the background SIGINT is ignored.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                pool.map(Holding(mailbox, gate), [1, 2], progress={"file": io.StringIO()})
            thread.join()
        finally:
            signal.signal(signal.SIGINT, handler)
        assert [bar.disable for bar in bars] == [True]
        gate.open()
        assert pool.apply(tasks.square, (3,)) == 9


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("method", ["map", "map_async", "imap"])
def test_what_it_raises_is_raised(cls: type[gopool.Pool], method: str) -> None:
    """In the call or in `get` or `next`; asked again, the results are there."""

    def fail(done: int, total: int | None) -> None:
        raise LookupError(done)

    with cls(1) as pool:
        answer: list[Any] = []
        with pytest.raises(LookupError):
            answer.append(start(pool, method, tasks.identity, range(3), progress=fail))
            finish(answer[0])
        if method == "map_async":
            assert finish(answer[0]) == [0, 1, 2]
        assert pool.apply(tasks.square, (3,)) == 9


def test_what_it_raises_does_not_wait_for_the_tasks(mailbox: Mailbox, gate: Gate) -> None:
    """So a long call can be left in this way."""

    def fail(done: int, total: int | None) -> None:
        raise LookupError("enough")

    with gopool.Pool(1) as pool:
        with pytest.raises(LookupError, match="enough"):
            pool.map(Holding(mailbox, gate), [1, 2], progress=fail)
        gate.open()


def test_callbacks_come_as_ever() -> None:
    """What telling raises is not theirs."""
    values: list[list[int]] = []

    def fail(done: int, total: int | None) -> None:
        raise LookupError(done)

    with gopool.Pool(1) as pool:
        result = pool.map_async(tasks.identity, range(3), callback=values.append, progress=fail)
        with pytest.raises(LookupError):
            result.get()
    assert values == [[0, 1, 2]]


@pytest.mark.parametrize("method", METHODS)
def test_what_makes_no_sense_is_refused(method: str) -> None:
    with gopool.Pool(1) as pool:
        with pytest.raises(TypeError, match="progress must be True, a dict or a callable, not int"):
            start(pool, method, tasks.identity, range(3), progress=3)
        for single in ("apply", "apply_async"):
            with pytest.raises(TypeError, match="unexpected keyword argument 'progress'"):
                getattr(pool, single)(tasks.nothing, progress=True)


def test_without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, and nothing has been submitted; a function needs no tqdm."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with gopool.Pool(1) as pool:
        for method in METHODS:
            with pytest.raises(ImportError, match=r"pip install 'gopool\[progress\]'"):
                start(pool, method, tasks.nothing, range(3), progress=True)
        assert pool.stats().tasks_done == 0
        assert pool.map(tasks.identity, [1], progress=Log()) == [1]


class Holding:
    """Says that it is there, and waits."""

    def __init__(self, mailbox: Mailbox, gate: Gate) -> None:
        self._latches = mailbox, gate

    def __call__(self, number: int) -> int:
        return tasks.arrive(*self._latches, number)
