"""A pool belongs to the process that made it; a forked child learns so at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing's pool hangs in a forked child"),
]

StartProgram = Callable[..., Program]

PROLOGUE = """
import gc, multiprocessing, os, sys, warnings
import gopool
from support import tasks

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

def status_of(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def workers():
    return {process.pid for process in multiprocessing.active_children()}
"""


def run(start_program: StartProgram, source: str) -> None:
    """Run a program that must succeed silently; a child that hangs makes it fail."""
    outcome = start_program(PROLOGUE + source).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0


@pytest.mark.parametrize(
    "call",
    [
        "pool.apply(tasks.square, (3,))",
        "pool.apply_async(tasks.square, (3,))",
        "pool.map(tasks.square, [1, 2])",
        "pool.map_async(tasks.square, [1, 2])",
        "pool.starmap(tasks.add, [(1, 2)])",
        "pool.imap(tasks.square, [1, 2])",
        "result.get()",
        "result.get(1)",
    ],
)
def test_a_call_in_a_forked_child_raises_at_once(start_program: StartProgram, call: str) -> None:
    """RuntimeError, and then the child ends as usual; the parent's pool goes on."""
    run(
        start_program,
        f"""
with gopool.Pool(1) as pool:
    result = pool.apply_async(tasks.seconds, (3,))
    child = os.fork()
    if not child:
        try:
            {call}
        except RuntimeError as error:
            sys.exit(0 if "fork" in str(error) else 4)
        sys.exit(5)
    assert status_of(child) == 0
    assert result.get() == 3
    assert pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16]
""",
    )


def test_whatever_a_forked_child_calls(start_program: StartProgram) -> None:
    """It raises, or there was nothing to be done; nothing waits. The parent loses nothing."""
    run(
        start_program,
        """
import faulthandler

RAISE = [
    "pool.starmap_async(tasks.add, [(1, 2)])", "pool.imap_unordered(tasks.square, [1])",
    "pool.close()", "pool.dump()", "pool.__enter__()", "next(iterator)", "iterator.next(5)",
    "result.ready()", "result.wait()", "result.wait(1)", "called_back.get()",
    "called_back.ready()", "gathered[5].get()", "gathered[5].ready()", "large.get()",
    "threads.apply(tasks.square, (2,))", "threads.map(tasks.square, [2])", "threads.close()",
    "gopool.Pool(1)", "gopool.ThreadPool(1)",
]
DO_NOTHING = [
    "pool.terminate()", "threads.terminate()", "pool.__exit__(None, None, None)", "repr(pool)",
    "done.get()", "gopool.shared(bytes(10))",
]

def outcome_of(call):
    try:
        eval(call)
    except RuntimeError as error:
        return "raised" if "forked from" in str(error) else str(error)
    return "returned"

with gopool.Pool(1) as pool, gopool.ThreadPool(1) as threads:
    done = pool.apply_async(tasks.square, (3,))
    done.get()
    iterator = pool.imap(tasks.seconds, iter(range(2)))
    large = pool.apply_async(tasks.zeros, (1 << 20,))
    gathered = [pool.apply_async(tasks.square, (n,)) for n in range(50)]
    called_back = pool.apply_async(tasks.square, (3,), callback=tasks.nothing)
    result = pool.apply_async(tasks.square, (4,))
    for calls, expected in ((RAISE, "raised"), (DO_NOTHING, "returned")):
        for call in calls:
            child = os.fork()
            if not child:
                faulthandler.dump_traceback_later(20, exit=True)
                os._exit(0 if outcome_of(call) == expected else 4)
            assert status_of(child) == 0, call
    assert list(iterator) == [0, 1]
    assert large.get() == bytes(1 << 20)
    assert [result.get() for result in gathered] == [n * n for n in range(50)]
    assert (called_back.get(), result.get()) == (9, 16)
""",
    )


def test_a_forked_child_may_leave_the_with_block(start_program: StartProgram) -> None:
    """It ends nothing that is not its own, as with multiprocessing."""
    run(
        start_program,
        """
with gopool.Pool(2) as pool:
    assert set(pool.map(tasks.pid, range(20), 1)) <= (pids := workers())
    child = os.fork()
    if not child:
        sys.exit(0)
    assert status_of(child) == 0
    assert set(pool.map(tasks.pid, range(100), 1)) <= pids
""",
    )


def test_a_forked_child_may_drop_the_pool(start_program: StartProgram) -> None:
    """Finalizers and the collector do nothing there."""
    run(
        start_program,
        """
pool = gopool.Pool(2)
result = pool.map_async(tasks.square, range(5))
assert set(pool.map(tasks.pid, range(20), 1)) <= (pids := workers())
child = os.fork()
if not child:
    del pool, result
    gc.collect()
    sys.exit(0)
assert status_of(child) == 0
assert set(pool.map(tasks.pid, range(100), 1)) <= pids
assert result.get() == [0, 1, 4, 9, 16]
pool.close()
pool.join()
""",
    )


def test_a_forked_child_ends_by_itself(start_program: StartProgram) -> None:
    """Exit handlers, collector and threads of the child work with the extension loaded."""
    run(
        start_program,
        """
import atexit, subprocess, threading

with gopool.Pool(1) as pool:
    pool.apply(tasks.nothing)
for _ in range(20):
    child = os.fork()
    if not child:
        atexit.register(lambda: None)
        gc.collect()
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
        subprocess.run([sys.executable, "-c", ""], check=True)
        sys.exit(7)
    assert status_of(child) == 7
""",
    )


def test_a_forked_child_cannot_start_a_pool_after_its_parent_did(
    start_program: StartProgram,
) -> None:
    """Go does not survive the fork, so a new pool is refused as well, at once."""
    run(
        start_program,
        """
with gopool.Pool(1) as pool:
    pool.apply(tasks.nothing)
child = os.fork()
if not child:
    try:
        gopool.Pool(1)
    except RuntimeError as error:
        sys.exit(0 if "fork" in str(error) else 4)
    sys.exit(5)
assert status_of(child) == 0
""",
    )


def test_a_server_may_import_and_then_fork(start_program: StartProgram) -> None:
    """With the import in the master, each child has pools of its own."""
    run(
        start_program,
        """
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        with gopool.Pool(2) as pool:
            sys.exit(0 if pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16] else 1)
    children.append(child)
assert [status_of(child) for child in children] == [0, 0, 0]
with gopool.Pool(1) as pool:
    assert pool.apply(tasks.square, (3,)) == 9
""",
    )


def test_a_process_of_multiprocessing_may_be_forked_beside_a_pool(
    start_program: StartProgram,
) -> None:
    """Other children of the program, and the standard pool, are not disturbed."""
    run(
        start_program,
        """
import multiprocessing

context = multiprocessing.get_context("fork")
with gopool.Pool(2) as pool:
    process = context.Process(target=tasks.nothing)
    process.start()
    process.join()
    assert process.exitcode == 0
    with context.Pool(2) as other:
        assert other.map(tasks.square, range(5)) == pool.map(tasks.square, range(5))
""",
    )
