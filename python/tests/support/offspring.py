"""Functions that start processes in workers and leave them running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from .latches import Gate, Ledger, Mailbox

_SLEEP = ["sleep", "600"]

#: Programs, children of programs and forks, that each post one id.
KINDS = 3


def start_all_kinds(mailbox: Mailbox) -> None:
    mailbox.send(subprocess.Popen(_SLEEP).pid)
    shell = "sleep 600 & echo $!; wait"
    program = subprocess.Popen(["sh", "-c", shell], stdout=subprocess.PIPE)
    assert program.stdout is not None
    mailbox.send(int(program.stdout.readline()))
    start_fork(mailbox, lambda: None)


def start_fork(mailbox: Mailbox, prepare: Callable[[], object]) -> None:
    """Fork a child that prepares itself and waits for signals."""
    if not os.fork():
        prepare()
        mailbox.send(os.getpid())
        while True:
            signal.pause()


def start_and_wait(mailbox: Mailbox, start: Callable[[Mailbox], object]) -> None:
    start(mailbox)
    time.sleep(600)


def start_deaf(mailbox: Mailbox) -> None:
    """Start one that ignores SIGTERM."""
    start_fork(mailbox, lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN))


def start_tidy(ledger: Ledger, mailbox: Mailbox) -> None:
    """Start one that tidies up when it is asked to end."""

    def tidy_up(*_: object) -> None:
        ledger.write("tidy")
        os._exit(0)

    start_fork(mailbox, lambda: signal.signal(signal.SIGTERM, tidy_up))


def start_daemon(mailbox: Mailbox) -> None:
    """Start one in a session, and so in a process group, of its own."""
    mailbox.send(subprocess.Popen(_SLEEP, start_new_session=True).pid)


def start_without_end(ledger: Ledger, mailbox: Mailbox) -> None:
    """Start one program after the other, and tell the test when there are some."""
    for n in range(400):
        ledger.write(subprocess.Popen(_SLEEP).pid)
        if n == 5:
            mailbox.send(n)
    time.sleep(600)


def start_as_initializer(mailbox: Mailbox, ledger: Ledger) -> None:
    """Initializer: start a program; tell at the worker's exit whether that still runs."""
    from multiprocessing.util import Finalize

    program: Any = subprocess.Popen(_SLEEP)
    mailbox.send(program.pid)
    Finalize(None, lambda: ledger.write(program.poll()), exitpriority=0)


def start_and_stop_self(mailbox: Mailbox, gate: Gate) -> None:
    """Start a program and have this worker stopped, as by a debugger."""
    mailbox.send(subprocess.Popen(_SLEEP).pid)
    os.kill(os.getpid(), signal.SIGSTOP)
    gate.wait()
