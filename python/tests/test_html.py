"""What a notebook shows of a pool."""

from __future__ import annotations

import functools
import os
import re
from xml.etree import ElementTree

import pytest
from support import tasks
from support.large import soon
from support.latches import Gate, Mailbox

import gopool


def text_of(pool: gopool.Pool) -> list[str]:
    """Return the texts of the cells. What is not well-formed is an error."""
    return ["".join(cell.itertext()) for cell in ElementTree.fromstring(pool._repr_html_()).iter()]


@pytest.mark.parametrize("cls", [gopool.Pool, gopool.ThreadPool])
def test_what_the_workers_do(cls: type[gopool.Pool], mailbox: Mailbox, gate: Gate) -> None:
    """Names may have characters that mean something in HTML."""

    def held(_: object) -> int:
        return tasks.arrive(mailbox, gate, 1)

    held.__qualname__ = "<script>&'\""
    with cls(2) as pool:
        assert soon(lambda: [worker.state for worker in pool.stats().workers] == ["idle"] * 2)
        result = pool.map_async(held, [0])
        (pid,) = mailbox.receive_pids(1)
        texts = text_of(pool)
        gate.open()
        result.get()
    assert any(re.fullmatch(r"<script>&'\" \(task 0\) for \d+\.\d s", text) for text in texts)
    assert repr(pool).replace("TERMINATE", "RUN") in texts
    assert "0 done, 1 running, 0 queued, 0 lost, 0 retried" in texts
    assert {str(pid), "busy", "idle"} <= set(texts)


def test_of_a_pool_that_has_ended() -> None:
    """What it has done."""
    with gopool.Pool(1) as pool:
        pool.map(functools.partial(tasks.add, 1), [1, 2])
        pool.close()
        pool.join()
        assert repr(pool) in text_of(pool)
    texts = text_of(pool)
    assert repr(pool) in texts
    assert "2 done, 0 running, 0 queued, 0 lost, 0 retried" in texts


def test_in_a_forked_child() -> None:
    """Its state."""
    with gopool.Pool(1) as pool:
        child = os.fork()
        if not child:
            try:
                os._exit(7 if repr(pool) in text_of(pool) else 1)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_of_a_pool_that_was_never_started() -> None:
    """Nothing, but no error."""
    pool = gopool.Pool.__new__(gopool.Pool)
    pool._processes = 3
    assert "pool_size=3" in pool._repr_html_()
