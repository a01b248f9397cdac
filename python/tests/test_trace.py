"""``trace`` writes a timeline: what each worker ran, and when, and when it came and went."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pytest
from support import deaths, tasks
from support.latches import Gate, Mailbox
from support.processes import workers_at_work

import gopool
from gopool import _core, _trace

CLASSES = [gopool.Pool, gopool.ThreadPool]

Event = dict[str, Any]


def events_of(path: Path) -> list[Event]:
    """Read a timeline; what holds of each is looked at here."""
    trace = json.loads(path.read_text())
    assert trace["otherData"] == {"omitted": 0}
    events: list[Event] = trace["traceEvents"]
    assert {event["pid"] for event in events} == {os.getpid()}
    assert all(event["ts"] >= 0 for event in events if event["ph"] != "M")
    ends: Counter[int] = Counter()
    for event in slices(events):
        # In order, and none before the end of the one before; both are rounded to ns.
        assert event["dur"] >= 0
        assert event["ts"] >= ends[event["tid"]] - 0.001
        ends[event["tid"]] = event["ts"] + event["dur"]
    for thread in {event["tid"] for event in events}:
        others = [e["ts"] for e in events if e["tid"] == thread and e["ph"] in "iC"]
        assert others == sorted(others)
    return events


def slices(events: list[Event]) -> list[Event]:
    return [event for event in events if event["ph"] == "X"]


def function_of(event: Event) -> str:
    """Return what was called: the name without how often."""
    name: str = event["name"]
    return name.split(" \N{MULTIPLICATION SIGN}", 1)[0]


def functions(events: list[Event]) -> set[str]:
    return {function_of(event) for event in slices(events)}


def names(events: list[Event], phase: str) -> list[str]:
    return [event["name"] for event in events if event["ph"] == phase]


def ran(events: list[Event]) -> list[int]:
    """Return the indices of all tasks that were run, sorted."""
    indices: list[int] = []
    for event in slices(events):
        first = event["args"]["index"]
        indices += range(first, first + event["args"]["count"])
    return sorted(indices)


@pytest.mark.parametrize("cls", CLASSES)
def test_short_tasks_share_slices(cls: type[gopool.Pool], tmp_path: Path) -> None:
    """Each task is in one slice, and there are far fewer slices than tasks."""
    path = tmp_path / "run.json"
    with cls(2) as pool:
        with pool.trace(path):
            assert pool.map(tasks.identity, range(20_000)) == list(range(20_000))
        events = events_of(path)
    assert ran(events) == list(range(20_000))
    assert len(slices(events)) < 2000
    assert functions(events) == {"identity"}
    assert "submit identity" in names(events, "i")
    assert names(events, "C")


def test_each_long_task_has_a_slice_of_its_own(
    context: BaseContext, tmp_path: Path, mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """On the row of its worker, which is called by number and process."""
    path = tmp_path / "run.json"
    with gopool.Pool(2, context=context) as pool:
        with pool.trace(str(path)):
            pids = workers_at_work(pool, mailbox, make_gate(), 2)
        events = events_of(path)
    assert [(e["name"], e["args"]["count"]) for e in slices(events)] == [("arrive", 1)] * 2
    assert len({event["tid"] for event in slices(events)}) == 2
    rows = {e["args"]["name"] for e in events if e["ph"] == "M"} - {"gopool", "pool"}
    words = [row.split() for row in rows]
    assert sorted(row[:2] for row in words) == [["worker", "1"], ["worker", "2"]]
    assert {tuple(row[2:]) for row in words} == {("(process", f"{pid})") for pid in pids}


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_lost_tasks_and_new_workers(method: str, tmp_path: Path) -> None:
    """What was lost, with what the worker ended by; and the worker in its place."""
    path = tmp_path / "run.json"
    with gopool.Pool(2, context=multiprocessing.get_context(method)) as pool:
        pool.apply(tasks.nothing)
        with pool.trace(path):
            found = pool.map(deaths.die_at_many, range(100), return_exceptions=True)
            pool.map(tasks.identity, range(10))
            events = events_of_running(pool, path)
    assert sum(isinstance(value, gopool.WorkerLostError) for value in found) == 2
    lost = [event for event in slices(events) if "lost" in event["args"]]
    assert sorted(event["args"]["index"] for event in lost) == [0, 50]
    assert {event["name"] for event in lost} == {"die_at_many (lost)"}
    assert {event["args"]["lost"] for event in lost} == {"was killed by SIGKILL"}
    assert ran(events) == sorted([*range(100), *range(10)])
    instants = Counter(names(events, "i"))
    assert instants["was killed by SIGKILL"] >= 2  # a late one may be killed at the close
    assert instants["started"] >= 3


def events_of_running(pool: gopool.Pool, path: Path) -> list[Event]:
    """Close the pool, whose end is that of the timeline, and read that."""
    pool.close()
    pool.join()
    return events_of(path)


@pytest.mark.parametrize("cls", CLASSES)
def test_what_runs_in_the_end_is_unfinished(
    cls: type[gopool.Pool], tmp_path: Path, mailbox: Mailbox, gate: Gate
) -> None:
    """It is in the timeline all the same."""
    path = tmp_path / "run.json"
    with cls(1) as pool:
        with pool.trace(path):
            result = pool.starmap_async(tasks.arrive, [(mailbox, gate, 1)])
            mailbox.receive(1)
        events = events_of(path)
        gate.open()
        assert result.get() == [1]
    (event,) = slices(events)
    assert event["args"] == {"unfinished": True, "index": 0, "count": 1}
    assert event["dur"] > 0


def test_jobs_of_all_kinds(tmp_path: Path) -> None:
    """Every method, and functions that go by value, and names that need quotes in JSON."""

    def local(number: int) -> int:
        return number

    local.__qualname__ = 'a "name" \\ with ü'
    path = tmp_path / "run.json"
    with gopool.Pool(2) as pool, pool.trace(path):
        assert list(pool.imap(tasks.square, range(50))) == [n * n for n in range(50)]
        assert pool.apply(tasks.add, (1, 2)) == 3
        results = [pool.apply_async(tasks.identity, (n,)) for n in range(100)]
        assert [result.get() for result in results] == list(range(100))
        assert pool.map(local, range(30)) == list(range(30))
    counts: Counter[str] = Counter()
    for event in slices(events_of(path)):
        counts[function_of(event)] += event["args"]["count"]
    assert counts == {"square": 50, "add": 1, "identity": 100, local.__qualname__: 30}


def test_threads_have_names_of_functions(tmp_path: Path) -> None:
    """Also of jobs that are gone when they are written, and of those before the timeline."""
    path = tmp_path / "run.json"
    with gopool.ThreadPool(1) as pool:
        with pool.trace(path):
            for number in range(200):
                assert pool.apply(tasks.square, (number,)) == number**2
            assert list(pool.imap(tasks.identity, range(3))) == [0, 1, 2]
        events = events_of(path)
    assert functions(events) == {"square", "identity"}


@pytest.mark.parametrize(
    ("cls", "name", "shown"),
    [
        (gopool.Pool, "\udc80", "?"),
        (gopool.ThreadPool, "\udc80", "?"),
        (gopool.ThreadPool, "", "a function"),
    ],
)
def test_names_that_are_none(cls: type[gopool.Pool], name: str, shown: str, tmp_path: Path) -> None:
    """A program may call its functions what it likes."""

    def local(number: int) -> int:
        return number

    local.__qualname__ = name
    path = tmp_path / "run.json"
    with cls(1) as pool:
        with pool.trace(path):
            assert pool.map(local, [1]) == [1]
        assert functions(events_of(path)) == {shown}


@pytest.mark.parametrize("cls", CLASSES)
def test_one_after_the_other(cls: type[gopool.Pool], tmp_path: Path) -> None:
    """Not two at a time; each has what was run in its time."""
    with cls(1) as pool:
        for number in range(3):
            path = tmp_path / f"{number}.json"
            pool.apply(tasks.nothing)
            trace = pool.trace(path)
            with pytest.raises(ValueError, match="being traced already"):
                pool.trace(tmp_path / "other.json")
            pool.map(tasks.identity, range(number))
            trace.stop()
            trace.stop()
            assert ran(events_of(path)) == list(range(number))


@pytest.mark.parametrize("cls", CLASSES)
def test_it_ends_with_the_pool(
    cls: type[gopool.Pool], tmp_path: Path, mailbox: Mailbox, gate: Gate
) -> None:
    """Whatever way that ends; `stop` may come later, or never."""
    closed = cls(1)
    trace = closed.trace(tmp_path / "closed.json")
    closed.apply(tasks.nothing)
    closed.close()
    closed.join()
    assert ran(events_of(tmp_path / "closed.json")) == [0]
    trace.stop()
    with pytest.raises(ValueError, match="Pool not running"):
        closed.trace(tmp_path / "late.json")

    with cls(1) as pool:
        pool.trace(tmp_path / "terminated.json")
        pool.starmap_async(tasks.arrive, [(mailbox, gate, 1)])
        mailbox.receive(1)
        pool.terminate()
        gate.open()
        pool.join()
    (event,) = slices(events_of(tmp_path / "terminated.json"))
    assert event["args"]["unfinished"]


def test_join_waits_for_its_thread_to_give_all_back(tmp_path: Path) -> None:
    """The pool forgets whom it has to wait for when that is done, and not before."""
    handles: list[int] = []

    class Feeders(set[Any]):
        def discard(self, feeder: Any) -> None:
            handles.append(_core.native.bridge_Handles())
            super().discard(feeder)

    with gopool.ThreadPool(1) as pool:
        pool._supervisor.feeders = Feeders()
        before = _core.native.bridge_Handles()
        pool.trace(tmp_path / "run.json").stop()
    assert handles == [before]


def test_without_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left over, and the next one works."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with gopool.Pool(1) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(_trace, "Thread", refuse)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                pool.trace(tmp_path / "none.json")
        with pool.trace(tmp_path / "run.json"):
            pool.apply(tasks.nothing)
    assert events_of(tmp_path / "none.json")


def test_a_file_that_can_not_be_written(tmp_path: Path) -> None:
    """The error names it: at once, or in the end."""
    with gopool.Pool(1) as pool:
        with pytest.raises(FileNotFoundError, match="nowhere"):
            pool.trace(tmp_path / "nowhere" / "run.json")
        with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
            with pool.trace("/dev/full"):
                assert pool.map(tasks.identity, range(1000)) == list(range(1000))
        with pool.trace(tmp_path / "run.json"):
            pool.apply(tasks.nothing)
