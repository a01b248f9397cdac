"""A forked child keeps what it inherits of large data, and disturbs nobody."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, large
from support.large import MB, array, is_array, slabs_in_use, soon
from support.latches import Gate, Mailbox
from support.programs import Program

import gopool

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("what is asked of shared memory, multiprocessing has not"),
]

StartProgram = Callable[..., Program]


def in_child(look: Callable[[], bool]) -> Callable[[], bool]:
    """Fork a child that looks; return what waits for it and tells what it saw."""
    pid = os.fork()
    if not pid:
        seen = False
        try:
            seen = look()
        finally:
            os._exit(0 if seen else 1)

    def wait() -> bool:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    return wait


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_has_what_there_was(Pool: PoolClass, mailbox: Mailbox, gate: Gate) -> None:
    """Not what the parent changes, nor what comes into the same slab when that is free."""
    with Pool(1) as pool:
        results = pool.apply(large.return_arrays, (7, 5))

        def look() -> bool:
            gate.wait()
            same = all(is_array(result, 7) for result in results)
            for result in results:
                result[:] = 9
            same = same and all(is_array(result, 9) for result in results)
            mailbox.send("changed")
            return same

        wait = in_child(look)
        assert all(is_array(result, 7) for result in results), "the parent waited for the child"
        results[0][:] = 8
        del results[1:]
        for _ in range(3):
            again = pool.apply(large.return_arrays, (5, 5))
        gate.open()
        assert mailbox.receive(1) == ["changed"]
        assert is_array(results[0], 8)
        assert all(is_array(result, 5) for result in again)
        assert wait()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_drops_results_frees_no_slab_of_its_parent(Pool: PoolClass) -> None:
    """Nor one that exits."""
    with Pool(1) as pool:
        results = pool.apply(large.return_arrays, (7, 3))

        def look() -> bool:
            results.clear()
            return True

        assert in_child(look)()
        others = [pool.apply(large.return_arrays, (n, 3)) for n in range(4)]
        assert all(is_array(result, 7) for result in results)
        assert all(is_array(r, n) for n, batch in enumerate(others) for r in batch)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_arguments_of_a_forked_child_are_not_the_parents(Pool: PoolClass) -> None:
    """A message that the parent is about to send is not taken back there."""
    from gopool import _arena, _packer

    with Pool(1) as pool:
        pool.apply(large.add_one, (array(1),))
        arena = _arena.own
        packed = _packer.Packer(arena, None).pack(array(3))
        assert slabs_in_use() == 1

        def look() -> bool:
            nonlocal packed
            own = _arena.own
            packed = b""
            return own is None

        assert in_child(look)()
        assert slabs_in_use() == 1
        del packed
        assert slabs_in_use() == 0


def fork_in_task(mailbox: Mailbox, gate: Gate, data: Any) -> Any:
    """Fork a child that looks at the argument after the worker has changed and dropped it."""

    def look() -> bool:
        gate.wait()
        mailbox.send(int(data[0]) + int(data[-1]))
        return True

    wait = in_child(look)
    data += 1
    result = data.copy()
    _waiting.append(wait)
    return result


_waiting: list[Callable[[], bool]] = []


def reap(_: object = None) -> bool:
    return _waiting.pop()()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_task_that_forks(Pool: PoolClass, mailbox: Mailbox, gate: Gate, method: str) -> None:
    """Its child has the argument as it was, while the slab is another message's."""
    with Pool(1, context=multiprocessing.get_context(method)) as pool:
        assert is_array(pool.apply(fork_in_task, (mailbox, gate, array(20))), 21)
        assert soon(lambda: slabs_in_use() == 0)
        for n in range(3):
            assert is_array(pool.apply(large.add_one, (array(n),)), n + 1)
        gate.open()
        assert mailbox.receive(1) == ["40"]
        assert pool.apply(reap)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_are_forked_while_results_are_held(Pool: PoolClass, method: str) -> None:
    """Those of another pool have what the first one's results were, and give it back changed."""
    context = multiprocessing.get_context(method)
    with Pool(1, context=context) as pool:
        results = pool.map(large.add_one, [array(n) for n in range(4)], 1)
        with Pool(2, context=context) as other:
            results[0][:] = 50
            assert all(
                is_array(result, n)
                for n, result in zip((51, 3, 4, 5), other.map(large.add_one, results), strict=True)
            )


def test_a_pool_in_a_child_of_a_worker(Pool: PoolClass) -> None:
    """Its messages are in an arena of its own, not in that of the worker."""
    for method in ("spawn", "fork"):
        with Pool(1, context=multiprocessing.get_context(method)) as pool:
            assert pool.apply(pool_in_a_child) == 0
            assert is_array(pool.apply(large.add_one, (array(1),)), 2)


def pool_in_a_child() -> int:
    if "gopool._native" in __import__("sys").modules:
        return 0  # forked from a process with Go
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]

    def look() -> bool:
        with gopool.Pool(1, context=multiprocessing.get_context("spawn")) as pool:
            return is_array(pool.apply(large.add_one, (array(4),)), 5)

    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = 0 if look() else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_pool_in_a_worker(Pool: PoolClass) -> None:
    """For programs that make their workers not daemonic: results and arguments do not mix."""
    with Pool(1, context=multiprocessing.get_context("spawn")) as pool:
        for n in range(2):
            assert is_array(pool.apply(pool_in_a_worker, (array(n),)), n + 2)
        assert soon(lambda: slabs_in_use() == 0)


def pool_in_a_worker(data: Any) -> Any:
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    with gopool.Pool(1, context=multiprocessing.get_context("spawn")) as pool:
        inner = pool.apply(large.add_one, (data,))
        return inner + 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_waits_for_nobody_where_nothing_is_held(Pool: PoolClass) -> None:
    """No pipe is made, and many forks at once from threads come to an end."""
    import threading

    with Pool(1) as pool:
        result = pool.apply(large.add_one, (array(1),))
        seen = []

        def fork() -> None:
            for _ in range(10):
                seen.append(in_child(lambda: is_array(result, 2))())

        threads = [threading.Thread(target=fork) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [True] * 30


def test_what_is_held_is_copied_and_nothing_else(Pool: PoolClass) -> None:
    """A child of a pool with little in it has little to copy."""
    from gopool import _snapshot

    with Pool(1) as pool:
        assert not _snapshot._held
        result = pool.apply(large.add_one, (array(1, 2 * MB),))
        assert sum(length for _, length, _ in _snapshot._held.values()) < 3 * MB
        del result
        assert not _snapshot._held


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_garbage_is_collected_while_it_is_copied(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects over slabs, in cycles: a child does not look for them where they are not any more."""
    from gopool import _snapshot

    def collect_and_copy(address: int, length: int) -> None:
        gc.collect()
        copy(address, length)

    copy = _snapshot._copy
    monkeypatch.setattr(_snapshot, "_copy", collect_and_copy)
    gc.disable()
    try:
        for value in range(5):  # each in the region of a worker of its own
            with Pool(1) as pool:
                garbage: list[Any] = [pool.apply(large.array, (value,))]
                garbage.append(garbage)
        del garbage
        assert in_child(lambda: True)()
    finally:
        gc.enable()


COLLECTS_FIRST = """
import gc
import os

os.register_at_fork(after_in_child=gc.collect)  # before all hooks of gopool

import numpy

import gopool
from gopool import _lender

gc.disable()
with gopool.Pool(1) as pool:
    garbage = [pool.apply(numpy.ones, (1 << 20,))]
    garbage.append(garbage)
    (lender,) = _lender.lenders.values()
    del garbage
    if not os.fork():
        os._exit(0)
    os.wait()
    print(lender.region().is_held(0))
"""


def test_garbage_is_collected_before_any_hook_has_run(start_program: StartProgram) -> None:
    """A child lets nothing go that its parent has not collected yet."""
    outcome = start_program(COLLECTS_FIRST).outcome()
    assert (outcome.status, outcome.stdout) == (0, "True\n"), outcome.stderr


INTERRUPTED = """
import os
import sys
import warnings

import gopool
from gopool import _arena, _core, _lender, _process, _snapshot
from support.large import is_array, return_arrays

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
parent, left = os.getpid(), 0


def handle_signal():
    if handler == "raises":
        raise KeyboardInterrupt
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def trace(frame, event, _):
    global left
    if not frame.f_globals.get("__name__", "").startswith("gopool."):
        return None
    if event != "return" and (os.getpid() == parent) == (process == "parent"):
        left -= 1
        if left == 0:
            handle_signal()
    return trace


def is_free_of_parent():
    return not (
        _core.is_usable() or _process._held or _arena.own or _lender.lenders or _snapshot._held
    )


sys.unraisablehook = lambda _: None  # Python tells what hooks raise
with gopool.Pool(1) as pool:
    (data,) = pool.apply(return_arrays, (7, 1))
    step, interrupted = 0, True
    while interrupted:
        step += 1
        left = step
        sys.settrace(trace)
        child = os.fork()
        sys.settrace(None)
        if not child:
            # 10: all is well, 11: and it was not interrupted.
            os._exit(10 + (left > 0) if is_free_of_parent() and is_array(data, 7) else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (10, 11, os.EX_OSERR), (step, status)
        interrupted = left <= 0 if process == "parent" else status != 11
    assert is_array(data, 7)
    assert is_array(pool.apply(return_arrays, (8, 1))[0], 8)
print(step)
"""


@pytest.mark.parametrize(
    ("process", "handler"), [("parent", "raises"), ("parent", "forks"), ("child", "raises")]
)
def test_a_fork_is_interrupted_at_each_step_of_its_hooks(
    start_program: StartProgram, process: str, handler: str
) -> None:
    """No lock stays taken, and a child never takes its parent's pool for its own.

    It may be ended where it copies, as it can't go on with data that others write to.
    """
    outcome = start_program(f"{process = }\n{handler = }\n{INTERRUPTED}").outcome()
    assert outcome.status == 0, outcome.stderr
    assert int(outcome.stdout) > 10
