"""Without shared memory, or too little of it: the same results, or an error that says why."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, large, sharing
from support.large import MB, array, is_array, slabs_in_use
from support.programs import Program

import gopool
from gopool import _arena, _lender, _memory, _region

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing has no shared memory for data"),
]

StartProgram = Callable[..., Program]


def use(Pool: PoolClass, method: str) -> None:
    """Send large data in every way, and compare what comes."""
    with Pool(2, context=multiprocessing.get_context(method)) as pool:
        assert is_array(pool.apply(large.add_one, (array(1),)), 2)
        results = pool.map(large.add_one, [array(n) for n in range(8)], 1)
        assert all(is_array(result, n + 1) for n, result in enumerate(results))
        results[0][:] = 3
        unordered = pool.imap_unordered(large.add_one, (array(n) for n in range(8)))
        assert sorted(int(result[-1]) for result in unordered) == list(range(1, 9))
        assert pool.apply(len, (bytes(MB),)) == MB
        reference = gopool.shared(array(4))
        assert pool.map(sharing.first_and_sum, [reference] * 4, 1) == [(4, 4 * MB)] * 4
        assert pool.apply(sharing.is_read_only, (reference,)) == (_arena.own is not None)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_switched_off(Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """GOPOOL_SHARED_MEMORY=0: all goes through the socket."""
    monkeypatch.setenv("GOPOOL_SHARED_MEMORY", "0")
    use(Pool, method)
    with Pool(1) as pool:
        pool.apply(large.add_one, (array(1),))
        assert _arena.own is None
        assert large.blocks() <= 1 << 16, "a page"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_without_memfd(Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """GOPOOL_MEMFD=0: files without a name in /dev/shm."""
    monkeypatch.setenv("GOPOOL_MEMFD", "0")
    use(Pool, method)
    with Pool(1) as pool:
        assert is_array(pool.apply(large.add_one, (array(1),)), 2)
        assert _arena.own is not None
        assert os.readlink(f"/proc/self/fd/{_arena.own.fd}").startswith("/dev/shm/gopool-")
        assert _arena.own._is_bounded
        assert slabs_in_use() <= 1


def refuse_shm(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """Have no file be made in /dev/shm."""
    make: Any = tempfile.mkstemp

    def mkstemp(*arguments: Any, dir: Any = None, **options: Any) -> Any:
        if dir == "/dev/shm":
            raise error
        return make(*arguments, dir=dir, **options)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    monkeypatch.setenv("GOPOOL_MEMFD", "0")


def test_without_a_directory_for_shared_memory(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory for temporary files serves: one that can't be written to, or is missing."""
    for error in (PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file")):
        refuse_shm(monkeypatch, error)
        fd = _memory.memory_file(100)
        assert os.readlink(f"/proc/self/fd/{fd}").startswith(tempfile.gettempdir() + "/gopool-")
        os.close(fd)
        use(Pool, "fork")


def test_a_full_directory_for_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no room there is in the directory for temporary files."""
    monkeypatch.setenv("GOPOOL_MEMFD", "0")
    reserve = os.posix_fallocate

    def reserve_elsewhere(fd: int, offset: int, length: int) -> None:
        if os.readlink(f"/proc/self/fd/{fd}").startswith("/dev/shm/"):
            raise OSError(28, "No space left on device")
        reserve(fd, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", reserve_elsewhere)
    with _memory.memory(100_000) as file:
        where = os.readlink(f"/proc/self/fd/{file.fileno()}")
        assert where.startswith(tempfile.gettempdir() + "/gopool-")
        assert os.fstat(file.fileno()).st_blocks * 512 >= 100_000


def test_a_file_system_that_is_full(Pool: PoolClass, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large data goes through the socket while there is no room for it, and only then."""
    monkeypatch.setenv("GOPOOL_MEMFD", "0")
    full = tempfile.gettempdir() + f"/gopool-full-{os.getpid()}"
    reserve = os.posix_fallocate

    def reserve_if_there_is_room(fd: int, offset: int, length: int) -> None:
        if offset >= _region.DATA and os.path.exists(full):
            raise OSError(28, "No space left on device")
        reserve(fd, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", reserve_if_there_is_room)
    try:
        with Pool(1, context=multiprocessing.get_context("fork")) as pool:
            for is_full in (False, True, False):
                if is_full:
                    open(full, "w").close()
                results = pool.map(large.add_one, [array(n) for n in range(5)], 1)
                assert all(is_array(result, n + 1) for n, result in enumerate(results))
                assert bool(pool.apply(large.kept_in_slab, (array(1),))) != is_full
                if is_full:
                    os.unlink(full)
    finally:
        if os.path.exists(full):
            os.unlink(full)


def test_memory_that_can_not_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file is made for can be written to, or there is none; no descriptor is left."""
    monkeypatch.setenv("GOPOOL_MEMFD", "0")
    before = os.listdir("/proc/self/fd")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        _memory.memory_file(1000)
    with pytest.raises(OSError, match="No space left"):
        gopool.Pool(1)
    assert _arena.own is None
    assert not _lender.lenders
    assert os.listdir("/proc/self/fd") == before


def test_memory_is_given_back_where_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that makes no holes keeps it, and nobody fails."""
    arena = _arena.Arena(_memory.memory_file(_region.DATA + MB), _region.CALLER)
    region = arena.region()
    memory = region.memory

    class NoHoles:
        def madvise(self, *_: object) -> None:
            raise OSError(95, "Operation not supported")

    region.memory = NoHoles()  # type: ignore[assignment]
    lent = arena.lend([b"x" * 100_000], [])
    del lent
    arena.trim(0)
    lent = arena.lend([b"y" * 100_000], [])
    assert lent is not None
    region.memory = memory
    del lent
    arena.close()


# Limits of a process, which a test can't take back in its own.

PROLOGUE = """
import contextlib, errno, gc, os, resource, warnings
import gopool
from support import large, tasks
from support.large import MB, array, is_array

def limit(kind, size):
    resource.setrlimit(kind, (size, resource.getrlimit(kind)[1]))

def use(pool):
    results = pool.map(large.add_one, [array(n) for n in range(6)], 1)
    assert all(is_array(result, n + 1) for n, result in enumerate(results))
"""


def run(start_program: StartProgram, source: str) -> None:
    """Run a program that must succeed silently."""
    outcome = start_program(PROLOGUE + source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


def test_a_limit_of_address_space(start_program: StartProgram) -> None:
    """There is none for a region, so large data goes through the socket."""
    run(
        start_program,
        """
# What Go wants first, and not enough for a region.
with gopool.Pool(1) as pool:
    pool.apply(tasks.nothing)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit(resource.RLIMIT_AS, used + os.sysconf("SC_PHYS_PAGES") * resource.getpagesize())
with gopool.Pool(2) as pool:
    use(pool)
    use(pool)
""",
    )


def test_a_limit_of_address_space_that_comes_late(start_program: StartProgram) -> None:
    """What workers have put into memory can't be read: MemoryError says what to do."""
    run(
        start_program,
        """
with gopool.Pool(1) as pool:
    assert pool.apply(tasks.square, (3,)) == 9
    results = [pool.apply_async(large.return_arrays, (1, 1)) for _ in range(2)]
    [result.wait() for result in results]
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    limit(resource.RLIMIT_AS, used + os.sysconf("SC_PHYS_PAGES") * resource.getpagesize())
    try:
        results[0].get()
    except MemoryError as error:
        assert "GOPOOL_SHARED_MEMORY=0" in str(error)
    else:
        raise AssertionError("there was room")
    pid = pool.apply(tasks.pid)
    os.kill(pid, 9)  # and that a worker ended is noticed all the same
    while pool.apply(tasks.pid) == pid:
        pass
    assert pool.map(tasks.square, range(50), 1) == [n * n for n in range(50)]
    limit(resource.RLIMIT_AS, soft)
    assert all(is_array(result.get()[0], 1) for result in results)
""",
    )


def test_a_limit_of_the_size_of_files(start_program: StartProgram) -> None:
    """No region can be made, but pages and exchanges can."""
    run(
        start_program,
        """
from gopool import _arena
limit(resource.RLIMIT_FSIZE, 8 * MB)
with gopool.Pool(2) as pool:
    assert _arena.own is None
    use(pool)
""",
    )


def test_no_descriptors(start_program: StartProgram) -> None:
    """Messages of a region that is mapped need none, others raise; nothing is lost or lent."""
    run(
        start_program,
        """
from support.large import slabs_in_use, soon
with gopool.Pool(1) as pool:
    use(pool)
    late = pool.apply_async(large.add_one, (array(6),))
    late.wait()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limit(resource.RLIMIT_NOFILE, 64)
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    for n in range(5):
        assert is_array(pool.apply(large.add_one, (array(n),)), n + 1)
    assert is_array(late.get(), 7)
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    child = os.fork()
    if not child:
        os._exit(0 if is_array(late.get(), 7) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    try:
        gopool.Pool(1)
    except OSError as error:
        assert error.errno == errno.EMFILE
    for fd in taken:
        os.close(fd)
    use(pool)
    assert soon(lambda: slabs_in_use() == 0)
""",
    )
