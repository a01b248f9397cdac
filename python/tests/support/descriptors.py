"""What a process has open, and what of that a program inherits that it starts."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

LIST = """
import os
for fd in os.listdir("/proc/self/fd"):
    try:
        print(os.readlink(f"/proc/self/fd/{fd}"))
    except FileNotFoundError:
        pass
"""


def inherited(_: object = None) -> list[str]:
    """Return the files that a program has which is started with all that is inheritable."""
    command = [sys.executable, "-I", "-S", "-c", LIST]
    listed = subprocess.run(command, close_fds=False, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


def opened(_: object = None) -> list[str]:
    """Return the files that this process has open."""
    return [file for _, file in _opened()]


def lifelines(_: object = None) -> list[str]:
    """Return the pipes of this process that kill it when their other end is closed."""
    return [file for fd, file in _opened() if fcntl.fcntl(fd, fcntl.F_GETSIG) == signal.SIGKILL]


def names_of_sockets() -> list[bytes | str]:
    """Return the addresses of all sockets of this process."""
    return [sock.getsockname() for sock in _sockets()]


def send_rubbish(data: bytes) -> None:
    """Write into each socket that this process has, and stay in this task."""
    for sock in _sockets():
        sock.sendall(data)
    threading.Event().wait()


def send_and_die(data: bytes) -> None:
    """Write into each socket that this process has, and die."""
    for sock in _sockets():
        sock.sendall(data)
    os.kill(os.getpid(), signal.SIGKILL)


def _opened() -> Iterator[tuple[int, str]]:
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(FileNotFoundError):  # that of the directory
            yield fd, os.readlink(f"/proc/self/fd/{fd}")


def _sockets() -> Iterator[socket.socket]:
    for fd, file in _opened():
        if file.startswith("socket:"):
            sock = socket.socket(fileno=fd)
            yield sock
            sock.detach()
