"""When nothing is done any more: print what every thread, goroutine and worker does, and end."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

from support import standstill

STALLED = 3
"""Exit status of a run that made no progress."""


class Watchdog:
    """A thread that ends the program when ``progress`` is older than ``patience`` seconds."""

    def __init__(self, progress: Callable[[], float], patience: float) -> None:
        self._progress = progress
        self._patience = patience
        self._off = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._off.set()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        while not self._off.wait(1):
            # For when this thread can't run either: that one needs no interpreter.
            faulthandler.dump_traceback_later(self._patience + 30, exit=True)
            if time.monotonic() - self._progress() > self._patience:
                self._bark()

    def _bark(self) -> None:
        print(f"\nno progress in {self._patience:g} s", file=sys.stderr)
        standstill.explain()
        sys.stderr.flush()
        faulthandler.dump_traceback(all_threads=True)
        os._exit(STALLED)
