"""What the workers of a pool do at this moment: `Pool.dump`.

A worker process answers a signal by writing its stacks (`_traces`), also while C code
holds its GIL. One that is stopped does not, and is not waited for.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import FileIO

from . import _page, _traces
from ._doing import Task

#: Seconds that workers have to write their stacks.
PATIENCE = 1.0

_POLL = 0.002


class Subject:
    """A worker process that is asked for its stacks. It may end at any time."""

    def __init__(self, number: int, pid: int, page: int, size: int) -> None:
        """Take hold of a worker, which must not be reaped meanwhile.

        `page` is the descriptor of its page and `size` the size of that file, without stacks.
        """
        self.number = number
        self._pid = pid
        self._size = size
        self.task: Task | None = None  # that it is in
        self._wanted = False
        self._answer = ""
        self._why = ""
        # Each in one call, in which Ctrl-C can't come before there is somebody to close it.
        self._file = next(map(FileIO, map(os.dup, (page,))))
        self._process: FileIO | None = None
        if hasattr(os, "pidfd_open"):
            with suppress(OSError):
                self._process = next(map(FileIO, map(os.pidfd_open, (pid,))))

    def close(self) -> None:
        self._file.close()
        if self._process is not None:
            self._process.close()

    def ask(self) -> None:
        """Have it write its stacks, unless that would do it harm."""
        _traces.read(self._file.fileno(), self._size)  # what it was asked for before
        if self._slot(_page.SIGNAL) != _traces.SIGNAL or self._process is None:
            self._why = "it can't be asked for its stacks"
            return
        self._wanted = True
        if self._has_signal("ShdPnd:"):
            return  # it was stopped, and will answer once
        try:
            signal.pidfd_send_signal(self._process.fileno(), _traces.SIGNAL)
        except ProcessLookupError:
            self._wanted = False
            self._why = "it has ended"

    def has_answered(self) -> bool:
        """Tell whether there is nothing to be waited for (any more)."""
        if not self._wanted:
            return True
        if os.fstat(self._file.fileno()).st_size == self._size:
            return False
        # It has begun to write; the thread that does so has the signal blocked.
        return not self._has_signal("SigBlk:")

    def take(self) -> None:
        """Take what it has written."""
        if self._wanted:
            traces = _traces.read(self._file.fileno(), self._size)
            self._answer = traces.decode(errors="replace").strip()
        if self._wanted and not self._answer:
            states = self._statuses("State:")
            stopped = any(state.strip()[:1] in "Tt" for state in states)
            self._why = "no answer: it is stopped" if stopped else "no answer"

    def text(self) -> str:
        head = f"worker {self.number} (process {self._pid}) {self._doing()}"
        if self._why:
            head += f"; {self._why}"
        return head + (f"\n{indented(self._answer)}" if self._answer else "")

    def _doing(self) -> str:
        if self.task is None:
            return "is idle"
        return running(self.task)

    def _slot(self, slot: int) -> int:
        return int.from_bytes(os.pread(self._file.fileno(), 8, 8 * slot), sys.byteorder)

    def _has_signal(self, field: str) -> bool:
        """Tell whether our signal is in one of the sets that /proc shows, of any thread."""
        return any(int(mask, 16) >> (_traces.SIGNAL - 1) & 1 for mask in self._statuses(field))

    def _statuses(self, field: str) -> list[str]:
        """Return a field of /proc/…/status, of each thread."""
        found = []
        tasks = f"/proc/{self._pid}/task"
        with suppress(OSError):
            for thread in os.listdir(tasks):
                with suppress(OSError), open(f"{tasks}/{thread}/status") as file:
                    found += [line[len(field) :] for line in file if line.startswith(field)]
        return found


def question(subjects: Iterable[Subject]) -> list[str]:
    """Return what each of the processes does, within `PATIENCE`."""
    subjects = list(subjects)
    for subject in subjects:
        subject.ask()
    deadline = time.monotonic() + PATIENCE
    waiting = subjects
    while waiting and time.monotonic() < deadline:
        waiting = [subject for subject in waiting if not subject.has_answered()]
        if waiting:
            time.sleep(_POLL)
    for subject in subjects:
        subject.take()
    return [subject.text() for subject in subjects]


def name_of(function: Callable[..., object]) -> str:
    """Return the qualified name of a function, or the class of another callable."""
    name: str = getattr(function, "__qualname__", type(function).__qualname__)
    return name


def running(task: Task) -> str:
    return f"runs {task.function} (task {task.index}) for {task.seconds:.1f} s"


def indented(text: str) -> str:
    return "\n".join(f"  {line}" if line else "" for line in text.splitlines())
