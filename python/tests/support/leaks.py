"""What a test may leave behind: nothing.

A snapshot lists the child processes, threads, descriptors and shared memory of this process.
Python's own helpers (the fork server, the resource tracker, the heap behind
``multiprocessing.Value``) live as long as the interpreter and are not counted.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker

import psutil

GRACE = 20.0
"""Seconds until what is on its way out counts as left behind."""

KINDS = ("processes", "threads", "descriptors", "shared_memory")

_HEAP = "/pym-"
"""Part of the file name of every block of the heap behind ``multiprocessing.Value``."""


@dataclass(frozen=True)
class Snapshot:
    """What there is, by a key that is never used again, with a description for people."""

    processes: Mapping[object, str]
    threads: Mapping[object, str]
    descriptors: Mapping[object, str]
    shared_memory: Mapping[object, str]


def take_snapshot() -> Snapshot:
    """Look at this process, after a full garbage collection."""
    gc.collect()
    return Snapshot(_processes(), _threads(), _descriptors(), _shared_memory())


def leaks(before: Snapshot, after: Snapshot) -> list[str]:
    """Describe what is in ``after`` and was not in ``before``."""
    found = []
    for kind in KINDS:
        old, new = getattr(before, kind), getattr(after, kind)
        found += [f"{kind}: {new[key]}" for key in new if key not in old]
    return found


def growth(before: Snapshot, after: Snapshot) -> dict[str, int]:
    """Tell by how much each kind has grown in number."""
    return {kind: len(getattr(after, kind)) - len(getattr(before, kind)) for kind in KINDS}


def leaks_since(before: Snapshot, grace: float = GRACE) -> list[str]:
    """Describe what has been left behind, once the grace period is over."""
    deadline = time.monotonic() + grace
    while found := leaks(before, take_snapshot()):
        if time.monotonic() >= deadline:
            return found
        time.sleep(0.02)
    return []


def _processes() -> dict[object, str]:
    helpers = {
        getattr(forkserver._forkserver, "_forkserver_pid", None),
        getattr(resource_tracker._resource_tracker, "_pid", None),
    }
    found: dict[object, str] = {}
    for child in psutil.Process().children(recursive=True):
        if child.pid in helpers:
            continue
        try:
            found[child.pid, child.create_time()] = f"{child.pid} {child.status()} {child.name()}"
        except psutil.NoSuchProcess:
            continue
    return found


def _threads() -> dict[object, str]:
    """Return all threads that Python knows, also those that were not made by ``threading``."""
    found: dict[object, str] = {ident: f"unnamed {ident}" for ident in sys._current_frames()}
    found |= {thread.ident: thread.name for thread in threading.enumerate()}
    return found


def _descriptors() -> dict[object, str]:
    found: dict[object, str] = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
        if _HEAP not in target:
            found[name, target] = f"{name} -> {target}"
    return found


def _shared_memory() -> dict[object, str]:
    # Semaphores have a name only until they are made, and what other libraries make is other
    # programs' own: no test has them in this process.
    others = ("sem.mp-", "sem.loky-", "joblib_")
    names = [name for name in os.listdir("/dev/shm") if not name.startswith(others)]
    found: dict[object, str] = {name: f"/dev/shm/{name}" for name in names}
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            if len(fields) < 6:
                continue
            inode, path = fields[4], fields[5].rstrip()
            if path.startswith(("/memfd:", "/dev/shm/", "/dev/zero")) and _HEAP not in path:
                found[inode, path] = f"mapping of {path}"
    return found
