"""``dump`` tells what all workers do, and does none of them any harm."""

from __future__ import annotations

import functools
import io
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import PoolClass, deaths, tasks
from support.latches import DEADLINE, Gate, Mailbox
from support.processes import workers_at_work

import gopool
from gopool import _dump, _traces

pytestmark = [pytest.mark.faults, pytest.mark.gopool_only("multiprocessing has no such method")]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the answer awaited for as long as a busy machine may need."""
    monkeypatch.setattr(_dump, "PATIENCE", DEADLINE)


def dump(pool: Any) -> str:
    file = io.StringIO()
    text: str = pool.dump(file)
    assert file.getvalue() == text + "\n"
    return text


def test_what_each_worker_does(
    Pool: PoolClass,
    context: BaseContext,
    mailbox: Mailbox,
    make_gate: Callable[[], Gate],
    patient: None,
) -> None:
    """Function, number of the task and stack of the one that works; the other is idle."""
    with Pool(2, context=context) as pool:
        workers_at_work(pool, mailbox, make_gate(), 2)
        gate = make_gate()
        result = pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(1)])
        (pid,) = mailbox.receive_pids(1)
        text = dump(pool)
        gate.open()
        assert result.get() == [0]
        working, idle = sorted(text.split("\n\nworker"), key=lambda part: "is idle" in part)
        assert re.search(rf"\(process {pid}\) runs arrive \(task 0\) for \d+\.\d s\n", working)
        assert "in arrive" in working
        assert "latches.py" in working
        assert "is idle\n" in idle
        assert "_worker.py" in idle


@pytest.mark.parametrize(
    "task", [tasks.sleep_for_minutes, tasks.loop_in_c], ids=lambda t: t.__name__
)
def test_a_worker_stuck_in_c_answers(
    Pool: PoolClass, mailbox: Mailbox, patient: None, task: Any
) -> None:
    """It sleeps, or holds the GIL for ever; again and again, and stays in it."""
    with Pool(1) as pool:
        pool.apply_async(functools.partial(task, mailbox))
        (pid,) = mailbox.receive_pids(1)
        for _ in range(5):
            text = dump(pool)
            assert f"(process {pid}) runs partial (task 0) for" in text
            assert text.count(f"in {task.__name__}") == 1


def test_a_system_call_in_progress_goes_on(
    Pool: PoolClass, mailbox: Mailbox, patient: None
) -> None:
    """A sleep is as long as ever, and a read, a select and a lock come to their end."""
    reader, writer = os.pipe()
    with Pool(4) as pool:
        results = [
            pool.apply_async(call, (mailbox, reader))
            for call in (
                tasks.read_a_byte,
                tasks.select_a_byte,
                tasks.sleep_a_second,
                tasks.wait_long,
            )
        ]
        mailbox.receive_pids(4)
        for _ in range(3):
            assert dump(pool).count("runs") >= 1
        os.write(writer, b"xy")
        assert [result.get() for result in results] == [True] * 4
    os.close(reader)
    os.close(writer)


def test_a_stopped_worker_is_said_not_to_answer(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its late answer is not taken for one to the next question."""
    monkeypatch.setattr(_dump, "PATIENCE", 0.1)
    with Pool(1) as pool:
        result = pool.apply_async(tasks.arrive, (mailbox, gate, 5))
        (pid,) = mailbox.receive_pids(1)
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        for _ in range(2):
            text = dump(pool)
            assert "runs arrive (task 0)" in text
            assert text.endswith("; no answer: it is stopped")
        os.kill(pid, signal.SIGCONT)
        monkeypatch.setattr(_dump, "PATIENCE", DEADLINE)
        assert dump(pool).count("in arrive") <= 2
        gate.open()
        assert result.get() == 5


def test_the_index_in_a_long_map(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, patient: None
) -> None:
    """Also where many tasks were handed out at once."""
    with Pool(1) as pool:
        result = pool.map_async(
            functools.partial(tasks.arrive_at, 37, mailbox, gate), range(50), 50
        )
        mailbox.receive_pids(1)
        text = dump(pool)
        gate.open()
        result.get()
    assert "(task 37)" in text


def test_names_of_functions(Pool: PoolClass, mailbox: Mailbox, gate: Gate, patient: None) -> None:
    """Of methods and of functions that go by value, without running what is pickled there."""

    def local(_: object) -> int:
        return tasks.arrive(mailbox, gate, 1)

    with Pool(2) as pool:
        results = [pool.map_async(f, [0]) for f in (local, deaths.Method(mailbox, gate).wait)]
        mailbox.receive_pids(2)
        text = dump(pool)
        gate.open()
        for result in results:
            result.get()
    assert "runs test_names_of_functions.<locals>.local (task 0)" in text
    assert "runs Method.wait (task 0)" in text


def test_a_handler_of_the_program_is_left_alone(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """One that workers inherit, or that their initializer sets."""
    before = signal.signal(_traces.SIGNAL, deaths.exit_on_signal)
    try:
        inherited = Pool(1)
    finally:
        signal.signal(_traces.SIGNAL, before)
    for pool in (inherited, Pool(1, deaths.set_handler, (_traces.SIGNAL,))):
        with pool:
            result = pool.apply_async(tasks.arrive, (mailbox, gate, 1))
            mailbox.receive_pids(1)
            assert dump(pool).endswith("; it can't be asked for its stacks")
            gate.open()
            assert result.get() == 1


def test_standard_error_is_the_default(
    Pool: PoolClass, patient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for everything that tells of faults."""
    with Pool(1) as pool:
        pool.apply(tasks.nothing)
        text = pool.dump()  # type: ignore[attr-defined]
    assert "is idle" in text
    assert capsys.readouterr().err == text + "\n"


def test_many_dumps_while_workers_die(Pool: PoolClass) -> None:
    """Each tells of those that are there; no task is lost but those that die."""
    with Pool(2) as pool:
        stop = threading.Event()
        texts: list[str] = []

        def ask() -> None:
            while not stop.is_set():
                texts.append(dump(pool))

        thread = threading.Thread(target=ask)
        thread.start()
        outcomes = []
        for number in range(200):
            try:
                outcomes.append(pool.apply(deaths.die_at, (number - number % 20, number)))
            except gopool.WorkerLostError:
                outcomes.append(-1)
        stop.set()
        thread.join()
    assert outcomes == [-1 if number % 20 == 0 else number for number in range(200)]
    assert texts


def test_a_pool_that_has_ended(Pool: PoolClass) -> None:
    """A closed one without workers has nothing to tell; a terminated one does not answer."""
    pool: Any = Pool(1)
    pool.close()
    pool.join()
    assert dump(pool) == ""
    pool.terminate()
    with pytest.raises(ValueError, match="Pool not running"):
        pool.dump()


def test_threads(mailbox: Mailbox, gate: Gate) -> None:
    """The same for the threads of a ThreadPool."""
    with gopool.ThreadPool(2) as pool:
        result = pool.map_async(functools.partial(tasks.arrive_at, 3, mailbox, gate), range(5), 5)
        mailbox.receive_pids(1)
        deadline = time.monotonic() + DEADLINE
        while "is idle" not in (text := dump(pool)):  # the other may be in task 4, which is behind
            assert time.monotonic() < deadline
        gate.open()
        result.get()
    assert re.search(r"thread Thread-\d+ \(worker\) runs partial \(task 3\) for \d+\.\d s\n", text)
    assert "in arrive_at" in text
