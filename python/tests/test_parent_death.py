"""When the parent is killed, its workers are gone soon, whatever they are doing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.latches import Gate, Mailbox
from support.processes import still_running
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing's workers outlive a killed parent"),
]

StartProgram = Callable[..., Program]

SOURCE = """
import multiprocessing
import gopool
from support import deaths, tasks
from support.latches import Gate, Mailbox

if __name__ == "__main__":
    mailbox, gate = Mailbox({mailbox!r}), Gate({gate!r})
    pool = gopool.Pool(2, context=multiprocessing.get_context({method!r}))
{body}
"""

BODIES = {
    "idle": """
    # Two tasks that meet at the gate: one for each worker, and over before the end.
    results = [pool.apply_async(tasks.arrive, (mailbox, gate, n)) for n in range(2)]
    [result.get() for result in results]
    mailbox.send("idle")
    pool.apply_async(tasks.nothing).get()
    multiprocessing.Event().wait()
    """,
    "sleeping": """
    pool.starmap(tasks.sleep_for_minutes, [(mailbox,)] * 4, 1)
    """,
    "in C code": """
    pool.starmap(tasks.loop_in_c, [(mailbox,)] * 4, 1)
    """,
    "replaced, in C code": """
    for _ in range(4):
        try:
            pool.apply(deaths.die_by, (9,))
        except gopool.WorkerLostError:
            pass
    pool.starmap(tasks.loop_in_c, [(mailbox,)] * 4, 1)
    """,
    "retired, in C code": """
    context = multiprocessing.get_context({method!r})
    with gopool.Pool(2, maxtasksperchild=1, context=context) as other:
        other.map(tasks.nothing, range(4), 1)
        other.starmap(tasks.loop_in_c, [(mailbox,)] * 4, 1)
    """,
    "started by a thread that ended": """
    import threading
    def start():
        global pool
        pool = gopool.Pool(2, context=multiprocessing.get_context({method!r}))
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    pool.starmap(tasks.loop_in_c, [(mailbox,)] * 4, 1)
    """,
    "ignoring SIGTERM": """
    context = multiprocessing.get_context({method!r})
    pool = gopool.Pool(2, deaths.ignore_sigterm, context=context)
    pool.starmap(tasks.loop_in_c, [(mailbox,)] * 4, 1)
    """,
}


@pytest.mark.parametrize("state", BODIES)
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_do_not_outlive_a_killed_parent(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, method: str, state: str
) -> None:
    """For every start method and every state of a worker; nothing keeps the parent's stdout."""
    body = BODIES[state].format(method=method)
    running = start_program(
        SOURCE.format(mailbox=mailbox.path, gate=gate.path, method=method, body=body)
    )
    pids = mailbox.receive_pids(2)
    if state == "idle":
        gate.open()
        assert mailbox.receive(1) == ["idle"]
    running.kill()
    assert still_running(pids) == []
    assert running.outcome().status == -9


WAITING = """
import multiprocessing, os
from gopool import Pool  # and its hook of fork, which is called before the one below
from support.latches import Gate, Mailbox

mailbox = Mailbox({mailbox!r})

def wait():
    mailbox.send(os.getpid())
    Gate({gate!r}).wait()

if __name__ == "__main__":
    os.register_at_fork(after_in_child=wait)
    pool = Pool(1, context=multiprocessing.get_context({method!r}))
    mailbox.send("started")
    multiprocessing.Event().wait()
else:
    wait()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_one_that_has_not_begun(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate, method: str
) -> None:
    """It waits in what it imports, or in what the program does in each forked child."""
    running = start_program(WAITING.format(mailbox=mailbox.path, gate=gate.path, method=method))
    messages = mailbox.receive(2)
    messages.remove("started")
    running.kill()
    assert still_running([int(messages[0])]) == []
    assert running.outcome().status == -9
