"""Objects whose pickling or unpickling raises anything, loops or kills, on either side."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.pool import Pool as AnyPool
from typing import Any

import pytest
from support import MaybeEncodingError, PoolClass, hostile, tasks
from support.latches import Mailbox
from support.processes import still_running
from support.programs import Program

import gopool

pytestmark = pytest.mark.gopool_only("multiprocessing loses a thread or a worker, and hangs")

StartProgram = Callable[..., Program]

ERRORS = [
    ValueError("the reason"),
    hostile.Interruption("the reason"),
    KeyboardInterrupt("the reason"),
    GeneratorExit("the reason"),
]

#: How a task hands over what it made.
ENDINGS = {"result": hostile.return_made_by, "exception": hostile.raise_made_by}


def goes_on(pool: AnyPool, worker: int) -> bool:
    """Tell whether the pool works, and has that worker still."""
    works = pool.map(tasks.square, range(5), 2) == [0, 1, 4, 9, 16]
    return works and pool.apply(tasks.pid) == worker


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("ending", ENDINGS)
def test_pickling_in_the_worker_raises(Pool: PoolClass, ending: str, error: BaseException) -> None:
    """Whatever it raises, MaybeEncodingError names it, and the worker goes on."""
    make = hostile.RaisesWhenPickled if ending == "result" else hostile.ErrorThatRaisesWhenPickled
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        for result in (
            pool.apply_async(ENDINGS[ending], (make, error)),
            pool.starmap_async(ENDINGS[ending], [(make, error)] * 3),
        ):
            with pytest.raises(MaybeEncodingError, match=rf"{type(error).__name__}.*the reason"):
                result.get()
        assert goes_on(pool, worker)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_unpickling_in_the_worker_raises(Pool: PoolClass, error: BaseException) -> None:
    """It is what the task raises."""
    argument: Any = hostile.RaisesWhenRebuilt(error)
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        for call in (
            lambda: pool.apply(tasks.identity, (argument,)),
            lambda: pool.apply(argument),
            lambda: pool.map(tasks.identity, [1, argument]),
            lambda: list(pool.imap(tasks.identity, [argument])),
        ):
            with pytest.raises(type(error), match="the reason"):
                call()
        assert goes_on(pool, worker)


@pytest.mark.parametrize(
    "error", [*ERRORS, SystemExit("the reason")], ids=lambda e: type(e).__name__
)
def test_pickling_in_the_caller_raises(Pool: PoolClass, error: BaseException) -> None:
    """The caller gets it from the call or from ``get``, and a half of a map is no obstacle."""
    argument: Any = hostile.RaisesWhenPickled(error)
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        for call in (
            lambda: pool.apply(tasks.identity, (argument,)),
            lambda: pool.apply_async(argument).get(),
            lambda: pool.map(tasks.identity, [*range(9), argument], 1),
            lambda: list(pool.imap(tasks.identity, iter([1, argument]))),
        ):
            with pytest.raises(type(error), match="the reason"):
                call()
        assert goes_on(pool, worker)
        pool.close()
        pool.join()


@pytest.mark.parametrize(
    "error", [*ERRORS, SystemExit("the reason")], ids=lambda e: type(e).__name__
)
def test_unpickling_in_the_caller_raises(Pool: PoolClass, error: BaseException) -> None:
    """It is raised where the result is asked for, also the second time, and nowhere else."""
    make = hostile.RaisesWhenRebuilt
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        for result in (
            pool.apply_async(hostile.return_made_by, (make, error)),
            pool.starmap_async(hostile.return_made_by, [(make, error)] * 3),
        ):
            for _ in range(2):
                with pytest.raises(type(error), match="the reason"):
                    result.get()
        with pytest.raises((type(error), MaybeEncodingError), match="the reason"):
            pool.apply(hostile.raise_made_by, (hostile.ErrorThatRaisesWhenRebuilt, error))
        assert goes_on(pool, worker)


@pytest.mark.parametrize("way", ["result", "exception", "argument"])
def test_sys_exit_on_the_way_ends_the_worker(Pool: PoolClass, way: str) -> None:
    """As in a task: WorkerLostError with the code."""
    error = SystemExit(3)
    calls: dict[str, tuple[Any, Any]] = {
        "result": (hostile.return_made_by, (hostile.RaisesWhenPickled, error)),
        "exception": (hostile.raise_made_by, (hostile.ErrorThatRaisesWhenPickled, error)),
        "argument": (tasks.identity, (hostile.RaisesWhenRebuilt(error),)),
    }
    with Pool(1) as pool:
        with pytest.raises(gopool.WorkerLostError) as raised:
            pool.apply(*calls[way])
        assert raised.value.exitcode == 3
        assert pool.apply(tasks.square, (3,)) == 9


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_can_be_neither_pickled_nor_shown(
    Pool: PoolClass, ending: str, error: BaseException
) -> None:
    """It is named by its type."""
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        with pytest.raises(MaybeEncodingError, match=r"CannotBeShown object at.*can't be pickled"):
            pool.apply(ENDINGS[ending], (hostile.CannotBeShown, error))
        assert goes_on(pool, worker)


def test_a_very_deep_result(Pool: PoolClass) -> None:
    """It comes back; or is too deep for pickle, and perhaps for ``repr``, which is the reason."""
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        refusals = {}
        for depth in (100, 300, 900, 990, 1_000, 3_000, 10_000, 100_000):
            try:
                pool.apply(hostile.return_a_deep_list, (depth,))
            except MaybeEncodingError as error:
                refusals[depth] = str(error)
        assert 100 not in refusals
        assert 100_000 in refusals
        assert all("RecursionError" in refusal for refusal in refusals.values())
        assert goes_on(pool, worker)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no exception groups")
def test_a_very_deep_exception(Pool: PoolClass) -> None:
    """Too deep for pickle, for ``repr`` and for its traceback."""
    with Pool(1) as pool:
        worker = pool.apply(tasks.pid)
        with pytest.raises(MaybeEncodingError, match="RecursionError") as raised:
            pool.apply(hostile.raise_a_deep_group, (3_000,))
        assert "in raise_a_deep_group" in str(raised.value.__cause__)
        assert goes_on(pool, worker)


@pytest.mark.parametrize("way", ["result", "exception", "argument", "function"])
def test_a_worker_that_loops_is_one_worker(Pool: PoolClass, mailbox: Mailbox, way: str) -> None:
    """The others go on, and its pool can be ended."""
    calls: dict[str, tuple[Any, Any]] = {
        "result": (hostile.return_made_by, (hostile.LoopsInWhoPicklesIt, mailbox)),
        "exception": (hostile.raise_made_by, (hostile.LoopsInWhoPicklesIt, mailbox)),
        "argument": (tasks.identity, (hostile.LoopsInWhoRebuildsIt(mailbox),)),
        "function": (hostile.LoopsInWhoRebuildsIt(mailbox), ()),
    }
    with Pool(2) as pool:
        result = pool.apply_async(*calls[way])
        (worker,) = mailbox.receive_pids(1)
        assert pool.map(tasks.square, range(50), 1) == [n * n for n in range(50)]
        pool.terminate()
        assert still_running([worker], 0) == []
        with pytest.raises(gopool.PoolTerminatedError):
            result.get()


def test_an_exception_that_kills_whoever_pickles_it(Pool: PoolClass) -> None:
    """The task is lost."""
    with Pool(1) as pool:
        with pytest.raises(gopool.WorkerLostError, match=r"\b7\b"):
            pool.apply(hostile.raise_made_by, (hostile.KillsWhoPicklesIt, os.getpid(), 7))
        assert pool.apply(tasks.square, (3,)) == 9


IN_THE_CALLER = """
import os, signal, sys
import gopool
from support import hostile, tasks
from support.latches import Mailbox

signal.signal(signal.SIGINT, signal.default_int_handler)
mailbox = Mailbox({mailbox!r})

with gopool.Pool(1) as pool:
    mailbox.send(pool.apply(tasks.pid))
    try:
        {call}
    except KeyboardInterrupt:
        assert pool.apply(tasks.square, (3,)) == 9
        print("interrupted")
"""


@pytest.mark.parametrize(
    "call",
    [
        "pool.apply(hostile.return_made_by, (hostile.LoopsInWhoRebuildsIt, mailbox))",
        "pool.map(hostile.LoopsInWhoRebuildsIt, [mailbox])",
        "next(pool.imap(hostile.LoopsInWhoRebuildsIt, [mailbox]))",
        "pool.apply(tasks.identity, (hostile.LoopsInWhoPicklesIt(mailbox),))",
        "pool.map(tasks.identity, [1, hostile.LoopsInWhoPicklesIt(mailbox)])",
    ],
)
def test_a_loop_in_the_caller_can_be_interrupted(
    start_program: StartProgram, mailbox: Mailbox, call: str
) -> None:
    """It is the caller's own code that runs: Ctrl-C ends it, and the pool goes on."""
    program = start_program(IN_THE_CALLER.format(mailbox=mailbox.path, call=call))
    worker, caller = mailbox.receive_pids(2)
    assert caller == program.process.pid
    program.interrupt_group()
    outcome = program.outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "interrupted\n", "")
    assert still_running([worker]) == []


def test_a_result_that_kills_the_caller(start_program: StartProgram, mailbox: Mailbox) -> None:
    """The caller's own code again; its workers go with it."""
    call = "pool.map(hostile.KillsWhoRebuildsIt, [7])"
    program = start_program(IN_THE_CALLER.format(mailbox=mailbox.path, call=call))
    (worker,) = mailbox.receive_pids(1)
    assert program.outcome().status == 7
    assert still_running([worker]) == []
