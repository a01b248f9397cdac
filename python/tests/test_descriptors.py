"""A worker's socket, page and the rest are nobody else's: no name leads there, nobody inherits."""

from __future__ import annotations

import os
from multiprocessing.context import BaseContext

import pytest
from support import PoolClass, descriptors, tasks
from support.descriptors import inherited, opened
from support.latches import Gate, Mailbox
from support.processes import workers_at_work

import gopool

#: What gopool has open; pipes may be the standard streams' and multiprocessing's.
OURS = ("socket:", "/memfd:gopool", "/dev/shm/gopool")


def ours(files: list[str]) -> list[str]:
    return [file for file in files if file.startswith(OURS)]


@pytest.mark.gopool_only("multiprocessing's workers have other descriptors")
def test_a_program_that_a_task_starts_inherits_nothing(
    Pool: PoolClass, context: BaseContext
) -> None:
    """Not the socket, which it could write to, nor memory of the caller's, nor the lifeline."""
    with Pool(1, context=context) as pool:
        assert len(pool.apply(tasks.zeros, (1 << 20,))) == 1 << 20
        (lifeline,) = pool.apply(descriptors.lifelines)
        assert ours(pool.apply(opened)), "what is looked for is there"
        files = pool.apply(inherited)
        assert ours(files) == []
        assert lifeline not in files


def test_a_program_that_the_caller_starts_inherits_nothing(
    Pool: PoolClass, context: BaseContext
) -> None:
    """Neither before, during nor after work."""
    before = set(inherited())
    with Pool(2, context=context) as pool:
        result = pool.map_async(tasks.identity, [bytes(1 << 20)] * 4, 1)
        assert ours(list(set(inherited()) - before)) == []
        result.get()
        assert ours(list(set(inherited()) - before)) == []


def test_no_name_leads_to_a_socket(Pool: PoolClass) -> None:
    """No path on disk and no abstract name: who has no descriptor can't connect."""
    with Pool(2) as pool:
        assert not any(pool.apply(descriptors.names_of_sockets))
        assert not any(descriptors.names_of_sockets())


RUBBISH = {
    "text": b"this is no frame, and what follows is none either",
    "a kind that no worker sends": bytes([1, 0, 0, 0]) + bytes(12),
    "an oversized frame": bytes([7, 0, 0, 0]) + bytes(4) + b"\xff" * 8,
    "results that nobody asked for": (
        bytes([7, 0, 0, 0]) + bytes([7, 0, 0, 0]) + (24).to_bytes(8, "little")
        + (1 << 40).to_bytes(8, "little") + (9).to_bytes(8, "little") + bytes(8)
    ),
}  # fmt: skip


@pytest.mark.gopool_only("multiprocessing has a pipe for all workers, and hangs")
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_a_worker_that_writes_rubbish_is_lost(Pool: PoolClass, rubbish: str) -> None:
    """It is not believed: its task is lost, the others are done, once, by another worker."""
    with Pool(1) as pool:
        pid = pool.apply(tasks.pid)
        results = [pool.apply_async(tasks.square, (n,)) for n in range(20)]
        with pytest.raises(gopool.WorkerLostError):
            pool.apply(descriptors.send_rubbish, (RUBBISH[rubbish],))
        assert [result.get() for result in results] == [n * n for n in range(20)]
        assert pool.apply(tasks.pid) != pid


@pytest.mark.gopool_only("multiprocessing has a pipe for all workers, and hangs")
def test_a_worker_that_dies_half_way_through_a_frame(Pool: PoolClass) -> None:
    """What it has sent of a result is not taken for one."""
    half = bytes([7, 0, 0, 0, 1, 0, 0, 0]) + (1 << 20).to_bytes(8, "little") + bytes(1000)
    with Pool(1) as pool:
        with pytest.raises(gopool.WorkerLostError, match="SIGKILL"):
            pool.apply(descriptors.send_and_die, (half,))
        assert pool.map(tasks.square, range(5), 1) == [0, 1, 4, 9, 16]


@pytest.mark.gopool_only("multiprocessing has a pipe for all workers")
def test_a_worker_has_nothing_of_the_others(
    Pool: PoolClass, context: BaseContext, mailbox: Mailbox, gate: Gate
) -> None:
    """Those that are forked would keep the caller's end of the sockets of others open."""
    before = set(opened())
    with Pool(3, context=context) as pool:
        workers_at_work(pool, mailbox, gate, 3)
        files = dict(pool.map(pid_and_files, range(100), 1))
    sockets = [{f for f in set(fs) - before if f.startswith("socket:")} for fs in files.values()]
    assert [len(own) for own in sockets] == [1] * len(files)
    assert len(set().union(*sockets)) == len(files)


def pid_and_files(_: object) -> tuple[int, list[str]]:
    return os.getpid(), opened()
