"""Callbacks that will never be called: nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox
from support.programs import Program

import gopool

StartProgram = Callable[..., Program]

IN_A_FORKED_CHILD = """
import os, sys, warnings
import gopool
from support import tasks
from support.latches import Gate, Mailbox

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
mailbox, gate = Mailbox({mailbox!r}), Gate({gate!r})

with gopool.Pool(1) as pool:
    called = []
    result = pool.{submit}, callback=called.append, error_callback=called.append)
    child = os.fork()
    if not child:
        try:
            result.{call}
        except RuntimeError as error:
            os._exit(0 if "fork" in str(error) else 4)
        os._exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.open()
    assert result.get() == {expected}
    assert called == [{expected}]
"""


@pytest.mark.gopool_only("multiprocessing hangs in a forked child")
@pytest.mark.parametrize("call", ["get()", "get(60)", "wait()", "wait(60)"])
@pytest.mark.parametrize(
    ("submit", "expected"),
    [
        ("apply_async(tasks.arrive, (mailbox, gate, 1)", "1"),
        ("starmap_async(tasks.arrive, [(mailbox, gate, 1)] * 2", "[1, 1]"),
    ],
    ids=["apply_async", "starmap_async"],
)
def test_a_forked_child_does_not_wait_for_a_callback(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, submit: str, call: str, expected: str
) -> None:
    """The thread that would call back is the parent's: RuntimeError at once, as without one."""
    source = IN_A_FORKED_CHILD.format(
        mailbox=mailbox.path, gate=gate.path, submit=submit, call=call, expected=expected
    )
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize("count", [1, 500])
def test_terminate_calls_nobody_back(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, count: int
) -> None:
    """Neither for the task that runs nor for those that wait is there a callback of any kind."""
    called: list[object] = []
    with Pool(1) as pool:
        for n in range(count):
            pool.apply_async(
                tasks.arrive,
                (mailbox, gate, n),
                callback=called.append,
                error_callback=called.append,
            )
        pool.map_async(tasks.square, range(9), 1, called.append, called.append)
        mailbox.receive(1)
        pool.terminate()
        pool.join()
    assert called == []


@pytest.mark.gopool_only("multiprocessing hangs in get() after terminate()")
def test_results_with_callbacks_raise_after_terminate(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """``get`` does not wait for the callback that will not come."""
    called: list[object] = []
    with Pool(1) as pool:
        results = [
            pool.apply_async(tasks.arrive, (mailbox, gate, n), error_callback=called.append)
            for n in range(50)
        ]
        mailbox.receive(1)
    for result in results:
        assert result.ready()
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()
    assert called == []
