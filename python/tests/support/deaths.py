"""Functions that end their worker, or keep it from starting."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
from typing import NoReturn

from .latches import Ledger


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
