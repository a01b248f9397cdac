"""A function that ends each worker that loads it: an error, not workers without end."""

from __future__ import annotations

import importlib
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from support import PoolClass, hostile, tasks

import gopool

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing starts workers without end, and hangs"),
]

WORKERS, TASKS = 2, 6

EXITS_IN_WORKERS = """
import multiprocessing, sys

if multiprocessing.parent_process() is not None:
    sys.exit(7)

def function(value):
    return value
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[BaseProcess]:
    """All processes that the fork context has started."""
    cls: Any = multiprocessing.get_context("fork").Process
    real_start: Callable[[BaseProcess], object] = cls._Popen
    processes: list[BaseProcess] = []

    def start(process: BaseProcess) -> object:
        processes.append(process)
        return real_start(process)

    monkeypatch.setattr(cls, "_Popen", staticmethod(start))
    return processes


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """A function of a module that a worker of spawn or forkserver cannot import and live."""
    name = f"exits_in_workers_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(EXITS_IN_WORKERS)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    monkeypatch.setitem(sys.modules, name, module)
    found: Callable[[Any], Any] = module.function
    return found


def fatal() -> Callable[..., Any]:
    """Return a function, as far as the caller can tell, that calls os._exit(7) when unpickled."""
    function: Any = hostile.KillsWhoRebuildsIt(7)
    return function  # type: ignore[no-any-return]


def test_each_call_is_lost(Pool: PoolClass, started: list[BaseProcess]) -> None:
    """Each is a WorkerLostError of its own, takes one worker with it, and the pool goes on."""
    with Pool(WORKERS, context=multiprocessing.get_context("fork")) as pool:
        results = [pool.apply_async(fatal(), (n,)) for n in range(TASKS)]
        for result in results:
            with pytest.raises(gopool.WorkerLostError, match=r"\b7\b") as raised:
                result.get()
            assert raised.value.exitcode == 7
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
    assert len(started) <= WORKERS + TASKS


@pytest.mark.parametrize("chunksize", [None, 1, TASKS])
def test_each_task_of_a_map_is_lost(
    Pool: PoolClass, started: list[BaseProcess], chunksize: int | None
) -> None:
    """``get`` raises for the first; in any chunks, no more workers end than there are tasks."""
    with Pool(WORKERS, context=multiprocessing.get_context("fork")) as pool:
        result = pool.map_async(fatal(), range(TASKS), chunksize)
        with pytest.raises(gopool.WorkerLostError, match=r"\(task 0\)"):
            result.get()
        assert not result.successful()
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
    assert len(started) <= WORKERS + TASKS


def test_others_are_unaffected(Pool: PoolClass) -> None:
    """Calls before, between and behind return what they should."""
    with Pool(WORKERS) as pool:
        results: list[Any] = []
        for n in range(TASKS):
            results.append(pool.apply_async(tasks.square, (n,)))
            results.append(pool.apply_async(fatal()))
        for n in range(TASKS):
            assert results[2 * n].get() == n * n
            with pytest.raises(gopool.WorkerLostError):
                results[2 * n + 1].get()


def test_the_error_callback_learns_of_it(Pool: PoolClass) -> None:
    """It is called once with the WorkerLostError, before ``get`` raises it."""
    errors: list[BaseException] = []
    with Pool(1) as pool:
        result = pool.apply_async(fatal(), error_callback=errors.append)
        with pytest.raises(gopool.WorkerLostError):
            result.get()
        assert [type(error) for error in errors] == [gopool.WorkerLostError]


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_module_that_exits_when_it_is_imported(
    Pool: PoolClass, function: Callable[[Any], Any], method: str
) -> None:
    """``sys.exit`` ends the worker there as in a task: WorkerLostError with the code."""
    context: BaseContext = multiprocessing.get_context(method)
    with Pool(1, context=context) as pool:
        results = [pool.apply_async(function, (n,)) for n in range(2)]
        for result in results:
            with pytest.raises(gopool.WorkerLostError, match=r"\b7\b") as raised:
                result.get()
            assert raised.value.exitcode == 7
        assert pool.map(tasks.square, range(10), 1) == [n * n for n in range(10)]
