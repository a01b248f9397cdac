"""Ctrl-C, which reaches the whole foreground group: one KeyboardInterrupt, in the parent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from support.latches import Gate, Mailbox
from support.processes import still_running
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing's workers print a traceback each"),
]

StartProgram = Callable[..., Program]

SOURCE = """
import multiprocessing, signal, sys, threading
import gopool
from support import tasks
from support.latches import Gate, Mailbox

# What a shell leaves to a foreground program, even if this one was started in the background.
signal.signal(signal.SIGINT, signal.default_int_handler)
mailbox, gate = Mailbox({mailbox!r}), Gate({gate!r})

if __name__ == "__main__":
    with gopool.Pool(2, context=multiprocessing.get_context({method!r})) as pool:
        held = [pool.apply_async({task}) for _ in range(9)]
{body}
    sys.exit(5)
"""

WAITS = {
    "get": "held[8].get()",
    "get with timeout": "held[8].get(500)",
    "wait": "held[8].wait()",
    "imap": "next(pool.imap(tasks.square, iter(range(1000))))",
    "imap with timeout": "pool.imap_unordered(tasks.square, [1]).next(500)",
    "map": "pool.map(tasks.square, range(1000), 1)",
    "apply": "pool.apply(tasks.nothing)",
    "join": "pool.close(); pool.join()",
}

TASKS = {
    "python": "tasks.arrive, (mailbox, gate, 1)",
    "C": "tasks.loop_in_c, (mailbox,)",
}


def interrupt(
    start_program: StartProgram,
    mailbox: Mailbox,
    gate: Gate,
    body: str,
    *,
    task: str = TASKS["python"],
    method: str = "fork",
) -> tuple[int, str, str]:
    """Start the program, press Ctrl-C once both workers are busy, and see what it leaves."""
    source = SOURCE.format(
        mailbox=mailbox.path, gate=gate.path, task=task, method=method, body=body
    )
    running = start_program(source)
    messages = mailbox.receive(3)
    pids = [int(message) for message in messages if message != "waiting"]
    start = time.monotonic()
    running.interrupt_group()
    outcome = running.outcome()
    assert time.monotonic() - start < 10
    assert still_running(pids) == []
    return outcome.status, outcome.stdout, outcome.stderr


@pytest.mark.parametrize("wait", WAITS)
def test_an_interrupt_while_waiting(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, wait: str
) -> None:
    """KeyboardInterrupt is raised where the program waits; workers are silent and gone."""
    body = f"""
        try:
            mailbox.send("waiting")
            {WAITS[wait]}
        except KeyboardInterrupt:
            print("interrupted")
            sys.exit(0)
    """
    assert interrupt(start_program, mailbox, gate, body) == (0, "interrupted\n", "")


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("task", TASKS)
def test_an_interrupt_that_nobody_catches(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, method: str, task: str
) -> None:
    """The program ends by the signal, with the one traceback that it would have without a pool."""
    body = """
        mailbox.send("waiting")
        held[8].get()
    """
    status, stdout, stderr = interrupt(
        start_program, mailbox, gate, body, task=TASKS[task], method=method
    )
    assert status == -2
    assert stdout == ""
    assert stderr.count("Traceback") == 1
    assert stderr.endswith("KeyboardInterrupt\n")


def test_an_interrupt_is_answered_promptly(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate
) -> None:
    """Although the main thread waits in Go: the handler runs within half a second.

    Once at least: a machine that is busy may be late, but not each time.
    """
    body = """
        import os, time

        def interrupt():
            times.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        for _ in range(10):
            times = []
            try:
                threading.Timer(0.5, interrupt).start()
                held[8].get()
            except KeyboardInterrupt:
                if time.monotonic() - times[0] < 0.5:
                    print("promptly", flush=True)
                    break
        os._exit(0)
    """
    source = SOURCE.format(
        mailbox=mailbox.path, gate=gate.path, task=TASKS["python"], method="fork", body=body
    )
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "promptly\n", "")


def test_other_handlers_run_while_waiting(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate
) -> None:
    """A handler that returns does not end the wait."""
    body = """
        import os
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: (seen.append(1), gate.open()))
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        assert held[8].get() == 1
        assert seen == [1]
        print("went on")
        sys.exit(0)
    """
    source = SOURCE.format(
        mailbox=mailbox.path, gate=gate.path, task=TASKS["python"], method="fork", body=body
    )
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "went on\n", "")


def test_workers_survive_an_interrupt_that_the_parent_handles(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate
) -> None:
    """A program that catches KeyboardInterrupt inside the block can go on with the same pool."""
    body = """
        try:
            mailbox.send("waiting")
            held[8].get()
        except KeyboardInterrupt:
            gate.open()
            assert held[8].get() == 1
            assert pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16]
            print("went on")
            sys.exit(0)
    """
    assert interrupt(start_program, mailbox, gate, body) == (0, "went on\n", "")


# The time that workers have to end by themselves is not over before the test says so.
STUBBORN = """
import multiprocessing, signal, sys
import gopool
from support import deaths, tasks
from support.latches import Gate, Mailbox

signal.signal(signal.SIGINT, signal.default_int_handler)
mailbox = Mailbox({mailbox!r})

def main():
    from gopool import _supervisor

    ended = _supervisor.ended
    _supervisor.ended = lambda workers, left: Gate({over!r}).wait() or ended(workers, left)
    context = multiprocessing.get_context({method!r})
    with gopool.Pool(2, deaths.report_sigterm, (mailbox,), context=context) as pool:
        held = [pool.apply_async(tasks.sleep_again_and_again, (mailbox,)) for _ in range(9)]
        Gate({gate!r}).wait()
        mailbox.send("waiting")
        {wait}

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("wait", [*WAITS.values(), "pool.terminate()", "pass"])
def test_a_second_interrupt(
    start_program: StartProgram,
    mailbox: Mailbox,
    make_gate: Callable[[], Gate],
    wait: str,
    method: str,
) -> None:
    """While the block is left because of the first: the workers end all the same, in silence."""
    gate, over = make_gate(), make_gate()
    source = STUBBORN.format(
        mailbox=mailbox.path, gate=gate.path, over=over.path, method=method, wait=wait
    )
    program = start_program(source)
    pids = mailbox.receive_pids(2)
    gate.open()
    assert mailbox.receive(1) == ["waiting"]
    if wait in WAITS.values():
        program.interrupt_group()
    for _ in range(2):
        assert mailbox.receive(1) == ["asked to go"]
        program.interrupt_group()
    over.open()
    outcome = program.outcome()
    assert (outcome.status, outcome.stdout) == (-2, "")
    assert "KeyboardInterrupt" in outcome.stderr
    assert "PoolWorker" not in outcome.stderr
    assert "sleep_again" not in outcome.stderr
    assert still_running(pids) == []


def test_an_interrupt_while_workers_start(start_program: StartProgram, mailbox: Mailbox) -> None:
    """They print nothing, though Python is in the middle of its imports there."""
    program = start_program(f"""
        import multiprocessing, os, signal
        import gopool
        from support import tasks
        from support.latches import Mailbox

        signal.signal(signal.SIGINT, signal.default_int_handler)
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGINT)

        def main():
            try:
                with gopool.Pool(3, context=multiprocessing.get_context("spawn")) as pool:
                    Mailbox({mailbox.path!r}).send("started")
                    pool.map(tasks.sleep_for_minutes, [Mailbox({os.devnull!r})] * 3, 1)
            except KeyboardInterrupt:
                print("interrupted")

        if __name__ == "__main__":
            main()
        """)
    mailbox.receive(1)
    program.interrupt_group()
    outcome = program.outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "interrupted\n", "")
