"""A pool that cannot be started raises why, and leaves nothing."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from typing import Any

import pytest
from support import PoolClass, leaks, tasks

import gopool
from gopool import _core

pytestmark = pytest.mark.faults

OURS = pytest.mark.gopool_only("multiprocessing leaves workers and threads")


def make_a_pool(cls: PoolClass) -> object:
    with cls(1) as pool:
        return pool.map(tasks.square, [1, 2])


@pytest.mark.parametrize("nested", ["multiprocessing", "gopool"])
def test_a_worker_cannot_make_a_pool(Pool: PoolClass, context: BaseContext, nested: str) -> None:
    """Workers are daemonic: AssertionError as for any process they would start, and they go on."""
    import gopool

    cls: Any = gopool.Pool if nested == "gopool" else multiprocessing.pool.Pool
    with Pool(1, context=context) as pool:
        pid = pool.apply(tasks.pid)
        for _ in range(2):
            with pytest.raises(AssertionError, match="daemonic processes are not allowed to have"):
                pool.apply_async(make_a_pool, (cls,)).get(60)
        assert pool.apply(tasks.pid) == pid


@pytest.fixture
def nothing_new() -> Iterator[None]:
    """Nothing is left of pools that failed, in Python or behind a handle."""
    before, handles = leaks.take_snapshot(), _core.native.bridge_Handles()
    yield
    assert leaks.leaks_since(before) == []
    assert _core.native.bridge_Handles() == handles


def let_fail(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, at: int, error: Exception
) -> None:
    """Have a function raise when it is called for the ``at``-th time, from 0."""
    real, calls = getattr(owner, name), iter(range(1 << 30))

    def fail(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == at:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, fail)


def works(Pool: PoolClass) -> bool:
    with Pool(3) as pool:
        return pool.map(tasks.square, range(20), 1) == [n * n for n in range(20)]


@OURS
def test_the_thread_of_the_pool_cannot_be_started(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, nothing_new: None
) -> None:
    """The workers, which are there already, are ended again."""
    real_start = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("gopool"):
            raise RuntimeError("can't start new thread")
        real_start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="can't start new thread"):
                Pool(2)
    assert works(Pool)


@OURS
def test_the_thread_for_callbacks_cannot_be_started(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, nothing_new: None
) -> None:
    """The call raises, and the next one is called back if the thread can be started then."""
    called: list[int] = []
    with Pool(1) as pool:
        with monkeypatch.context() as patch:
            let_fail(patch, threading.Thread, "start", 0, RuntimeError("can't start new thread"))
            with pytest.raises(RuntimeError, match="can't start new thread"):
                pool.apply_async(tasks.square, (2,), callback=called.append)
        assert pool.apply_async(tasks.square, (3,), callback=called.append).get() == 9
        pool.close()
        pool.join()
    assert called == [9]


@OURS
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_worker_cannot_be_started(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, nothing_new: None, at: int
) -> None:
    """Whichever of three it is, the error is raised and the others are ended."""
    cls: Any = multiprocessing.get_context("fork").Process
    with monkeypatch.context() as patch:
        real_start, calls = cls._Popen, iter(range(9))

        def start(process: object) -> object:
            if next(calls) == at:
                raise BlockingIOError("no more processes")
            return real_start(process)

        patch.setattr(cls, "_Popen", staticmethod(start))
        with pytest.raises(BlockingIOError, match="no more processes"):
            Pool(3, context=multiprocessing.get_context("fork"))
    assert works(Pool)


@OURS
@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(socket, "socketpair"), (os, "memfd_create")],
    ids=["socketpair", "memfd_create"],
)
def test_a_worker_cannot_be_equipped(
    Pool: PoolClass,
    monkeypatch: pytest.MonkeyPatch,
    nothing_new: None,
    owner: object,
    name: str,
    at: int,
) -> None:
    """No descriptor is left for what a worker needs: OSError, and all workers are ended."""
    if not hasattr(owner, name):
        pytest.skip(f"no {name} here")
    with monkeypatch.context() as patch:
        error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        let_fail(patch, owner, name, at, error)
        with pytest.raises(OSError, match="Too many open files"):
            Pool(3, context=multiprocessing.get_context("fork"))
    assert works(Pool)


@OURS
@pytest.mark.parametrize("at", [0, 1, 2])
def test_memory_for_large_data_cannot_be_had(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, nothing_new: None, at: int
) -> None:
    """For the caller's or for a worker's: it is sent without, and small data as ever."""
    if not hasattr(os, "memfd_create"):
        pytest.skip("no memfd_create here")
    error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    let_fail(monkeypatch, os, "memfd_create", at, error)
    with Pool(2, context=multiprocessing.get_context("fork")) as pool:
        results = pool.map(tasks.identity, [bytes([n]) * 100_000 for n in range(8)], 1)
        assert results == [bytes([n]) * 100_000 for n in range(8)]
        assert pool.map(tasks.square, range(20), 1) == [n * n for n in range(20)]


@OURS
def test_ctrl_c_while_workers_are_started(
    monkeypatch: pytest.MonkeyPatch, nothing_new: None
) -> None:
    """It comes when all workers have somebody who ends them."""
    context = multiprocessing.get_context("fork")
    start: Any = context.Process._Popen

    def start_and_interrupt(process: Any) -> Any:
        popen = start(process)
        if os.getpid() == pid:
            signal.raise_signal(signal.SIGINT)
        return popen

    pid = os.getpid()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(context.Process, "_Popen", staticmethod(start_and_interrupt))
        with pytest.warns(ResourceWarning, match="unclosed"), pytest.raises(KeyboardInterrupt):
            gopool.Pool(2, context=context)
    finally:
        signal.signal(signal.SIGINT, handler)
