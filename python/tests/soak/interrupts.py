"""Ctrl-C at random moments, in the main thread, where the program is ready for it."""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from .tally import Tally

DELAYS = (0, 1e-4, 1e-3, 1e-2, 1e-1)
"""Seconds until the interrupt, at most: many calls do not take longer than a moment."""


class Interrupter:
    """A thread that sends this process SIGINT, which does nothing outside of ``interrupts``."""

    def __init__(self, tally: Tally, moments: random.Random) -> None:
        self._tally = tally
        self._moments = moments
        self._armed = False
        self._orders: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        self._former = signal.signal(signal.SIGINT, self._interrupt)
        self._thread = threading.Thread(target=self._send, name="interrupter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more."""
        self._orders.put(None)
        self._thread.join()
        signal.signal(signal.SIGINT, self._former)

    def interrupts(self, call: Callable[[], object], chance: float = 0.5) -> bool:
        """Make a call, which may be interrupted, and tell whether it was."""
        if self._moments.random() > chance:
            call()
            return False
        try:
            self._armed = True
            self._orders.put(
                self._moments.choice([0, 1e-4, 1e-3, 1e-2, 1e-1]) * self._moments.random()
            )
            try:
                call()
            finally:
                self._armed = False
        except KeyboardInterrupt:
            self._tally.add("fault: Ctrl-C")
            return True
        return False

    def insist(self, call: Callable[[], object]) -> None:
        """Make a call again and again until it is not interrupted."""
        while self.interrupts(call):
            pass

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def _send(self) -> None:
        while (delay := self._orders.get()) is not None:
            time.sleep(delay)
            os.kill(os.getpid(), signal.SIGINT)
