"""SIGTERM to a program whose handler ends it in the usual ways: its workers end with it."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from support.latches import Gate, Mailbox
from support.processes import still_running
from support.programs import Program

pytestmark = pytest.mark.gopool_only("multiprocessing's workers inherit the handler")

StartProgram = Callable[..., Program]

SOURCE = """
import multiprocessing, os, signal, sys
import gopool
from support import tasks
from support.latches import Gate, Mailbox

mailbox, gate = Mailbox({mailbox!r}), Gate({gate!r})

class Ended(Exception):
    pass

def fail():
    raise Ended

def handler(*_):
    {handler}

def main():
    global pool
    signal.signal(signal.SIGTERM, handler)
    with gopool.Pool(2, context=multiprocessing.get_context({method!r})) as pool:
        held = [pool.apply_async({task}) for _ in range(9)]
        gate.wait()
        mailbox.send("waiting")
        {wait}

if __name__ == "__main__":
    main()
"""

WAITS = {
    "get": "held[8].get()",
    "map": "pool.map(tasks.square, range(1000), 1)",
    "apply": "pool.apply(tasks.nothing)",
    "imap": "next(pool.imap(tasks.square, iter(range(1000))))",
    "join": "pool.close(); pool.join()",
}

#: Statement of the handler, status of the program, what it prints.
HANDLERS = {
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an exception": ("fail()", 1, "Ended"),
    "terminate and sys.exit": ("pool.terminate(); sys.exit(3)", 3, ""),
    "os._exit": ("os._exit(3)", 3, ""),
    "the default again": (
        "signal.signal(signal.SIGTERM, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGTERM)",
        -15,
        "",
    ),
}

TASKS = {
    "sleeps": "tasks.sleep_for_minutes, (mailbox,)",
    "in C": "tasks.loop_in_c, (mailbox,)",
}


def end(
    start_program: StartProgram,
    mailbox: Mailbox,
    gate: Gate,
    handler: str,
    wait: str,
    task: str = TASKS["sleeps"],
    method: str = "fork",
) -> tuple[int, str]:
    """Send SIGTERM to a program that waits; return its status and what it prints."""
    source = SOURCE.format(
        mailbox=mailbox.path, gate=gate.path, handler=handler, wait=wait, task=task, method=method
    )
    program = start_program(source)
    pids = mailbox.receive_pids(2)
    gate.open()
    assert mailbox.receive(1) == ["waiting"]
    program.process.send_signal(signal.SIGTERM)
    outcome = program.outcome()
    assert outcome.stdout == ""
    assert still_running(pids) == []
    return outcome.status, outcome.stderr


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("task", TASKS)
def test_a_handler_that_ends_the_program(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, handler: str, task: str
) -> None:
    """It runs while the main thread waits in Go, and takes busy workers down."""
    statement, status, text = HANDLERS[handler]
    outcome = end(start_program, mailbox, gate, statement, WAITS["get"], TASKS[task])
    assert outcome[0] == status
    assert outcome[1].rstrip().endswith(text)
    assert "PoolWorker" not in outcome[1]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_every_wait_is_left(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, wait: str, method: str
) -> None:
    """Whatever the program waits for."""
    outcome = end(start_program, mailbox, gate, "sys.exit(3)", WAITS[wait], method=method)
    assert outcome == (3, "")
