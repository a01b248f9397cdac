"""`PoolExecutor` is a `concurrent.futures.Executor`, as `ProcessPoolExecutor`, which stays up.

What both do is tried on both.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

import pytest
from support import tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.programs import Program

import gopool
from gopool import PoolExecutor

Make = Callable[..., Any]

# Python 3.12 warns about the forks of concurrent.futures once Go's threads exist.
FORK_WARNING = "ignore:This process .* is multi-threaded:DeprecationWarning"
pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)


@pytest.fixture(params=["gopool", "concurrent.futures"])
def make(request: pytest.FixtureRequest) -> Make:
    """Make executors of either implementation."""
    return PoolExecutor if request.param == "gopool" else ProcessPoolExecutor


def context(method: str) -> Any:
    return multiprocessing.get_context(method)


@pytest.fixture(params=["fork", "spawn"])
def executor(request: pytest.FixtureRequest) -> Iterator[PoolExecutor]:
    with PoolExecutor(2, context(request.param)) as executor:
        yield executor


def invert(number: float) -> float:
    return 1 / number


def exit_at(number: int, fatal: int) -> int:
    if number == fatal:
        os._exit(3)
    return number


def hold(mailbox: Mailbox, gate: Gate) -> None:
    mailbox.send(os.getpid())
    gate.wait()


# What both do.


def test_submit(make: Make) -> None:
    with make(1) as executor:
        assert isinstance(executor, concurrent.futures.Executor)
        future = executor.submit(tasks.describe, 1, self=2, fn=3)
        assert isinstance(future, Future)
        assert future.result() == ((1,), {"self": 2, "fn": 3})
        assert (future.done(), future.running(), future.cancelled()) == (True, False, False)
        assert not future.cancel()


def test_an_exception_has_the_traceback_of_the_worker(make: Make) -> None:
    with make(1) as executor:
        error = executor.submit(invert, 0).exception()
    assert isinstance(error, ZeroDivisionError)
    assert "in invert" in str(error.__cause__)


def test_what_cannot_be_pickled_fails_in_the_future(make: Make) -> None:
    with make(1) as executor:
        with pytest.raises(TypeError):
            executor.submit(tasks.identity, threading.Lock()).result()
        assert executor.submit(tasks.identity, 1).result() == 1


def test_many_are_done_in_any_case(make: Make) -> None:
    told: list[int] = []
    with make(2) as executor:
        futures = [executor.submit(tasks.identity, n) for n in range(3000)]
        for future in futures:
            future.add_done_callback(lambda done: told.append(done.result()))
    assert [future.result(0) for future in futures] == list(range(3000))
    assert sorted(told) == list(range(3000))


def test_waiting_for_the_first_ones(make: Make, gate: Gate) -> None:
    with make(2) as executor:
        held, quick = executor.submit(gate.wait), executor.submit(tasks.identity, 1)
        done, pending = concurrent.futures.wait(
            [held, quick], return_when=concurrent.futures.FIRST_COMPLETED
        )
        assert (done, pending) == ({quick}, {held})
        gate.open()
        assert set(concurrent.futures.as_completed([held, quick])) == {held, quick}


def test_a_queued_call_is_cancelled(
    make: Make, mailbox: Mailbox, make_gate: Callable[[], Gate], ledger: Ledger
) -> None:
    gate = make_gate()
    with make(1) as executor:
        held = executor.submit(hold, mailbox, gate)
        mailbox.receive(1)
        assert held.running()
        assert not held.cancel()
        # One that a worker has beside it is as good as running.
        queued = [executor.submit(ledger.write, n) for n in range(8)]
        last = queued[-1]
        assert not last.running()
        assert last.cancel()
        assert last.cancel()
        assert last.cancelled()
        gate.open()
        assert last in concurrent.futures.wait(queued, timeout=DEADLINE).done
        with pytest.raises(concurrent.futures.CancelledError):
            last.result()
    assert ledger.read() == [str(n) for n in range(7)]


def test_no_call_after_shutdown(make: Make) -> None:
    executor = make(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(tasks.identity, 1)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.map(tasks.identity, [1])


def test_arguments_that_make_no_sense(make: Make) -> None:
    for number in (0, -1):
        with pytest.raises(ValueError, match="max_workers must be greater than 0"):
            make(number)
    with pytest.raises(TypeError, match="initializer must be a callable"):
        make(1, initializer=3)
    with make(1) as executor:
        with pytest.raises(ValueError, match="chunksize must be >= 1"):
            executor.map(tasks.identity, [1], chunksize=0)


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
def test_map(make: Make, chunksize: int) -> None:
    with make(2) as executor:
        results = executor.map(tasks.add, range(50), itertools.count(1), chunksize=chunksize)
        assert list(results) == [2 * n + 1 for n in range(50)]
        assert list(executor.map(tasks.square, iter([1, 2]), chunksize=chunksize)) == [1, 4]
        assert list(executor.map(tasks.identity, [(1, 2), (3,)])) == [(1, 2), (3,)]
        assert list(executor.map(tasks.describe)) == []
        assert list(executor.map(tasks.identity, [])) == []


def test_a_map_ends_with_its_first_exception(make: Make) -> None:
    with make(1) as executor:
        results = executor.map(invert, [1, 0, 2])
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
        with pytest.raises(StopIteration):
            next(results)


def test_map_consumes_its_input_at_once(make: Make) -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    with make(1) as executor:
        with pytest.raises(LookupError, match="no more"):
            executor.map(tasks.identity, numbers())


def test_the_time_limit_of_a_map(make: Make, gate: Gate) -> None:
    with make(1) as executor:
        results = executor.map(tasks.call, [int, gate.wait], timeout=0.3)
        with pytest.raises(concurrent.futures.TimeoutError):
            list(results)
        gate.open()


def test_what_was_submitted_is_done_when_the_executor_is_dropped(make: Make, gate: Gate) -> None:
    executor = make(2)
    futures = [executor.submit(gate.wait), executor.submit(tasks.identity, 1)]
    results = executor.map(tasks.identity, range(1000))
    del executor
    gc.collect()
    gate.open()
    assert [future.result(DEADLINE) for future in futures] == [None, 1]
    assert list(results) == list(range(1000))


def test_a_call_from_a_callback(make: Make) -> None:
    second: list[Future[int]] = []
    ready = threading.Event()
    with make(1) as executor:

        def again(first: Future[int]) -> None:
            second.append(executor.submit(tasks.square, first.result()))
            ready.set()

        executor.submit(tasks.square, 3).add_done_callback(again)
        assert ready.wait(DEADLINE)
        assert second[0].result(DEADLINE) == 81


def test_the_initializer(make: Make) -> None:
    with make(1, initializer=tasks.keep, initargs=(7,)) as executor:
        assert executor.submit(tasks.kept).result() == (7,)


# What is gopool's.


class TestBuffersize:
    """As in Python 3.14."""

    def test_input_without_an_end(self, executor: PoolExecutor) -> None:
        results = executor.map(tasks.square, itertools.count(), buffersize=3)
        assert [next(results) for _ in range(100)] == [n * n for n in range(100)]

    @pytest.mark.parametrize("chunksize", [1, 3])
    def test_no_more_is_drawn_than_it_says(self, executor: PoolExecutor, chunksize: int) -> None:
        numbers = itertools.count()
        results = executor.map(tasks.square, numbers, chunksize=chunksize, buffersize=4)
        executor.submit(int).result()
        assert next(numbers) == 4 * chunksize
        assert next(results) == 0

    def test_all_of_it(self, executor: PoolExecutor) -> None:
        for chunksize, buffersize in itertools.product([1, 2, 7], [1, 3, 100]):
            results = executor.map(
                tasks.add, range(20), range(20), chunksize=chunksize, buffersize=buffersize
            )
            assert list(results) == [2 * n for n in range(20)]

    def test_what_makes_no_sense(self, executor: PoolExecutor) -> None:
        with pytest.raises(TypeError, match="buffersize must be an integer or None"):
            executor.map(tasks.square, [1], buffersize=1.5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="buffersize must be None or > 0"):
            executor.map(tasks.square, [1], buffersize=0)


def test_shutdown_with_cancel_futures(executor: PoolExecutor, mailbox: Mailbox, gate: Gate) -> None:
    held = [executor.submit(hold, mailbox, gate) for _ in range(2)]
    mailbox.receive(2)
    queued = [executor.submit(tasks.identity, n) for n in range(20)]
    executor.shutdown(wait=False, cancel_futures=True)
    gate.open()
    assert [future.result(DEADLINE) for future in held] == [None, None]
    done = concurrent.futures.wait(queued, timeout=DEADLINE).done
    assert len(done) == 20
    assert sum(future.cancelled() for future in queued) >= 16


def test_a_lost_worker_takes_one_call_with_it(executor: PoolExecutor) -> None:
    for fatal in range(3):
        futures = [executor.submit(exit_at, n, fatal) for n in range(200)]
        errors = [future.exception() for future in futures]
        lost = errors[fatal]
        assert isinstance(lost, gopool.WorkerLostError)
        assert isinstance(lost, BrokenProcessPool)
        assert lost.exitcode == 3
        assert errors.count(None) == 199
        assert [f.result() for f in futures if f is not futures[fatal]] == [
            n for n in range(200) if n != fatal
        ]


def test_so_it_does_of_a_map(executor: PoolExecutor) -> None:
    results = executor.map(exit_at, range(10), [2] * 10)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(BrokenProcessPool, match="exited with code 3"):
        next(results)
    assert list(executor.map(tasks.square, range(10))) == [n * n for n in range(10)]


def test_gathered_calls_are_cancelled_one_by_one(
    executor: PoolExecutor, mailbox: Mailbox, gate: Gate
) -> None:
    for future in [executor.submit(tasks.identity, n) for n in range(100)]:
        future.result()  # now it is known how short they are
    held = [executor.submit(hold, mailbox, gate) for _ in range(2)]
    mailbox.receive(2)
    futures = [executor.submit(tasks.identity, n) for n in range(1500)]
    gone = {n for n in range(1, 1500, 2) if futures[n].cancel()}
    assert len(gone) > 500
    gate.open()
    for n, future in enumerate(futures):
        assert future.cancelled() == (n in gone)
        if n not in gone:
            assert future.result(DEADLINE) == n
    assert [future.result(DEADLINE) for future in held] == [None, None]


def test_threads_submit_and_cancel_while_workers_die(executor: PoolExecutor) -> None:
    """Each future ends, with its own result, as lost, or as cancelled."""
    list(executor.map(tasks.identity, range(100)))
    wrong: list[object] = []

    def caller(first: int) -> None:
        futures = {n: executor.submit(tasks.identity, n) for n in range(first, first + 2000)}
        fatal = executor.submit(exit_at, 1, 1)
        for n in range(first, first + 2000, 3):
            futures[n].cancel()
        for n, future in futures.items():
            if future.cancelled() or isinstance(future.exception(), BrokenProcessPool):
                continue
            if future.result() != n:
                wrong.append((n, future.result()))
        if not isinstance(fatal.exception(), gopool.WorkerLostError):
            wrong.append(fatal)

    threads = [threading.Thread(target=caller, args=(n * 10_000,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("ending", ["close", "a failure", "shutdown"])
def test_what_is_left_of_a_map_is_cancelled(
    executor: PoolExecutor, mailbox: Mailbox, gate: Gate, ledger: Ledger, ending: str
) -> None:
    held = executor.submit(hold, mailbox, gate)
    mailbox.receive(1)
    first = fail if ending == "a failure" else int
    writing = [partial(ledger.write, 1)] * 50
    results = executor.map(tasks.call, [first, partial(hold, mailbox, gate), *writing])
    if ending == "a failure":
        with pytest.raises(LookupError):
            next(results)
    else:
        assert next(results) == 0
        mailbox.receive(1)
    if ending == "close":
        results.close()  # type: ignore[attr-defined]
    executor.shutdown(wait=False, cancel_futures=ending == "shutdown")
    gate.open()
    executor.shutdown()
    assert held.result() is None
    assert ledger.read() == []
    if ending == "shutdown":
        with pytest.raises(concurrent.futures.CancelledError):
            list(results)


def square_in_time(executor: PoolExecutor, number: int) -> int:
    """Call again if a machine that is busy has held the call up for as long as it may take."""
    while True:
        with contextlib.suppress(gopool.TaskTimeoutError):
            return executor.submit(tasks.square, number).result()


def test_the_options_of_a_pool() -> None:
    with PoolExecutor(1, task_timeout=0.1) as executor:
        with pytest.raises(gopool.TaskTimeoutError):
            executor.submit(signal.pause).result()
        assert square_in_time(executor, 3) == 9
        with pytest.raises(gopool.TaskTimeoutError):
            list(executor.map(tasks.call, [int, signal.pause]))
    with pytest.raises(TypeError):
        PoolExecutor(1, no_such_option=1).submit(int)


@pytest.mark.parametrize("end", ["terminate_workers", "kill_workers"])
def test_the_end_of_the_workers(
    executor: PoolExecutor, mailbox: Mailbox, gate: Gate, end: str
) -> None:
    held = [executor.submit(hold, mailbox, gate) for _ in range(2)]
    mailbox.receive(2)
    queued = [executor.submit(tasks.identity, n) for n in range(100)]
    getattr(executor, end)()
    for future in held:
        error = future.exception(DEADLINE)
        assert isinstance(error, gopool.PoolTerminatedError)
        assert isinstance(error, BrokenProcessPool)
    assert all(future.done() for future in queued)
    assert queued[-1].cancelled()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(tasks.identity, 1)


def ignore_sigterm(mailbox: Mailbox, gate: Gate) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold(mailbox, gate)


def test_workers_that_do_not_listen_are_killed(
    executor: PoolExecutor, mailbox: Mailbox, gate: Gate
) -> None:
    held = executor.submit(ignore_sigterm, mailbox, gate)
    mailbox.receive(1)
    executor.kill_workers()
    assert isinstance(held.exception(), gopool.PoolTerminatedError)


def fail() -> None:
    raise LookupError("no such thing")


def test_workers_that_cannot_start_break_it() -> None:
    with PoolExecutor(1, initializer=fail) as executor:
        # By the call itself, if the worker has failed by then.
        with pytest.raises(BrokenProcessPool, match="no such thing") as broken:
            executor.submit(tasks.identity, 1).result()
        assert isinstance(broken.value, gopool.BrokenPoolError)
        with pytest.raises(BrokenProcessPool, match="no such thing"):
            executor.submit(tasks.identity, 1)
        with pytest.raises(BrokenProcessPool, match="no such thing"):
            executor.map(tasks.identity, [1])


def test_workers_are_replaced_after_so_many_calls() -> None:
    with PoolExecutor(1, max_tasks_per_child=2) as executor:
        pids = [executor.submit(tasks.pid).result() for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    with pytest.raises(ValueError, match="max_tasks_per_child must be >= 1"):
        PoolExecutor(max_tasks_per_child=0)
    with pytest.raises(TypeError, match="max_tasks_per_child must be an integer"):
        PoolExecutor(max_tasks_per_child=1.5)  # type: ignore[arg-type]


def test_it_starts_with_the_first_call() -> None:
    before = multiprocessing.active_children()
    with PoolExecutor(1):
        assert multiprocessing.active_children() == before


def test_nothing_is_kept_of_a_call(executor: PoolExecutor) -> None:
    """Nor of a function that is pickled by value."""
    gone = threading.Event()
    counter = tasks.Counter()
    watcher = weakref.ref(counter, lambda _: gone.set())
    executor.submit(counter.method)
    del counter
    assert gone.wait(DEADLINE), watcher


def test_a_callback_that_raises_stops_nobody(
    executor: PoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def leave(_: object) -> None:
        raise SystemExit

    futures = [executor.submit(tasks.identity, n) for n in range(100)]
    for future in futures:
        with contextlib.suppress(SystemExit):  # if it was done, the callback is called here
            future.add_done_callback(leave)
    assert [future.result(DEADLINE) for future in futures] == list(range(100))
    executor.shutdown()  # the last ones are called, and reported, behind the result
    assert {report.exc_type for report in reported} <= {SystemExit}


AT_EXIT = """
import multiprocessing
from support import tasks
from support.latches import Ledger
import gopool

if __name__ == "__main__":
    executor = gopool.PoolExecutor(2, multiprocessing.get_context({method!r}))
    ledger = Ledger({path!r})
    for number in range(200):
        executor.submit(ledger.write, number)
    results = executor.map(ledger.write, range(200, 300))
    {end}
"""


@pytest.mark.parametrize("end", ["pass", "del executor", "executor.shutdown(wait=False)"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_was_submitted_is_done_when_the_program_ends(
    start_program: Callable[..., Program], ledger: Ledger, method: str, end: str
) -> None:
    outcome = start_program(AT_EXIT.format(method=method, path=ledger.path, end=end)).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
    assert ledger.numbers() == list(range(300))
