"""Functions that end their worker, or keep it from starting."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import threading
from typing import NoReturn

from .latches import Gate, Ledger, Mailbox
from .tasks import arrive


def die_by(number: int) -> NoReturn:
    os.kill(os.getpid(), number)
    while True:
        signal.pause()


def exit_with(code: int) -> NoReturn:
    os._exit(code)


def read_address_zero(_: object = None) -> bytes:
    return ctypes.string_at(0)


def crash_silently() -> bytes:
    """Die of SIGSEGV without the report that pytest's faulthandler would print."""
    faulthandler.disable()
    return read_address_zero()


def note_and_die_at(ledger: Ledger, fatal: frozenset[int], entry: int) -> int:
    """Write the entry; die without a trace for the fatal ones."""
    ledger.write(entry)
    if entry in fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return entry


def ignore_sigterm() -> None:
    """Initializer: a worker that cannot be asked to go."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def report_sigterm(mailbox: Mailbox) -> None:
    """Initializer: a worker that tells when it is asked to go, and stays."""
    signal.signal(signal.SIGTERM, lambda *_: mailbox.send("asked to go"))


def initialize_badly() -> NoReturn:
    raise LookupError("no such configuration")


def initialize_by_exit(code: int) -> NoReturn:
    os._exit(code)


def initialize_badly_while_missing(path: str) -> None:
    """Fail as long as the file is missing, and create it while failing."""
    if not os.path.exists(path):
        open(path, "w").close()
        raise LookupError("missing for the first time")


def initialize_badly_if_present(path: str) -> None:
    if os.path.exists(path):
        raise LookupError("present")


def die_at(fatal: int, value: int) -> int:
    """Die without a trace for one value; return the others."""
    if value == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def fill_and_die(size: int) -> NoReturn:
    """Write to so much memory, give it back, and die."""
    bytearray(b"x") * size
    os._exit(1)


def abort() -> NoReturn:
    os.abort()


def crash_with_many_threads(count: int, depth: int) -> bytes:
    """Crash while so many threads are so deep in recursion."""
    arrived = threading.Semaphore(0)

    def descend(left: int) -> None:
        if left:
            descend(left - 1)
        else:
            arrived.release()
            threading.Event().wait()

    for _ in range(count):
        threading.Thread(target=descend, args=(depth,), daemon=True).start()
        arrived.acquire()
    return read_address_zero()


def die_before_sending() -> None:
    """Have this worker end when it is about to send a result that it has encoded."""
    from gopool._outbox import Outbox

    Outbox._keep = lambda *_: os._exit(3)  # type: ignore[method-assign]


def exit_on_signal(*_: object) -> NoReturn:
    os._exit(9)


def set_handler(number: int) -> None:
    """Initializer: a handler that nobody else may call."""
    signal.signal(number, exit_on_signal)


class Method:
    """Has a method that tells the test that it is there, and waits."""

    def __init__(self, mailbox: Mailbox, gate: Gate) -> None:
        self.mailbox, self.gate = mailbox, gate

    def wait(self, value: int) -> int:
        return arrive(self.mailbox, self.gate, value)


def die_at_many(number: int) -> int:
    """End the process by SIGKILL at every fiftieth number."""
    return die_at(number - number % 50, number)
