"""Cancelling: what has not begun never runs; what runs is ended if that was asked for."""

from __future__ import annotations

import functools
import gc
import itertools
import threading
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import limits, tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.processes import still_running, workers_at_work

import gopool
from gopool import _core
from gopool._gathered import GatheredResult

MAPS = ("map_async", "starmap_async")
IMAPS = ("imap", "imap_unordered")

BOTH = pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])
"""The ways in which jobs are fed differ."""


def submit(pool: gopool.Pool, method: str, func: Any, items: Any) -> Any:
    arguments: Any = [(item,) for item in items] if method.startswith("starmap") else items
    return getattr(pool, method)(func, arguments)


def occupy(pool: gopool.Pool, mailbox: Mailbox, gate: Gate, count: int) -> list[Any]:
    """Have each of `count` workers hold a task."""
    held = [pool.apply_async(tasks.arrive, (mailbox, gate, n)) for n in range(count)]
    mailbox.receive(count)
    return held


@pytest.fixture
def all_are_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have calls gathered that were kept from their core for a while, and so took long."""
    submit, ring = _core.native.bridge_Submit, _core.native.bridge_Ring

    def submit_a_brief_one(*arguments: int) -> int:
        status = submit(*arguments)
        return status if status < 0 else _core.BRIEF

    def ring_for_a_brief_one(job: int, index: int) -> int:
        return min(ring(job, index), 1)

    monkeypatch.setattr(_core.native, "bridge_Submit", submit_a_brief_one)
    monkeypatch.setattr(_core.native, "bridge_Ring", ring_for_a_brief_one)


def test_a_call_that_is_queued_never_runs(
    context: BaseContext, ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    with gopool.Pool(1, context=context) as pool:
        held = occupy(pool, mailbox, gate, 1)
        results = [pool.apply_async(tasks.note, (ledger, n)) for n in range(6)]
        for result in results[::2]:
            assert result.cancel()
            assert result.ready()
            assert not result.successful()
            assert not result.cancel()
            with pytest.raises(gopool.CancelledError):
                result.get()
        gate.open()
        assert [r.get() for r in (*held, *results[1::2])] == [0, 1, 3, 5]
        pool.close()
        pool.join()
    assert ledger.numbers() == [1, 3, 5]


@BOTH
def test_what_is_done_is_not_cancelled(cls: type[gopool.Pool]) -> None:
    with cls(1) as pool:
        calls: list[Any] = [pool.apply_async(tasks.square, (3,)), pool.map_async(tasks.square, [3])]
        calls += [pool.map_async(tasks.square, []), pool.apply_async(divmod, (1, 0))]
        for call in calls:
            call.wait()
            assert not call.cancel()
            assert not call.cancel(running=cls is gopool.Pool)
        assert calls[0].get() == 9
        assert calls[1].get() == [9]
        with pytest.raises(ZeroDivisionError):
            calls[3].get()
        for call in calls:
            assert not call.cancel()


@BOTH
@pytest.mark.parametrize("method", MAPS)
def test_of_a_map_only_what_has_begun_is_run(
    cls: type[gopool.Pool], method: str, ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """It goes on, in vain, and the pool is ready for something else."""
    with cls(2) as pool:
        function = functools.partial(limits.note_and_arrive_from, 0, ledger, mailbox, gate)
        result = submit(pool, method, function, range(100))
        mailbox.receive(2)
        assert result.cancel()
        with pytest.raises(gopool.CancelledError):
            result.get()
        behind = pool.apply_async(tasks.square, (3,))
        gate.open()
        assert behind.get() == 9
        pool.close()
        pool.join()
    assert len(ledger.numbers()) == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_was_sent_ahead_never_runs_either(
    method: str, ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """Of a function that is known to be short, workers have many tasks before they begin them."""
    with gopool.get_context(method).Pool(2) as pool:
        pool.starmap(limits.note_unless_held, [(ledger, None, n) for n in range(1000)])
        latches = mailbox, gate
        items = [(ledger, latches if n % 50 == 9 else None, n) for n in range(1000)]
        result = pool.starmap_async(limits.note_unless_held, items)
        mailbox.receive(2)
        begun = ledger.read()
        assert result.cancel()
        behind = [pool.apply_async(tasks.square, (n,)) for n in range(100)]
        gate.open()
        assert [call.get() for call in behind] == [n * n for n in range(100)]
        pool.close()
        pool.join()
    assert ledger.read() == begun


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_what_runs_is_ended_if_that_is_asked_for(
    method: str, mailbox: Mailbox, gate: Gate, make_gate: Any
) -> None:
    """With its worker, which is replaced; others go on."""
    with gopool.get_context(method).Pool(3) as pool:
        other = pool.apply_async(tasks.arrive, (mailbox, gate, 7))
        (innocent,) = mailbox.receive_pids(1)
        result = pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(100)])
        victims = mailbox.receive_pids(2)
        assert result.cancel(running=True)
        with pytest.raises(gopool.CancelledError):
            result.get()
        assert still_running(victims) == []
        door = make_gate()
        more = pool.starmap_async(tasks.arrive, [(mailbox, door, n) for n in range(2)], 1)
        assert not {innocent, *victims} & set(mailbox.receive_pids(2))
        for latch in (gate, door):
            latch.open()
        assert other.get() == 7
        assert more.get() == [0, 1]


def test_a_single_call_that_runs_is_ended_too(mailbox: Mailbox, gate: Gate) -> None:
    with gopool.Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 7))
        pids = mailbox.receive_pids(1)
        assert result.cancel(running=True)
        with pytest.raises(gopool.CancelledError):
            result.get()
        assert still_running(pids) == []
        assert len(workers_at_work(pool, mailbox, gate, 1)) == 1


def test_no_innocent_task_is_lost_when_others_are_ended(
    ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """Of another call, and sent ahead to the same workers."""
    with gopool.Pool(2) as pool:
        pool.starmap(limits.note_unless_held, [(ledger, None, n) for n in range(1000)])
        before = len(ledger.read())
        note = functools.partial(tasks.note, ledger)
        pool.map(note, range(1000, 2000))
        for _ in range(5):
            victims = [
                pool.apply_async(limits.note_unless_held, (ledger, (mailbox, gate), 0))
                for _ in range(2)
            ]
            innocents = pool.map_async(note, range(1000, 2000))
            mailbox.receive(2)
            for victim in victims:
                assert victim.cancel(running=True)
            assert innocents.get() == list(range(1000, 2000))
    numbers = sorted(int(line) for line in ledger.read()[before:])
    assert numbers == sorted([0] * 10 + [*range(1000, 2000)] * 6)


def test_a_thread_cannot_be_ended(mailbox: Mailbox, gate: Gate) -> None:
    with gopool.ThreadPool(1) as pool:
        results: list[Any] = [pool.apply_async(tasks.arrive, (mailbox, gate, 7))]
        results.append(pool.imap(tasks.square, [3]))
        mailbox.receive(1)
        for result in results:
            with pytest.raises(ValueError, match="a thread can't be ended"):
                result.cancel(running=True)
        gate.open()
        assert results[0].get() == 7
        assert list(results[1]) == [9]


@BOTH
def test_the_error_callback_hears_of_it(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate
) -> None:
    told: list[Any] = []
    errors: list[BaseException] = []
    with cls(1) as pool:
        occupy(pool, mailbox, gate, 1)
        result = pool.map_async(
            tasks.square, [1, 2], callback=told.append, error_callback=errors.append
        )
        assert result.cancel()
        with pytest.raises(gopool.CancelledError) as info:
            result.get()
        gate.open()
    assert errors == [info.value]
    assert not told


def test_a_thread_that_waits_for_it_hears_of_it(mailbox: Mailbox, gate: Gate) -> None:
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            result.get()
        except BaseException as error:
            raised.append(error)

    with gopool.Pool(1) as pool:
        occupy(pool, mailbox, gate, 1)
        result = pool.map_async(tasks.square, [1])
        thread = threading.Thread(target=ask)
        thread.start()
        assert result.cancel()
        thread.join(DEADLINE)
        gate.open()
    assert [type(error) for error in raised] == [gopool.CancelledError]


@pytest.mark.usefixtures("all_are_brief")
def test_calls_that_were_gathered_are_cancelled_one_by_one(
    ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """The others of their job run, once each."""
    with gopool.Pool(1) as pool:
        while type(pool.apply_async(limits.note_from_zero, (ledger, -1))) is not GatheredResult:
            pass
        occupy(pool, mailbox, gate, 1)
        results = [pool.apply_async(limits.note_from_zero, (ledger, n)) for n in range(100)]
        assert GatheredResult in {type(result) for result in results}
        for result in results[::3]:
            assert result.cancel()
            assert not result.cancel()
            assert result.ready()
            assert not result.successful()
            with pytest.raises(gopool.CancelledError):
                result.get()
        gate.open()
        kept = [n for n in range(100) if n % 3]
        assert [results[n].get() for n in kept] == kept
        assert not results[1].cancel()
        pool.close()
        pool.join()
    assert ledger.numbers() == kept


@pytest.mark.usefixtures("all_are_brief")
def test_one_that_was_gathered_and_runs_is_ended(
    ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """Whatever is behind it in its job, and in its worker, runs elsewhere."""
    with gopool.Pool(1) as pool:
        while type(pool.apply_async(tasks.step, (0,))) is not GatheredResult:
            pass
        before = [pool.apply_async(tasks.step, (n,)) for n in range(50)]
        held = pool.apply_async(tasks.step, (0, "wait", gate.path))
        behind = [pool.apply_async(tasks.step, (n,)) for n in range(50)]
        assert {type(result) for result in (*before, held, *behind)} == {GatheredResult}
        assert [result.get() for result in before] == list(range(50))
        assert held.cancel(running=True)
        with pytest.raises(gopool.CancelledError):
            held.get()
        assert [result.get() for result in behind] == list(range(50))


def test_close_and_join_end_with_what_runs(ledger: Ledger, mailbox: Mailbox, gate: Gate) -> None:
    pool = gopool.Pool(2)
    function = functools.partial(limits.note_and_arrive_from, 0, ledger, mailbox, gate)
    results: list[Any] = [pool.map_async(function, range(100)), pool.imap(function, range(100))]
    mailbox.receive(2)
    pool.close()
    for result in results:
        assert result.cancel()
    gate.open()
    pool.join()
    assert len(ledger.numbers()) == 2


def test_a_large_map_is_fed_no_further(mailbox: Mailbox, gate: Gate) -> None:
    """Its feeder ends."""
    with gopool.Pool(1) as pool:
        held = occupy(pool, mailbox, gate, 1)
        result = pool.map_async(tasks.length, [bytes(1 << 22)] * 40)
        assert pool._supervisor.feeders
        assert result.cancel()
        for feeder in tuple(pool._supervisor.feeders):
            feeder.join()
        with pytest.raises(gopool.CancelledError):
            result.get()
        gate.open()
        assert held[0].get() == 0


@BOTH
@pytest.mark.parametrize("method", IMAPS)
def test_an_iterator_that_is_cancelled(
    cls: type[gopool.Pool], method: str, ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """What is there can be had, then it raises, and then it is at its end. No input is drawn."""
    ended = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            ended.set()

    function = functools.partial(limits.note_and_arrive_from, 5, ledger, mailbox, gate)
    with cls(2) as pool:
        results = getattr(pool, method)(function, numbers())
        found = list(itertools.islice(results, 3))
        mailbox.receive(2)
        assert results.cancel()
        assert ended.wait(DEADLINE)
        assert not results.cancel()
        found += drain(results)
        assert len(set(found)) == len(found)
        assert set(found) <= set(range(5))
        assert next(results, None) is None
        assert not results.cancel()
        gate.open()
    assert mailbox.is_empty()


def drain(results: Iterator[int]) -> list[int]:
    """Return what is there, up to the error."""
    found = []
    with pytest.raises(gopool.CancelledError):
        for result in results:
            found.append(result)
    return found


@BOTH
@pytest.mark.parametrize("method", IMAPS)
@pytest.mark.parametrize("way", ["break", "with", "close", "islice"])
def test_leaving_a_for_cancels_what_is_queued(
    cls: type[gopool.Pool], method: str, way: str, ledger: Ledger, mailbox: Mailbox, gate: Gate
) -> None:
    """Whether it was left, and so dropped, or closed."""
    function = functools.partial(limits.note_and_arrive_from, 3, ledger, mailbox, gate)
    with cls(2) as pool:
        results = getattr(pool, method)(function, range(500))
        if way == "break":
            for _ in results:
                break
        elif way == "islice":
            assert len(list(itertools.islice(results, 2))) == 2
        elif way == "with":
            with results:
                next(results)
        else:
            results.close()
            results.close()
        if way in ("with", "close"):
            assert list(results) == []
        results = None
        gc.collect()
        behind = pool.apply_async(tasks.square, (3,))
        gate.open()
        assert behind.get() == 9
        pool.close()
        pool.join()
    # Three are not held; each worker has begun one more at the most, or not even that.
    assert len(ledger.read()) <= 5


@pytest.mark.parametrize("method", IMAPS)
def test_an_iterator_that_ends_has_run_all(method: str, ledger: Ledger) -> None:
    """Also if nobody asks for its end, as `zip` does not."""
    with gopool.Pool(2) as pool:
        results = getattr(pool, method)(functools.partial(tasks.note, ledger), range(100))
        assert len(list(zip(range(100), results, strict=False))) == 100
        del results
        pool.close()
        pool.join()
    assert ledger.numbers() == list(range(100))


def test_what_is_not_running_is_not_cancelled(mailbox: Mailbox, gate: Gate) -> None:
    """The end of the pool came first."""
    with gopool.Pool(1) as pool:
        at_nine = functools.partial(tasks.arrive_at, 9, mailbox, gate)
        result = pool.map_async(at_nine, range(10**5), 1)
        mailbox.receive(1)
        pool.terminate()
        assert not result.cancel()
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()
