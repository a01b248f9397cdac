"""Tasks that are ended. Light to import, as that is a part of the first task of a worker."""

from __future__ import annotations

import os
import signal
from typing import Any

from .latches import Gate, Ledger, Mailbox
from .tasks import arrive


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


def note_and_arrive_from(
    first: int, ledger: Ledger, mailbox: Mailbox, gate: Gate, number: int
) -> int:
    """Note each number, and arrive and wait for all but those below `first`."""
    ledger.write(number)
    return number if number < first else arrive(mailbox, gate, number)


def note_from_zero(ledger: Ledger, number: int) -> int:
    """Note the number, but none below 0, for which the call is a short one."""
    if number >= 0:
        ledger.write(number)
    return number


def note_unless_held(ledger: Ledger, latches: tuple[Mailbox, Gate] | None, number: int) -> int:
    """Note the number; then return at once, or arrive and wait."""
    ledger.write(number)
    return number if latches is None else arrive(*latches, number)


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
