"""Waiting in Python for something to have happened, in a way that Ctrl-C does not harm."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

#: Seconds that a thread waits at a time: Python answers Ctrl-C between waits.
SLICE = 0.1


class Latch:
    """Is opened once, for good, and any number of threads wait until it is.

    A `threading.Event` would not do. Ctrl-C, or a handler of another signal that raises,
    can come where it has just entered or is about to leave `with self._cond`, which is code
    of Python's, and leaves the lock in there taken: whoever sets or asks it then waits for ever.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._turnstile = threading.Lock()
        self._turnstile.acquire()

    def open(self) -> None:
        self.is_open = True
        self._let_one_pass()

    def wait(self, timeout: float | None) -> bool:
        """Block until it is open, at most so many seconds, and tell whether it is.

        Ctrl-C is answered also if another thread got the signal.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.is_open:
            left = SLICE if deadline is None else min(SLICE, deadline - time.monotonic())
            if self._turnstile.acquire(timeout=max(0, left)):
                self._let_one_pass()  # interrupted before this, the others look after a slice
            elif left < SLICE:
                break
        return self.is_open

    def _let_one_pass(self) -> None:
        with suppress(RuntimeError):  # one is passing
            self._turnstile.release()
