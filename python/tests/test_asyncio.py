"""Results are awaited, and iterators walked, by tasks of `asyncio`, and no thread waits for one."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import uvloop
from support import tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox

import gopool
from gopool import _core, _owner, _supervisor

R = TypeVar("R")
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(scope="module", autouse=True)
def libuv() -> None:
    """Have what uvloop keeps for good: a pipe for signals."""
    uvloop.new_event_loop().close()


@pytest.fixture(params=[("asyncio", "fork"), ("uvloop", "spawn")], ids="-".join)
def kind(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A kind of loop, and how workers start."""
    loop, method = request.param
    return loop, method


@pytest.fixture
def run(kind: tuple[str, str]) -> Run:
    """Run a coroutine; it fails if it takes too long."""
    new_loop = {"asyncio": asyncio, "uvloop": uvloop}[kind[0]].new_event_loop

    def run(coroutine: Coroutine[Any, Any, None]) -> None:
        loop = new_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(coroutine, 3 * DEADLINE))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return run


@pytest.fixture
def pool(kind: tuple[str, str]) -> Iterator[gopool.Pool]:
    with gopool.Pool(2, context=multiprocessing.get_context(kind[1])) as pool:
        yield pool


def invert(number: float) -> float:
    return 1 / number


def exit_at(fatal: int, number: int) -> int:
    if number == fatal:
        os._exit(3)
    return number


def hold(mailbox: Mailbox, gate: Gate) -> int:
    mailbox.send(threading.get_ident())
    gate.wait()
    return 7


def test_a_result_is_awaited(run: Run, pool: gopool.Pool) -> None:
    async def main() -> None:
        result = pool.apply_async(tasks.square, (3,))
        assert await result == 9
        assert await result == 9  # again
        assert result.get() == 9
        assert await pool.map_async(tasks.square, range(5000)) == [n * n for n in range(5000)]
        assert await pool.starmap_async(tasks.add, [(1, 2)]) == [3]
        assert await pool.map_async(tasks.square, []) == []
        with pytest.raises(ZeroDivisionError) as caught:
            await pool.apply_async(invert, (0,))
        assert "in invert" in str(caught.value.__cause__)

    run(main())


def test_threads_are_awaited_too(run: Run, gate: Gate) -> None:
    async def main() -> None:
        async with gopool.ThreadPool(2) as pool:
            held = pool.apply_async(gate.wait)
            assert await pool.apply_async(tasks.square, (3,)) == 9
            assert await pool.map_async(tasks.square, [1, 2]) == [1, 4]
            assert [n async for n in pool.imap(tasks.square, iter(range(9)))] == [
                n * n for n in range(9)
            ]
            with pytest.raises(ZeroDivisionError):
                await pool.apply_async(invert, (0,))
        with pytest.raises(gopool.PoolTerminatedError):
            await held
        gate.open()
        pool.join()

    run(main())


def test_others_go_on_meanwhile(run: Run, pool: gopool.Pool, gate: Gate) -> None:
    async def main() -> None:
        result = asyncio.ensure_future(waited_for(pool.apply_async(gate.wait)))
        await asyncio.sleep(0)
        assert await pool.apply_async(tasks.square, (3,)) == 9
        assert not result.done()
        gate.open()
        await result

    run(main())


async def waited_for(result: gopool.AsyncResult[R]) -> R:
    return await result


def test_two_tasks_await_one_result(
    run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate
) -> None:
    async def main() -> None:
        result = pool.apply_async(hold, (mailbox, gate))
        both = [asyncio.ensure_future(waited_for(result)) for _ in range(3)]
        await asyncio.sleep(0)
        mailbox.receive(1)
        both[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await both[0]
        assert not result.ready()
        gate.open()
        assert await asyncio.gather(*both[1:]) == [7, 7]

    run(main())


def test_gathered_calls_are_awaited(run: Run, pool: gopool.Pool) -> None:

    async def main() -> None:
        for _ in range(5):
            results = [pool.apply_async(tasks.identity, (n,)) for n in range(300)]
            twice = [*map(waited_for, results), *map(waited_for, reversed(results))]
            found = await asyncio.gather(*twice)
            assert found == [*range(300), *reversed(range(300))]

    run(main())


def test_a_result_with_a_callback_is_ready_when_that_has_returned(
    run: Run, pool: gopool.Pool
) -> None:
    told: list[int] = []

    async def main() -> None:
        for number in range(20):
            assert await pool.apply_async(tasks.identity, (number,), callback=told.append) == number
            assert told[-1] == number

    run(main())


def test_many_tasks_and_no_more_threads(run: Run, pool: gopool.Pool) -> None:

    def sum_of(*results: gopool.AsyncResult[int]) -> Any:
        return asyncio.gather(*map(waited_for, results))

    async def main() -> None:
        await pool.apply_async(tasks.identity, (1,), callback=id)  # in the only thread there is
        before = os.listdir("/proc/self/task")
        of_python = threading.active_count()
        gate = [pool.apply_async(tasks.identity, (n,)) for n in range(10_000)]
        found = sum_of(*gate)
        most = 0
        while not found.done():
            await asyncio.sleep(0)
            most = max(most, len(os.listdir("/proc/self/task")))
        assert found.result() == list(range(10_000))
        assert threading.active_count() <= of_python
        assert most <= len(before) + 8  # Go's, as many as it likes to have for any use

    run(main())


def test_jobs_of_their_own_are_awaited(run: Run, pool: gopool.Pool) -> None:
    """As calls of a function that is pickled by value are."""
    by_value = eval("lambda number: number + 1")

    async def main() -> None:
        results = [pool.apply_async(by_value, (n,)) for n in range(1000)]
        assert await asyncio.gather(*map(waited_for, results)) == list(range(1, 1001))

    run(main())


@pytest.mark.parametrize("method", ["imap", "imap_unordered"])
def test_an_iterator_is_walked(run: Run, pool: gopool.Pool, method: str) -> None:
    async def main() -> None:
        for items in (range(5000), iter(range(300)), [], [1, 2]):
            iterator = getattr(pool, method)(tasks.square, items)
            found = [number async for number in iterator]
            if items and not isinstance(items, (range, list)):
                assert sorted(found) == [n * n for n in range(300)]
            else:
                assert sorted(found) == [n * n for n in items]
            with pytest.raises(StopAsyncIteration):
                await anext_of(iterator)

    run(main())


async def anext_of(iterator: gopool.IMapIterator[R]) -> R:
    return await iterator.__anext__()


def test_results_come_as_they_get_ready(run: Run, pool: gopool.Pool, gate: Gate) -> None:
    async def main() -> None:
        calls: list[Callable[[], object]] = [int, int, gate.wait]
        iterator: gopool.IMapIterator[object] = pool.imap(tasks.call, calls)
        assert [await anext_of(iterator), await anext_of(iterator)] == [0, 0]
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext_of(iterator), 0.05)
        gate.open()
        assert await anext_of(iterator) is None  # it was not lost

    run(main())


def test_an_exception_in_the_middle(run: Run, pool: gopool.Pool) -> None:
    async def main() -> None:
        iterator = pool.imap(invert, [1, 0, 2])
        assert await anext_of(iterator) == 1
        with pytest.raises(ZeroDivisionError):
            await anext_of(iterator)
        assert [number async for number in iterator] == [0.5]

    run(main())


def test_tasks_share_an_iterator(run: Run, pool: gopool.Pool) -> None:
    async def main() -> None:
        iterator = pool.imap(tasks.identity, iter(range(1000)))

        async def walk() -> list[int]:
            return [number async for number in iterator]

        parts = await asyncio.gather(*[walk() for _ in range(5)])
        assert sorted(number for part in parts for number in part) == list(range(1000))

    run(main())


class TestThreadsShareAnIterator:
    """One of them does something between two steps of another's."""

    def test_it_collects_outcomes_before_the_waiter_is_there(
        self,
        run: Run,
        pool: gopool.Pool,
        make_gate: Callable[[], Gate],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """And leaves some, behind which there are no more for long."""
        gate, last = make_gate(), make_gate()
        watch = gopool.IMapIterator._watch

        def watch_too_late(iterator: Any, waiter: Any) -> None:
            gate.open()
            _core.native.bridge_Wait(iterator._feed.job, 0, 2, -1)
            assert iterator.next() is None
            watch(iterator, waiter)

        async def main() -> None:
            calls: list[Callable[[], object]] = [gate.wait, int, last.wait]
            iterator: gopool.IMapIterator[object] = pool.imap(tasks.call, calls)
            assert await anext_of(iterator) == 0
            last.open()

        monkeypatch.setattr(gopool.IMapIterator, "_watch", watch_too_late)
        run(main())

    def test_it_begins_to_wait_while_another_stops(
        self, run: Run, pool: gopool.Pool, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which must not end the watch of the one that has begun."""
        iterator: gopool.IMapIterator[object] = pool.imap(tasks.call, [gate.wait])
        unexpect = _owner.Owner.unexpect
        waiters: list[asyncio.Future[None]] = []

        def unexpect_too_late(owner: _owner.Owner, job: int) -> None:
            if not waiters:
                waiters.append(asyncio.get_running_loop().create_future())
                iterator._watch(waiters[0])
            unexpect(owner, job)

        async def main() -> None:
            stopped = asyncio.ensure_future(anext_of(iterator))
            await asyncio.sleep(0)
            monkeypatch.setattr(_owner.Owner, "unexpect", unexpect_too_late)
            stopped.cancel()
            with pytest.raises(asyncio.CancelledError):
                await stopped
            gate.open()
            await waiters[0]
            assert await anext_of(iterator) is None

        run(main())


def test_a_consumer_paces_its_feeder(run: Run, pool: gopool.Pool) -> None:
    async def main() -> None:
        iterator = pool.imap(tasks.identity, iter(range(500)), buffersize=3)
        assert [number async for number in iterator] == list(range(500))

    run(main())


def test_a_lost_worker(run: Run, pool: gopool.Pool) -> None:

    async def main() -> None:
        with pytest.raises(gopool.WorkerLostError):
            await pool.apply_async(exit_at, (1, 1))
        results = [pool.apply_async(exit_at, (70, n)) for n in range(200)]
        found = await asyncio.gather(*map(waited_for, results), return_exceptions=True)
        assert isinstance(found.pop(70), gopool.WorkerLostError)
        assert found == [n for n in range(200) if n != 70]

    run(main())


def test_the_pool_is_terminated_while_tasks_wait(
    run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate
) -> None:
    async def main() -> None:
        for _ in range(30):
            await pool.apply_async(tasks.identity, (1,))
        held = [pool.apply_async(hold, (mailbox, gate)) for _ in range(2)]
        mailbox.receive(2)
        queued = [pool.apply_async(tasks.identity, (n,)) for n in range(50)]
        queued.append(pool.apply_async(tasks.identity, (1,), callback=print))
        iterator = pool.imap(tasks.identity, [1])
        waiting = [asyncio.ensure_future(waited_for(result)) for result in [*held, *queued]]
        waiting.append(asyncio.ensure_future(anext_of(iterator)))
        await asyncio.sleep(0)
        gate_opener = threading.Thread(target=pool.terminate)
        gate_opener.start()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        gate.open()
        gate_opener.join()
        assert [type(error) for error in found] == [gopool.PoolTerminatedError] * 54

    run(main())


def test_a_pool_is_left_while_the_loop_goes_on(
    run: Run, mailbox: Mailbox, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end waits for a worker, which waits for a step of another task of the loop."""
    monkeypatch.setattr(_supervisor, "GRACE", DEADLINE)

    async def main() -> None:
        steps = 0

        async def step() -> None:
            nonlocal steps
            while not result.ready():  # the pool's end begins in another thread
                await asyncio.sleep(0.005)
            steps += 1
            gate.open()

        async with gopool.Pool(1) as pool:
            result = pool.apply_async(hold_whatever_comes, (mailbox, gate))
            mailbox.receive(1)
            stepping = asyncio.ensure_future(step())
        assert steps == 1  # that worker does not mind SIGTERM
        await stepping
        with pytest.raises(gopool.PoolTerminatedError):
            await result
        with pytest.raises(ValueError, match="Pool not running"):
            async with pool:
                pass

    run(main())


def hold_whatever_comes(mailbox: Mailbox, gate: Gate) -> None:
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hold(mailbox, gate)


def test_several_loops_in_several_threads(pool: gopool.Pool) -> None:
    result = pool.map_async(tasks.identity, range(10_000))
    found: list[int] = []

    async def main() -> None:
        found.append(len(await result))
        found.append(await pool.apply_async(tasks.identity, (1,)))

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [1] * 4 + [10_000] * 4


class TestCancellation:
    """Cancelling the task of asyncio cancels what it waits for."""

    def test_of_a_result(
        self, run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate, ledger: Ledger
    ) -> None:
        async def main() -> None:
            for _ in range(20):
                await pool.apply_async(tasks.note, (ledger, 0))
            held = [pool.apply_async(hold, (mailbox, gate)) for _ in range(2)]
            mailbox.receive(2)
            one = pool.apply_async(tasks.note, (ledger, 1))
            many = pool.map_async(ledger.write, range(2, 50))
            other = pool.apply_async(tasks.note, (ledger, 100))
            results: list[gopool.AsyncResult[Any]] = [one, many, other]
            waiting = [asyncio.ensure_future(waited_for(result)) for result in results]
            await asyncio.sleep(0)
            waiting[0].cancel()
            waiting[1].cancel()
            await asyncio.wait(waiting[:2])
            assert [task.cancelled() for task in waiting[:2]] == [True, True]
            for result in results[:2]:
                with pytest.raises(gopool.CancelledError):
                    await result
            gate.open()
            await waiting[2]
            assert await asyncio.gather(*map(waited_for, held)) == [7, 7]

        run(main())
        assert ledger.numbers() == [0] * 20 + [100]

    def test_of_a_result_that_another_task_awaits(
        self, run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate
    ) -> None:
        async def main() -> None:
            held = [pool.apply_async(hold, (mailbox, gate)) for _ in range(2)]
            mailbox.receive(2)
            result = pool.apply_async(tasks.square, (3,))
            both = [asyncio.ensure_future(waited_for(result)) for _ in range(2)]
            await asyncio.sleep(0)
            both[0].cancel()
            await asyncio.wait(both[:1])
            gate.open()
            assert await both[1] == 9
            await asyncio.gather(*map(waited_for, held))

        run(main())

    def test_a_result_that_is_cancelled_by_its_name(
        self, run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate
    ) -> None:
        """Who awaits it gets what `get` raises, and is not itself cancelled."""

        async def main() -> None:
            for _ in range(20):
                await pool.apply_async(tasks.identity, (0,))
            held = [pool.apply_async(hold, (mailbox, gate)) for _ in range(2)]
            mailbox.receive(2)
            for result in (pool.apply_async(tasks.identity, (1,)), pool.map_async(int, "123")):
                waiting = asyncio.ensure_future(waited_for(result))
                await asyncio.sleep(0)
                assert result.cancel()
                with pytest.raises(gopool.CancelledError):
                    await waiting
            gate.open()
            await asyncio.gather(*map(waited_for, held))

        run(main())

    def test_of_a_task_that_walks_an_iterator(
        self, run: Run, pool: gopool.Pool, mailbox: Mailbox, gate: Gate, ledger: Ledger
    ) -> None:
        async def walk() -> None:
            async for _ in pool.imap(ledger.write, range(50)):
                pass

        async def main() -> None:
            held = [pool.apply_async(hold, (mailbox, gate)) for _ in range(2)]
            mailbox.receive(2)
            waiting = asyncio.ensure_future(walk())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            del waiting
            gate.open()
            await asyncio.gather(*map(waited_for, held))
            await pool.apply_async(int)

        run(main())
        pool.close()
        pool.join()
        assert ledger.numbers() == []


def test_a_loop_that_was_closed_is_no_matter(
    pool: gopool.Pool, mailbox: Mailbox, gate: Gate
) -> None:
    result = pool.apply_async(hold, (mailbox, gate))

    async def main() -> None:
        waiting = asyncio.ensure_future(waited_for(result))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    gate.open()


def test_no_more_is_imported_without_it() -> None:
    import subprocess
    import sys

    program = "import sys, gopool.pool; sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
