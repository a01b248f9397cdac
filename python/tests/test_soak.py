"""The soak notices what it is there for, and a short one finds nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from soak import residue
from soak.__main__ import TOLERANCE, grown
from soak.watchdog import STALLED
from support.programs import Program

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing does not survive it")

StartProgram = Callable[..., Program]


def test_a_few_seconds_of_it(start_program: StartProgram) -> None:
    """Exit status 0, and an account of what was done."""
    arguments = ("-W", "error", "-m", "soak", "--seconds", "3", "--seed", "1")
    outcome = start_program(arguments=arguments).outcome()
    assert outcome.status == 0, outcome.stdout + outcome.stderr
    for words in ("seed 1", "tasks of", "faults injected", "nothing was wrong"):
        assert words in outcome.stdout


def test_what_is_left_over_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A descriptor, a pool with its workers, goroutines and threads; and nothing once they end."""
    monkeypatch.setattr(residue, "GRACE", 0)
    before = residue.Residue()
    reader, writer = os.pipe()
    with gopool.Pool(1) as pool:
        found = before.growth()
        pool.terminate()
    for kind in ("processes", "threads", "descriptors", "goroutines", "handles"):
        assert [line for line in found if line.startswith(kind)]
    os.close(reader)
    os.close(writer)
    monkeypatch.undo()
    assert before.growth() == []


def test_memory_that_grows_is_noticed() -> None:
    """The least of the last third counts: neither what was needed at first nor for a moment."""
    base = 30 << 20
    steady = [1, 5, 9, *[base, base + TOLERANCE + 1] * 10]
    assert grown([*steady, base]) == []
    assert grown([base + n * TOLERANCE // 5 for n in range(30)])


def test_a_standstill_is_explained(start_program: StartProgram) -> None:
    """By what threads and goroutines do, and an exit status of its own."""
    outcome = start_program("""
        import time
        import gopool
        from soak.watchdog import Watchdog
        from support import tasks

        def the_function_that_waits():
            watchdog = Watchdog(lambda: 0.0, patience=0.1)
            pool.apply(time.sleep, (1000,))

        pool = gopool.Pool(1)
        pool.apply(tasks.nothing)
        the_function_that_waits()
        """).outcome()
    assert outcome.status == STALLED
    for words in ("no progress", "process ", "in the_function_that_waits", "goroutine "):
        assert words in outcome.stderr
