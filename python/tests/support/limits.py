"""Tasks that exceed a time limit: they wait for ever. Light to import, as that is a part of a task."""

from __future__ import annotations

import os
import signal
from typing import Any

from .latches import Gate, Ledger, Mailbox


def wait_if_odd(gate: Gate, number: int) -> int:
    if number % 2:
        gate.wait()
    return number


def note_and_wait_at_last_of(count: int, ledger: Ledger, gate: Gate, number: int) -> int:
    """Note each number, and wait with the last of each `count`."""
    ledger.write(number)
    if number % count == count - 1:
        gate.wait()
    return number


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def tell_and_wait(mailbox: Mailbox, gate: Gate) -> None:
    """Tell a test the process, and wait: an initializer."""
    mailbox.send(os.getpid())
    gate.wait()


class WaitsWhenUnpickled:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def __reduce__(self) -> Any:
        return Gate.wait, (self.gate,)
