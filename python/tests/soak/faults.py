"""Signals to the workers of one pool."""

from __future__ import annotations

import random
import signal
import threading
import time
import traceback

from support.journal import Journal
from support.processes import kill_child

from .tally import Tally

FATAL = (signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
FREEZE = 0.1
"""Seconds that a worker is stopped, at most."""

INFANTICIDES = 2
"""How many workers of a pool are killed before they have a task: more in a row would break it."""

HARMLESS = (signal.SIGINT, signal.SIGSTOP, signal.SIGSTOP)


class Faults:
    """A thread that sends signals to those who write in a journal, until it is told to stop."""

    def __init__(
        self, journal: Journal, tally: Tally, moments: random.Random, pause: float
    ) -> None:
        """Begin; ``pause`` seconds, at most, are between two signals."""
        self._journal = journal
        self._tally = tally
        self._moments = moments
        self._pause = pause
        self._off = threading.Event()
        self._stopped: list[tuple[float, int]] = []
        self.killed: set[int] = set()
        self.wrong: list[str] = []
        self._infanticides = INFANTICIDES
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self._thread.start()

    def stop(self, *, leave_stopped: bool) -> None:
        """Inject no more, and have those that were stopped go on, or leave them as they are."""
        self._off.set()
        self._thread.join()
        if not leave_stopped:
            for _, pid in self._stopped:
                kill_child(pid, signal.SIGCONT)

    def _run(self) -> None:
        try:
            self._inject()
        except Exception:
            self.wrong.append(traceback.format_exc())

    def _inject(self) -> None:
        seen = 0
        while not self._off.wait(self._moments.uniform(0, self._pause)):
            if (size := self._journal.size()) > seen:
                seen = size
                self._tally.touch()
            now = time.monotonic()
            for _, stopped in [entry for entry in self._stopped if entry[0] <= now]:
                kill_child(stopped, signal.SIGCONT)
            self._stopped = [entry for entry in self._stopped if entry[0] > now]
            if (latest := self._journal.latest()) is None:
                continue
            pid, newborn = latest
            number = self._moments.choice(FATAL + HARMLESS)
            if newborn and number in FATAL:
                if not self._infanticides:
                    continue
                self._infanticides -= 1
            if not kill_child(pid, number):
                continue
            if number in FATAL:
                self.killed.add(pid)
            self._tally.add(f"fault: {number.name}")
            if number == signal.SIGSTOP:
                self._stopped.append((now + self._moments.uniform(0, FREEZE), pid))
