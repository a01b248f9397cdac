"""Short calls that are gathered: what is different under the surface, and what may not be."""

from __future__ import annotations

import asyncio
import errno
import io
import multiprocessing
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE, Gate
from support.programs import Program

import gopool
from gopool import _core, _exchange, _gathered, _gathering
from gopool._gathered import GatheredResult, Group

pytestmark = pytest.mark.gopool_only("multiprocessing gathers nothing")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have calls count as short, however long they seem to take on a machine that is busy."""
    submit = _core.native.bridge_Submit
    monkeypatch.setattr(_core.native, "bridge_Submit", lambda *call: submit(*call) or _core.BRIEF)
    monkeypatch.setattr(_gathering, "_LAST", None)  # or a tray ends when calls take longer


def gather(pool: Any, function: Callable[..., Any] = tasks.step) -> None:
    """Call until calls are gathered."""
    deadline = time.monotonic() + DEADLINE
    while type(pool.apply_async(function, (1,))) is not GatheredResult:
        assert time.monotonic() < deadline


def test_short_calls_are_gathered_and_others_are_not(Pool: PoolClass) -> None:
    """Those that count, that have callbacks, or whose function is not known by name, never."""
    calls: list[Callable[[Any], Any]] = [
        lambda pool: pool.apply_async(tasks.step, (1,), callback=id),
        lambda pool: pool.apply_async(tasks.step, (1,), error_callback=id),
        lambda pool: pool.apply_async("".join, ([],)),
        lambda pool: pool.apply_async(tasks.step, (1, "x" * 300)),
        lambda pool: pool.apply_async(tasks.zeros, (1 << 20,)),
    ]
    with Pool(2) as pool:
        gather(pool)
        for call in calls:
            for _ in range(40):
                result = call(pool)
                assert type(result) is not GatheredResult
                result.get()
    with Pool(1, maxtasksperchild=30) as pool:
        for _ in range(100):
            assert type(pool.apply_async(tasks.step, (1,))) is not GatheredResult


def test_a_result_does_not_wait_for_others(Pool: PoolClass, gate: Gate, short: None) -> None:
    """Those behind it and before it are there while a call of the same job is held."""
    with Pool(2) as pool:
        gather(pool)
        before = [pool.apply_async(tasks.step, (n,)) for n in range(100)]
        held = pool.apply_async(tasks.step, (100, "wait", gate.path))
        behind = [pool.apply_async(tasks.step, (n,)) for n in range(100)]
        assert {type(r) for r in [*before, held, *behind]} == {GatheredResult}
        assert [r.get(DEADLINE) for r in before + behind] == [*range(100)] * 2
        assert not held.ready()
        held.wait(0.01)
        with pytest.raises(ValueError, match="not ready"):
            held.successful()
        with pytest.raises(multiprocessing.TimeoutError):
            held.get(0.01)
        gate.open()
        assert held.get() == 100
        assert held.successful()


async def outcome_of(result: Any) -> Any:
    """Await a result, which fails if it takes too long."""
    return await asyncio.wait_for(result, DEADLINE)


def test_another_thread_takes_an_outcome_in_before_its_waiter_is_there(
    Pool: PoolClass, gate: Gate, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which has found the result not ready by then: nothing that comes later would wake it."""
    watch = Group.watch

    def watch_too_late(group: Group, waiter: Any, result: GatheredResult[Any]) -> None:
        gate.open()
        result.wait(DEADLINE)
        watch(group, waiter, result)

    with Pool(2) as pool:
        gather(pool)
        result = pool.apply_async(tasks.step, (1, "wait", gate.path))
        assert type(result) is GatheredResult
        monkeypatch.setattr(Group, "watch", watch_too_late)
        assert asyncio.run(outcome_of(result)) == 1


def test_another_thread_takes_an_outcome_in_while_others_are_told_of(
    Pool: PoolClass,
    make_gate: Callable[[], Gate],
    short: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the look at who is to be woken, and watching for those who are not."""
    first, second = make_gate(), make_gate()
    wake = Group._wake

    def wake_and_be_slow(group: Group, waiters: Any) -> None:
        wake(group, waiters)
        second.open()
        awaited.wait(DEADLINE)

    async def main(result: Any) -> None:
        waiting = asyncio.ensure_future(outcome_of(result))
        while not result._group.awaited:
            await asyncio.sleep(0)
        first.open()  # not sooner: to look whether a result is ready takes in the others
        assert await waiting == 2

    with Pool(2) as pool:
        gather(pool)
        other = pool.apply_async(tasks.step, (1, "wait", first.path))
        awaited = pool.apply_async(tasks.step, (2, "wait", second.path))
        assert isinstance(other, GatheredResult)
        assert isinstance(awaited, GatheredResult)
        assert other._group is awaited._group
        monkeypatch.setattr(Group, "_wake", wake_and_be_slow)
        asyncio.run(main(awaited))


def test_who_awaits_an_outcome_hears_that_it_can_not_be_taken_in(
    Pool: PoolClass, gate: Gate, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For want of a descriptor for a large one, for instance; it can be asked for again."""

    def receive(job: int, taken: int) -> tuple[int, bytes]:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main(result: Any) -> None:
        waiting = [asyncio.ensure_future(outcome_of(result)) for _ in range(2)]
        while len(result._group.awaited) < 2:
            await asyncio.sleep(0)
        with monkeypatch.context() as patch:
            patch.setattr(_gathered, "receive", receive)
            gate.open()
            done, _ = await asyncio.wait(waiting, timeout=DEADLINE / 2)
        assert [type(task.exception()) for task in done] == [OSError] * 2
        assert await outcome_of(result) == 1

    with Pool(2) as pool:
        gather(pool)
        result = pool.apply_async(tasks.step, (1, "wait", gate.path))
        assert type(result) is GatheredResult
        asyncio.run(main(result))


def test_a_lost_worker_loses_one_call(Pool: PoolClass, short: None) -> None:
    """Its error is that of the one call, and all others are run once."""
    with Pool(2) as pool:
        gather(pool)
        results = [pool.apply_async(tasks.step, (n, "die" if n == 300 else "")) for n in range(600)]
        assert type(results[300]) is GatheredResult
        for number, result in enumerate(results):
            if number == 300:
                reason = re.escape("SIGKILL while it ran step (task 0)")
                with pytest.raises(gopool.WorkerLostError, match=reason) as caught:
                    result.get()
                assert caught.value.index == 0
            else:
                assert result.get() == number


def test_dump_shows_the_one_call(Pool: PoolClass, gate: Gate, short: None) -> None:
    """And not which it is of those that were gathered with it."""
    with Pool(1) as pool:
        gather(pool)
        calls = [(n, "wait" if n == 50 else "", gate.path) for n in range(51)]
        results = [pool.apply_async(tasks.step, call) for call in calls]
        assert type(results[50]) is GatheredResult
        results[49].wait()
        deadline = time.monotonic() + DEADLINE
        while "is idle" in (text := pool.dump(io.StringIO())):  # type: ignore[attr-defined]
            assert time.monotonic() < deadline
        assert "runs step (task 0)" in text
        gate.open()
        assert results[50].get() == 50


def test_terminate_ends_gathered_calls(Pool: PoolClass, gate: Gate) -> None:
    """What is outstanding raises, and what is done does not."""
    with Pool(1) as pool:
        gather(pool)
        done = pool.apply_async(tasks.step, (1,))
        done.wait()
        results = [pool.apply_async(tasks.step, (n, "wait", gate.path)) for n in range(10)]
    assert done.get() == 1
    for result in results:
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()
        assert result.ready()
        assert not result.successful()


def test_a_pool_that_is_dropped_ends(Pool: PoolClass) -> None:
    """Although calls were gathered a moment ago."""
    pools: list[Any] = [Pool(1)]
    gather(pools[0])
    with pytest.warns(ResourceWarning, match="unclosed"):
        pools.clear()


def test_dropped_results_leave_nothing(Pool: PoolClass, short: None) -> None:
    """The jobs of what was gathered go with the last result, and trays with the pool."""

    def handles() -> int:
        return _core.native.bridge_Handles() - len(_exchange._free)

    outside = handles()
    with Pool(2) as pool:
        pool.apply(tasks.nothing)
        inside = handles()
        gather(pool)
        results = [pool.apply_async(tasks.step, (n,)) for n in range(5000)]
        assert handles() <= inside + 30, "a job for each call"
        assert results[4000].get() == 4000
        del results
        pool.apply(tasks.nothing)
        assert handles() == inside
        gather(pool)
    assert handles() == outside


def test_a_reducer_may_use_the_pool(Pool: PoolClass) -> None:
    """Code of the user's runs between any two steps: here, while a call is added or decoded."""
    inner: list[Any] = []

    class Reduced:
        def __reduce__(self) -> Any:
            inner.append(pool.apply_async(tasks.step, (7,)))
            return int, (3,)

    with Pool(2) as pool:
        gather(pool)
        results = [pool.apply_async(tasks.step, (Reduced(),)) for _ in range(2000)]
        assert [r.get() for r in results] == [3] * 2000
        assert {r.get() for r in inner} == {7}


def test_a_forked_child_leaves_the_calls_of_its_parent_alone(
    start_program: Callable[..., Program],
) -> None:
    """It shares the memory that they are gathered in."""
    outcome = start_program("""
        import os, warnings
        import gopool
        from gopool._gathered import GatheredResult, Group
        from support import tasks

        warnings.simplefilter("ignore", DeprecationWarning)

        with gopool.Pool(2) as pool:
            while type(pool.apply_async(tasks.step, (1,))) is not GatheredResult:
                pass
            before = pool.apply_async(tasks.step, (2,))
            child = os.fork()
            if not child:
                for call in (lambda: pool.apply_async(tasks.step, (3,)), before.get):
                    try:
                        call()
                    except RuntimeError:
                        continue
                    os._exit(1)
                del before
                raise SystemExit(0)
            results = [pool.apply_async(tasks.step, (n,)) for n in range(3000)]
            assert os.waitpid(child, 0)[1] == 0
            assert before.get() == 2
            assert [r.get() for r in results] == list(range(3000))
        """).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0
