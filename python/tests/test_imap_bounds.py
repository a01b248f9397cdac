"""How far ahead of its consumer ``imap`` draws from its iterable, and when it does not care."""

from __future__ import annotations

import functools
import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support import tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox
from support.programs import Program

import gopool
from gopool import _feed

pytestmark = pytest.mark.gopool_only("multiprocessing draws without a bound")


@pytest.fixture(params=["imap", "imap_unordered"])
def method(request: pytest.FixtureRequest) -> str:
    """One method after the other."""
    name: str = request.param
    return name


class Source:
    """An iterable that counts its draws, against what the consumer has asked for."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._changed = threading.Condition()
        self.drawn = 0
        self.asked = 0
        self.furthest = 0  # ahead of the consumer
        self.over = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            with self._changed:
                self.drawn += 1
                self.furthest = max(self.furthest, self.drawn - self.asked)
                self._changed.notify_all()
            yield item
        self.over.set()

    def wait_drawn(self, count: int) -> None:
        """Block until so many items were drawn."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.drawn >= count, DEADLINE)

    def measure_anew(self) -> None:
        """Forget how far ahead of the consumer it has been."""
        with self._changed:
            self.furthest = 0

    def ask(self, results: Iterator[Any]) -> Any:
        """Take the next result."""
        with self._changed:
            self.asked += 1
        return next(results)


@pytest.mark.parametrize("buffersize", [1, 2, 5])
def test_the_consumer_is_never_more_than_buffersize_behind(
    Pool: Any, method: str, buffersize: int
) -> None:
    """Each result that is taken lets one more item be drawn, and not before."""
    source = Source(iter(range(100)))
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.identity, source, buffersize=buffersize)
        found = []
        for taken in range(100):
            source.wait_drawn(min(100, taken + buffersize))
            found.append(source.ask(results))
        assert sorted(found) == list(range(100))
    assert source.furthest == buffersize


@pytest.mark.parametrize(
    ("chunksize", "buffersize", "furthest"), [(3, 7, 7), (4, 8, 8), (1000, 5, 5), (3, 3, 3)]
)
def test_chunks_within_a_bound(
    Pool: Any, method: str, chunksize: int, buffersize: int, furthest: int
) -> None:
    """A chunk is drawn when there is room for all of it; it is cut to fit the bound."""
    source = Source(iter(range(100)))
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.identity, source, chunksize, buffersize=buffersize)
        source.wait_drawn(min(chunksize, buffersize))
        assert sorted(source.ask(results) for _ in range(100)) == list(range(100))
    assert source.furthest <= furthest


@pytest.mark.parametrize("kind", [range, lambda n: list(range(n))], ids=["range", "list"])
def test_a_bound_for_what_is_drawn_many_at_a_time(
    Pool: Any, method: str, kind: Callable[[int], Any], ledger: Ledger
) -> None:
    """No more tasks are run ahead of the consumer than the bound allows."""
    with Pool(1) as pool:
        note = functools.partial(tasks.note, ledger)
        results = getattr(pool, method)(note, kind(500), buffersize=40)
        for taken in range(1, 501):
            next(results)
            assert len(ledger.read()) <= taken + 40
        with pytest.raises(StopIteration):
            next(results)


def test_bytes_are_bounded(Pool: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments on their way count, and then the results that wait for the consumer."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1 << 20)
    source = Source(bytes(1 << 16) for _ in range(200))
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.identity, source)
        source.wait_drawn(15)  # 15/16 of the bound are no reason to pause
        for _ in range(200):
            assert len(source.ask(results)) == 1 << 16
    assert 15 <= source.furthest <= 17


def test_arrays_for_go_functions_are_bounded(
    kinds: ModuleType, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although only their addresses are on their way: they are kept meanwhile."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1 << 20)
    source = Source(np.zeros(1 << 13) for _ in range(200))
    with gopool.GoPool(2) as pool:
        results = getattr(pool, method)(kinds.Float64s, source)
        source.wait_drawn(15)
        for _ in range(200):
            assert source.ask(results).nbytes == 1 << 16
    assert 15 <= source.furthest <= 17


def test_large_items_of_a_list_are_encoded_as_there_is_room(
    Pool: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list is no reason to encode all of it at once."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1 << 20)
    encoded: list[int] = []
    asked = 0

    class Item:
        def __reduce__(self) -> tuple[Any, ...]:
            encoded.append(len(encoded) + 1 - asked)
            return bytes, (bytes(1 << 16),)

    with Pool(1) as pool:
        results = getattr(pool, method)(tasks.identity, [Item() for _ in range(100)])
        for _ in range(100):
            asked += 1
            next(results)
    assert max(encoded) <= 18


def test_bytes_of_results_are_bounded(
    Pool: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small arguments with large results: what is going to arrive counts, once it is known."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1 << 20)
    source = Source(itertools.repeat(1 << 16, 2000))
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.zeros, source)
        for _ in range(500):
            source.ask(results)
        assert source.furthest <= 256
        source.measure_anew()
        for _ in range(1500):
            source.ask(results)
        assert list(results) == []  # only who asks for more gives back room for the last ones
    assert source.furthest <= 17


def test_a_dropped_iterator_does_not_pause(
    Pool: Any, method: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its results are forgotten, its tasks are all run."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1000)
    for buffersize in (2, None):
        source = Source(iter(range(200)))
        with Pool(2) as pool:
            note = functools.partial(tasks.note, ledger)
            results = getattr(pool, method)(note, source, buffersize=buffersize)
            source.wait_drawn(2)
            del results
            assert source.over.wait(DEADLINE)
            pool.close()
            pool.join()
    assert ledger.numbers() == sorted([*range(200)] * 2)


def test_a_dropped_iterator_does_not_wait_for_workers(
    Pool: Any, method: str, mailbox: Mailbox, gate: Gate
) -> None:
    """Feeding goes to the end of the input while no task has ended yet."""
    source = Source(iter(range(50)))
    with Pool(1) as pool:
        arrive = functools.partial(tasks.arrive, mailbox, gate)
        results = getattr(pool, method)(arrive, source, buffersize=1)
        mailbox.receive(1)
        assert source.drawn == 1
        del results
        assert source.over.wait(DEADLINE)


def test_join_does_not_let_it_pause(Pool: Any, method: str, ledger: Ledger) -> None:
    """Although the iterator is there, and nobody takes results; they can be taken later."""
    source = Source(iter(range(200)))
    with Pool(2) as pool:
        note = functools.partial(tasks.note, ledger)
        results = getattr(pool, method)(note, source, buffersize=3)
        source.wait_drawn(3)
        pool.close()
        pool.join()
        assert ledger.numbers() == list(range(200))
        assert sorted(results) == list(range(200))


def test_terminate_ends_an_endless_input(Pool: Any, method: str) -> None:
    """Whether its iterator is there, or was dropped, and whether it pauses."""
    ended = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            ended.set()

    for buffersize in (None, 10):
        for keep in (True, False):
            ended.clear()
            with Pool(2) as pool:
                results = getattr(pool, method)(tasks.identity, numbers(), buffersize=buffersize)
                next(results)
                if not keep:
                    del results
            assert ended.is_set(), "the feeder has ended, and dropped what it was given"


def test_terminate_does_not_wait_for_code_of_the_users(Pool: Any, method: str) -> None:
    """A generator that waits for something else may go on to do so."""
    event, blocked = threading.Event(), threading.Event()

    def numbers() -> Iterator[int]:
        yield 1
        blocked.set()
        event.wait()
        yield 2

    with Pool(1) as pool:
        results = getattr(pool, method)(tasks.identity, numbers())
        assert next(results) == 1
        assert blocked.wait(DEADLINE)
    event.set()
    with pytest.raises(Exception, match="terminated"):
        next(results)


def test_a_generator_may_terminate_its_pool(Pool: Any, method: str) -> None:
    """The feeder does not wait for itself."""

    def numbers() -> Iterator[int]:
        yield 1
        pool.terminate()
        yield 2

    with Pool(1) as pool:
        results = getattr(pool, method)(tasks.identity, numbers())
        with pytest.raises(Exception, match="terminated"):
            list(results)
        with pytest.raises(StopIteration):
            next(results)


def test_a_feeder_does_not_keep_the_pool(Pool: Any, method: str) -> None:
    """A pool and an iterator that are dropped are gone, however much there is to be drawn."""
    source = Source(itertools.count())
    pool = Pool(1)
    results = getattr(pool, method)(tasks.identity, source, buffersize=10)
    next(results)
    del pool
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        del results
    gc.collect()


@pytest.mark.parametrize("buffersize", [0, -1])
def test_a_buffersize_below_one_is_refused(Pool: Any, method: str, buffersize: int) -> None:
    """ValueError; and TypeError for what is no integer."""
    with Pool(1) as pool:
        with pytest.raises(ValueError, match=rf"^buffersize must be 1\+, not {buffersize}$"):
            getattr(pool, method)(tasks.identity, [1], buffersize=buffersize)
        for wrong in (1.5, "2"):
            with pytest.raises(TypeError):
                getattr(pool, method)(tasks.identity, [1], buffersize=wrong)
        with pytest.raises(TypeError):
            getattr(pool, method)(tasks.identity, [1], 1.5)


EXIT = """
import sys, threading
import gopool
from support import tasks

def numbers():
    yield 1
    {wait}
    yield 2

if __name__ == "__main__":
    pool = gopool.Pool(1)
    results = pool.imap(tasks.identity, numbers())
    assert next(results) == 1
    {end}
    print("end")
"""


@pytest.mark.parametrize("wait", ["threading.Event().wait()", "yield from iter(int, 1)"])
@pytest.mark.parametrize("end", ["pool.terminate()", "pass"])
def test_the_interpreter_exits_whatever_is_being_fed(
    start_program: Callable[..., Program], wait: str, end: str
) -> None:
    """No feeder keeps a program from ending, or says anything."""
    outcome = start_program(EXIT.format(wait=wait, end=end), options=("-W", "ignore")).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "end\n", "")
