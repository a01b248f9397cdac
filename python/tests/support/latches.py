"""Latches between a test and its workers that survive the death of either side.

A lock that a killed process holds stays locked, so nothing here has one: each latch is a named pipe
or a file, known by its path. It travels as an argument, to workers of any start method.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass

DEADLINE = 20.0
"""Seconds after which something that should happen at once counts as failed."""


@dataclass(frozen=True)
class Gate:
    """A door that any number of processes wait at until it is opened, for good.

    Opening writes one byte into a named pipe that nobody ever reads, so who comes late passes too.
    The fixture that makes a gate keeps the pipe alive.
    """

    path: str

    def wait(self) -> None:
        """Block until the gate is open."""
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            poller = select.poll()
            poller.register(fd, select.POLLIN)
            poller.poll()
        finally:
            os.close(fd)

    def open(self) -> None:
        """Let everybody through."""
        fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, b"!")
        finally:
            os.close(fd)


@dataclass(frozen=True)
class Mailbox:
    """Short messages from workers to the test, which can wait for them."""

    path: str

    def send(self, message: object) -> None:
        """Post one line, in a single write."""
        fd = os.open(self.path, os.O_WRONLY)
        try:
            os.write(fd, f"{message}\n".encode())
        finally:
            os.close(fd)

    def receive(self, count: int, timeout: float = DEADLINE) -> list[str]:
        """Wait for ``count`` messages; fail when they are not there by the deadline."""
        messages: list[str] = []
        line = bytearray()
        deadline = time.monotonic() + timeout
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            poller = select.poll()
            poller.register(fd, select.POLLIN)
            while len(messages) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not poller.poll(left * 1000):
                    raise AssertionError(f"{len(messages)} of {count} messages in {timeout} s")
                byte = os.read(fd, 1)
                if byte == b"\n":
                    messages.append(line.decode())
                    line.clear()
                else:
                    line += byte
        finally:
            os.close(fd)
        return messages

    def receive_pids(self, count: int, timeout: float = DEADLINE) -> list[int]:
        """Wait for ``count`` messages that are process ids."""
        return [int(message) for message in self.receive(count, timeout)]

    def is_empty(self) -> bool:
        """Tell whether no message waits."""
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return not select.select([fd], [], [], 0)[0]
        finally:
            os.close(fd)


@dataclass(frozen=True)
class Ledger:
    """A file to which each task appends one line: what was run, and how often."""

    path: str

    def write(self, entry: object) -> None:
        """Append one line, in a single write."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, f"{entry}\n".encode())
        finally:
            os.close(fd)

    def read(self) -> list[str]:
        """Return all lines so far, in the order in which they were written."""
        try:
            with open(self.path) as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def numbers(self) -> list[int]:
        """Return all lines so far as sorted integers."""
        return sorted(int(line) for line in self.read())
