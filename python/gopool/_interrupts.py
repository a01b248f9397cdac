"""Steps that Ctrl-C must not come between, or not keep from being made."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred() -> Iterator[None]:
    """Have Ctrl-C come when the block has been left, if this is the thread it comes to."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[-1])


@contextmanager
def blocked() -> Iterator[None]:
    """Have Ctrl-C wait in this thread, and in processes that it starts until they unblock it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def register_at_fork(**hooks: Callable[[], object]) -> None:
    """Do what `os.register_at_fork` does, for hooks that must not be missed.

    Where a signal's handler raises in a hook, perhaps before its first line, Python reports
    that and goes on with the next one. So each is called twice. The second call does what
    the first has left, and otherwise nothing.
    """
    for _ in range(2):
        os.register_at_fork(**hooks)
