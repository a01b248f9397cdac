"""`priority`: what is handed out first, while workers have no time for all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox

import gopool

CLASSES = pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])


class Busy:
    """A pool of one worker that waits at a gate, while others submit."""

    def __init__(self, pool: gopool.Pool, mailbox: Mailbox, gate: Gate, ledger: Ledger) -> None:
        self._pool = pool
        self._gate = gate
        self._ledger = ledger
        self._results: list[Any] = [pool.apply_async(tasks.arrive, (mailbox, gate, None))]
        mailbox.receive(1)

    def call(self, entry: int, **options: Any) -> None:
        self._results.append(self._pool.apply_async(tasks.note, (self._ledger, entry), **options))

    def map(self, entries: Any, **options: Any) -> None:
        note = functools.partial(tasks.note, self._ledger)
        self._results.append(self._pool.map_async(note, entries, 1, **options))

    def order(self) -> list[int]:
        """Let the worker go, and return in which order it has run all."""
        self._gate.open()
        for result in self._results:
            result.get()
        return [int(line) for line in self._ledger.read()]


@CLASSES
def test_higher_ones_first_and_equal_ones_as_they_came(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    with cls(1) as pool:
        busy = Busy(pool, mailbox, gate, ledger)
        for entry, priority in enumerate([0, 5, -1, 5, 0, 7, -1]):
            busy.call(entry, priority=priority)
        busy.call(7)
        assert busy.order() == [5, 1, 3, 0, 4, 7, 2, 6]


def test_with_each_start_method(
    context: BaseContext, mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    with gopool.Pool(1, context=context) as pool:
        busy = Busy(pool, mailbox, gate, ledger)
        busy.call(0)
        busy.call(1, priority=1)
        assert busy.order() == [1, 0]


@CLASSES
def test_all_of_a_map_comes_before_what_is_lower(
    cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate, ledger: Ledger
) -> None:
    """And after what is higher, although that is submitted last."""
    with cls(1) as pool:
        busy = Busy(pool, mailbox, gate, ledger)
        busy.map(range(100), priority=-1)
        busy.map(range(100, 200), priority=1)
        busy.call(200)
        busy.call(201, priority=2)
        assert busy.order() == [201, *range(100, 200), 200, *range(100)]


def test_equal_ones_take_turns(mailbox: Mailbox, gate: Gate, ledger: Ledger) -> None:
    """One that has many tasks does not keep the others of its priority waiting."""
    with gopool.Pool(1) as pool:
        busy = Busy(pool, mailbox, gate, ledger)
        busy.map(range(5000), priority=1)
        busy.call(5000, priority=1)
        busy.call(5001)
        order = busy.order()
        assert order.index(5000) < 5000
        assert order[-1] == 5001


def test_gathered_calls_give_way(mailbox: Mailbox, gate: Gate, ledger: Ledger) -> None:
    """A burst of short calls is one job, and waits like one."""
    with gopool.Pool(1) as pool:
        for entry in range(300):  # now it is known to be short
            pool.apply(tasks.square, (entry,))
        busy = Busy(pool, mailbox, gate, ledger)
        results = [pool.apply_async(tasks.square, (n,)) for n in range(300)]
        busy.call(1)
        busy.call(0, priority=1)
        assert busy.order() == [0, 1]
        assert [result.get() for result in results] == [n * n for n in range(300)]


def wait_at(gates: dict[int, tuple[Mailbox, Gate]], value: int) -> int:
    """Arrive and wait for some values, each at a gate of its own; return the others at once."""
    return tasks.arrive_if_any(gates.get(value), value)


def test_what_a_worker_has_ahead_gives_way(mailbox: Mailbox, make_gate: Callable[[], Gate]) -> None:
    """Tasks that were taken for short, and handed out, are not all started before it."""
    gate, last = make_gate(), make_gate()
    with gopool.Pool(1) as pool:
        gates = {20_000: (mailbox, gate), 39_999: (mailbox, last)}
        result = pool.map_async(functools.partial(wait_at, gates), range(40_000), 1, priority=-1)
        mailbox.receive(1)
        call = pool.apply_async(tasks.pid)
        gate.open()
        call.get(DEADLINE)  # or it is behind the last one, which waits
        assert not result.ready()
        last.open()
        assert result.get() == list(range(40_000))


def test_every_method_takes_one() -> None:
    with gopool.Pool(1) as pool:
        assert pool.apply(tasks.square, (3,), priority=3) == 9
        for method in (pool.map, pool.imap, pool.imap_unordered):
            assert list(method(tasks.square, [3], priority=-3)) == [9]
        assert pool.starmap(tasks.square, [(3,)], priority=3) == [9]


@CLASSES
def test_nonsense_is_refused(cls: type[gopool.Pool]) -> None:
    nonsense: list[Any] = [(TypeError, "high"), (TypeError, 0.5), (ValueError, 1 << 40)]
    with cls(1) as pool:
        for error, priority in nonsense:
            with pytest.raises(error):
                pool.apply_async(tasks.square, (3,), priority=priority)
