"""The check that runs after each test sees every kind of leak."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable
from multiprocessing import shared_memory
from pathlib import Path

import pytest
from support import leaks, tasks
from support.latches import Gate
from support.programs import PYTEST, Program

StartProgram = Callable[..., Program]


def found_since(before: leaks.Snapshot, kind: str) -> bool:
    """Tell whether the check reports something of this kind; of no other kind may there be any.

    Names in /dev/shm are left out: other programs make them, too.
    """
    found = leaks.leaks_since(before, grace=0)
    found = [line for line in found if not line.startswith("shared_memory: /dev/shm/")]
    assert all(line.startswith(f"{kind}: ") for line in found), found
    return bool(found)


def test_nothing_is_found_where_nothing_is() -> None:
    """No false alarm."""
    before = leaks.take_snapshot()
    assert leaks.leaks_since(before) == []


def test_a_child_process_is_found(gate: Gate) -> None:
    """Running, and as a zombie that nobody has waited for."""
    before = leaks.take_snapshot()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    assert found_since(before, "processes")
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert found_since(before, "processes")
    os.waitpid(child, 0)
    assert not found_since(before, "processes")


def test_a_child_of_the_fork_server_is_found(gate: Gate) -> None:
    """The server is tolerated, its children are not."""
    context = multiprocessing.get_context("forkserver")
    before = leaks.take_snapshot()
    process = context.Process(target=gate.wait)
    process.start()
    assert any("processes: " in line for line in leaks.leaks_since(before, grace=0))
    gate.open()
    process.join()
    process.close()
    assert leaks.leaks_since(before) == []


def test_a_thread_is_found() -> None:
    """Made by ``threading``."""
    before = leaks.take_snapshot()
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    assert found_since(before, "threads")
    event.set()
    thread.join()
    assert not found_since(before, "threads")


@pytest.mark.parametrize(
    "open_one",
    [lambda: os.dup(1), lambda: os.memfd_create("leak"), lambda: os.pidfd_open(os.getpid())],
    ids=["dup", "memfd", "pidfd"],
)
def test_a_descriptor_is_found(open_one: Callable[[], int]) -> None:
    """Whatever it refers to."""
    before = leaks.take_snapshot()
    fd = open_one()
    assert found_since(before, "descriptors")
    os.close(fd)
    assert not found_since(before, "descriptors")


def test_a_descriptor_in_the_place_of_another_is_found(tmp_path: Path) -> None:
    """The number alone does not count."""
    reader, writer = os.pipe()
    os.close(writer)
    before = leaks.take_snapshot()
    os.close(reader)
    fd = os.open(tmp_path, os.O_RDONLY)
    assert fd == reader
    assert found_since(before, "descriptors")
    os.close(fd)


def test_a_mapping_of_shared_memory_is_found() -> None:
    """Beside the descriptors that belong to it."""
    before = leaks.take_snapshot()
    fd = os.memfd_create("leak")
    os.ftruncate(fd, 4096)
    mapping = mmap.mmap(fd, 4096)
    os.close(fd)
    line = "shared_memory: mapping of /memfd:leak (deleted)"
    assert line in leaks.leaks_since(before, grace=0)
    mapping.close()
    assert line not in leaks.leaks_since(before, grace=0)


def test_a_name_in_dev_shm_is_found() -> None:
    """Although nothing maps it."""
    before = leaks.take_snapshot()
    block = shared_memory.SharedMemory(create=True, size=1)
    block.close()
    line = f"shared_memory: /dev/shm/{block.name}"  # other programs make names, too
    assert line in leaks.leaks_since(before, grace=0)
    block.unlink()
    assert line not in leaks.leaks_since(before, grace=0)


def test_what_is_garbage_is_no_leak() -> None:
    """The check collects first: a cycle that holds a descriptor does not count."""

    class Holder:
        def __init__(self) -> None:
            self.me = self
            weakref.finalize(self, os.close, os.dup(1))

    before = leaks.take_snapshot()
    Holder()
    assert not found_since(before, "descriptors")


def test_a_pool_that_is_not_ended_is_found() -> None:
    """The leak that the check is for."""
    before = leaks.take_snapshot()
    pool = multiprocessing.Pool(1)
    pool.apply(tasks.nothing)
    kinds = {line.split(":")[0] for line in leaks.leaks_since(before, grace=0)}
    pool.terminate()
    pool.join()
    del pool
    assert kinds >= {"processes", "threads", "descriptors"}
    assert leaks.leaks_since(before) == []


def test_a_leaking_test_fails(tmp_path: Path, start_program: StartProgram) -> None:
    """End to end: pytest, with the fixtures of this directory, on a test that leaks."""
    (tmp_path / "test_leak.py").write_text(
        "import os, threading\n"
        "def test_clean(): pass\n"
        "def test_leaks_a_descriptor(): os.dup(1)\n"
        "def test_leaks_a_thread():\n"
        "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    options = ("--implementation=multiprocessing", "--grace=0.1")
    outcome = start_program(arguments=(*PYTEST, *options)).outcome()
    assert "3 passed, 2 errors" in outcome.stdout
    assert re.search(r"left over:\nE +descriptors: ", outcome.stdout)
    assert re.search(r"left over:\nE +threads: ", outcome.stdout)
