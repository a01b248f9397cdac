"""A program may end while its pool is at work: it ends promptly, silently and completely."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.latches import Gate, Mailbox
from support.processes import still_running
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing may hang or print errors at exit"),
]

StartProgram = Callable[..., Program]

METHODS = ("fork", "forkserver", "spawn")


@pytest.fixture
def go(make_gate: Callable[[], Gate]) -> Gate:
    """The gate that the program itself waits at, before it ends."""
    return make_gate()


def program(mailbox: Mailbox, gate: Gate, go: Gate, body: str, method: str = "fork") -> str:
    """Return a program that holds two workers, waits at ``go``, and ends as body says."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"""
import multiprocessing, os, sys, threading
import gopool
from support import tasks
from support.latches import Gate, Mailbox

mailbox, gate, go = Mailbox({mailbox.path!r}), Gate({gate.path!r}), Gate({go.path!r})

def start():
    pool = gopool.Pool(2, context=multiprocessing.get_context({method!r}))
    held = pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(50)], 1)
    pool.map_async(tasks.square, range(10_000))
    return pool, held

if __name__ == "__main__":
{lines}
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_program_that_forgets_its_pool(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, go: Gate, method: str
) -> None:
    """No with, no close, work outstanding: the end of the program is the end of the workers."""
    body = "pool, held = start()\ngo.wait()"
    running = start_program(program(mailbox, gate, go, body, method))
    pids = mailbox.receive_pids(2)
    go.open()
    outcome = running.outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
    assert still_running(pids) == []


ENDINGS = {
    "sys.exit in with": ("with start()[0] as pool:\n    go.wait()\n    sys.exit(3)", 3, ""),
    "exception": ("pool, held = start()\ngo.wait()\nraise KeyError('the end')", 1, "the end"),
    "close without join": ("pool, held = start()\ngo.wait()\npool.close()", 0, ""),
    "result only": ("held = start()[1]\ngo.wait()", 0, ""),
    "os._exit": ("pool, held = start()\ngo.wait()\nos._exit(4)", 4, ""),
    "in a function": ("def main():\n    pool = start()\n    go.wait()\nmain()", 0, ""),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_ways_to_end(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, go: Gate, ending: str
) -> None:
    """The status is the program's own, and nothing else is printed."""
    body, status, stderr = ENDINGS[ending]
    running = start_program(program(mailbox, gate, go, body))
    pids = mailbox.receive_pids(2)
    go.open()
    outcome = running.outcome()
    assert outcome.status == status
    assert stderr in outcome.stderr
    assert outcome.stderr.count("Traceback") == (1 if stderr else 0)
    assert bool(outcome.stderr) == bool(stderr)
    assert still_running(pids) == []


def test_a_pool_at_rest_does_not_delay_the_exit(start_program: StartProgram) -> None:
    """With all work done and everything still open."""
    source = """
        import gopool
        from support import tasks

        pools = [gopool.Pool(2) for _ in range(3)]
        for pool in pools:
            assert pool.map(tasks.square, range(5)) == [0, 1, 4, 9, 16]
    """
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")


def test_exit_while_a_daemon_thread_waits(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, go: Gate
) -> None:
    """A daemon thread inside ``get`` does not keep the interpreter, nor crash it."""
    body = (
        "pool, held = start()\nthreading.Thread(target=held.wait, daemon=True).start()\ngo.wait()"
    )
    running = start_program(program(mailbox, gate, go, body))
    pids = mailbox.receive_pids(2)
    go.open()
    outcome = running.outcome()
    assert (outcome.status, outcome.stderr) == (0, "")
    assert still_running(pids) == []


def test_a_pool_may_be_used_in_an_exit_handler_that_was_there_first(
    start_program: StartProgram,
) -> None:
    """Handlers registered after the first pool run before pools are ended."""
    source = """
        import atexit
        import gopool
        from support import tasks

        pool = gopool.Pool(1)
        atexit.register(lambda: print(pool.map(tasks.square, range(3))))
    """
    outcome = start_program(source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "[0, 1, 4]\n", "")
