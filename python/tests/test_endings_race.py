"""Pools that are ended, or collected, while everybody uses them."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE, Gate, Mailbox
from support.processes import still_running
from support.programs import Program

import gopool
from gopool import _gathering

StartProgram = Callable[..., Program]

ENDINGS: dict[str, Callable[[Any], object]] = {
    "terminate": lambda pool: pool.terminate(),
    "close and join": lambda pool: (pool.close(), pool.join()),
    "terminate after close": lambda pool: (pool.close(), pool.terminate()),
    "the end of a with block": lambda pool: pool.__exit__(None, None, None),
}

USES: list[Callable[[Any], bool]] = [
    lambda pool: pool.map(tasks.square, range(20), 1) == [n * n for n in range(20)],
    lambda pool: pool.apply(tasks.square, (3,)) == 9,
    lambda pool: list(pool.imap(tasks.square, iter(range(20)))) == [n * n for n in range(20)],
    lambda pool: [pool.apply_async(tasks.square, (n,)) for n in range(20)][-1].get() == 361,
    lambda pool: pool.apply_async(tasks.square, (3,), callback=tasks.nothing).get() == 9,
    lambda pool: len(pool.apply(tasks.zeros, (1 << 20,))) == 1 << 20,
]


@pytest.mark.gopool_only("multiprocessing hangs in calls of a pool that was terminated")
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_pool_is_ended_while_threads_use_it(Pool: PoolClass, ending: str) -> None:
    """Each call returns what it should or raises one of two errors; all endings return."""
    for _ in range(3):
        pool = Pool(2)
        begun = threading.Semaphore(0)
        wrong: list[object] = []

        def use(
            function: Callable[[Any], bool], pool: Any, begun: Any, wrong: list[object]
        ) -> None:
            while True:
                try:
                    if not function(pool):
                        wrong.append("a wrong result")
                except (gopool.PoolTerminatedError, ValueError):
                    return
                except BaseException as error:
                    wrong.append(error)
                    return
                finally:
                    begun.release()

        users = [threading.Thread(target=use, args=(f, pool, begun, wrong)) for f in USES]
        enders = [threading.Thread(target=ENDINGS[ending], args=(pool,)) for _ in range(3)]
        for thread in users:
            thread.start()
        for _ in users:
            assert begun.acquire(timeout=DEADLINE)
        for thread in enders:
            thread.start()
        for thread in [*enders, *users]:
            thread.join(DEADLINE)
            assert not thread.is_alive()
        pool.join()
        assert wrong == []


@pytest.mark.gopool_only("multiprocessing gathers nothing")
def test_a_pool_is_closed_while_a_tray_is_opened(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another thread: the job of the tray is the last one, and has an end."""
    real = _gathering.Tray.open
    pool = Pool(1)
    opened: list[bool] = []

    def open_and_close(tray: _gathering.Tray, number: int, function: Any) -> bool:
        opened.append(real(tray, number, function))
        pool.close()
        return opened[-1]

    monkeypatch.setattr(_gathering.Tray, "open", open_and_close)
    results = []
    with pytest.raises(ValueError, match="Pool not running"):
        for n in range(10_000):
            results.append((n, pool.apply_async(tasks.identity, (n,))))
            results[-1][1].get()
    pool.join()
    assert opened == [True]
    assert all(result.get() == n for n, result in results)


def make_a_cycle(pool: Any) -> None:
    """Have a pool in a cycle of objects that nobody holds."""
    cycle: list[Any] = [pool]
    cycle.append(cycle)


@pytest.mark.gopool_only("multiprocessing's pool may hang when it is collected at work")
@pytest.mark.parametrize("where", ["here", "in a thread", "in a callback of another pool"])
def test_a_pool_is_collected_in_a_cycle(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate, where: str
) -> None:
    """Wherever the collector runs, and with a worker in a task."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        pool = Pool(1)
        results = [pool.starmap_async(tasks.arrive, [(mailbox, gate, n) for n in range(9)], 1)]
        pids = mailbox.receive_pids(1)
        results.append(results)  # type: ignore[arg-type]
        make_a_cycle(pool)
        del pool, results
        if where == "here":
            gc.collect()
        elif where == "in a thread":
            thread = threading.Thread(target=gc.collect)
            thread.start()
            thread.join()
        else:
            with Pool(1) as other:
                other.apply_async(tasks.nothing, callback=lambda _: gc.collect()).get(DEADLINE)
        assert still_running(pids) == []


@pytest.mark.gopool_only("multiprocessing may hang at exit")
def test_a_pool_is_collected_at_exit(
    start_program: StartProgram, mailbox: Mailbox, gate: Gate
) -> None:
    """With the modules, in a cycle, by an object whose own destructor would use it."""
    program = start_program(f"""
        import gopool
        from support import tasks
        from support.latches import Gate, Mailbox

        class Holder:
            def __init__(self):
                self.pool = gopool.Pool(2)
                self.held = [
                    self.pool.apply_async(
                        tasks.arrive, (Mailbox({mailbox.path!r}), Gate({gate.path!r}), n)
                    )
                    for n in range(9)
                ]
                self.me = self

            def __del__(self):
                try:
                    self.pool.apply(tasks.nothing)
                except Exception:
                    pass

        holder = Holder()
        Gate({gate.path!r}).wait()
        """)
    pids = mailbox.receive_pids(2)
    gate.open()
    outcome = program.outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
    assert still_running(pids) == []
