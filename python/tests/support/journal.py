"""What tasks write down of themselves: when each begins and ends, and in which process.

It knows nothing of pools. A record is appended in a single write, and its size divides that of a
page. A process that is killed makes such a write or does not make it, so each counts and none is
torn: Linux writes to a file page by page, and looks between two of them whether it is to end.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections import defaultdict
from dataclasses import dataclass, field

_RECORD = struct.Struct("<QIII12x")
assert mmap.PAGESIZE % _RECORD.size == 0
_STARTED, _ENDED, _BORN = 1, 2, 3

Key = tuple[int, int]
"""A job and the index of a task in it."""


@dataclass(frozen=True)
class Journal:
    """A file that tasks append to. It travels as an argument, by its path."""

    path: str

    def started(self, job: int, index: int) -> None:
        """Write down that a task has begun."""
        self._append(job, index, _STARTED)

    def ended(self, job: int, index: int) -> None:
        """Write down that a task is done."""
        self._append(job, index, _ENDED)

    def born(self) -> None:
        """Write down that there is a process, which has no task yet."""
        self._append(0, 0, _BORN)

    def _append(self, job: int, index: int, event: int) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, _RECORD.pack(job, index, os.getpid(), event))
        finally:
            os.close(fd)

    def read(self) -> Account:
        """Return what has been written so far."""
        account = Account()
        try:
            with open(self.path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return account
        for job, index, pid, event in _RECORD.iter_unpack(data):
            if event == _BORN:
                continue
            runs = account.starts if event == _STARTED else account.ends
            runs[job, index].append(pid)
            account.last[pid] = (job, index)
        return account

    def size(self) -> int:
        """Return how long it is: longer with each record."""
        try:
            return os.path.getsize(self.path)
        except FileNotFoundError:
            return 0

    def latest(self) -> tuple[int, bool] | None:
        """Return the process that wrote the last record, and whether it was just born."""
        try:
            with open(self.path, "rb") as file:
                file.seek(max(0, self.size() - _RECORD.size))
                data = file.read(_RECORD.size)
        except FileNotFoundError:
            return None
        if not data:  # somebody is about to write the first
            return None
        _, _, pid, event = _RECORD.unpack(data)
        return pid, event == _BORN


def _runs() -> defaultdict[Key, list[int]]:
    return defaultdict(list)


@dataclass
class Account:
    """The processes in which each task began and ended, and the last task of each process."""

    starts: defaultdict[Key, list[int]] = field(default_factory=_runs)
    ends: defaultdict[Key, list[int]] = field(default_factory=_runs)
    last: dict[int, Key] = field(default_factory=dict)
