"""Ctrl-C at any moment of a call: nothing is left, nothing is lost, and the pool goes on."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from support import PoolClass, tasks
from support.programs import Program

from gopool import _arena, _core, _exchange, _memory, _owner

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing's threads do not survive it"),
]

StartProgram = Callable[..., Program]

LARGE = 1 << 20


class Interrupter:
    """Raises KeyboardInterrupt when the main thread's n-th call into the extension returns.

    That is where Python raises it if Ctrl-C is pressed during the call.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        functions = vars(_core.native)
        for name, function in list(functions.items()):
            # That one is called by destructors, in which Python swallows the interrupt.
            if name.startswith("bridge_") and name != "bridge_TrimSoon":
                monkeypatch.setitem(functions, name, self.wrap(function))

    def wrap(self, real: Callable[..., int]) -> Callable[..., int]:
        def call(*args: int) -> int:
            status = real(*args)
            if self.left and threading.current_thread() is threading.main_thread():
                self.left -= 1
                if not self.left:
                    raise KeyboardInterrupt
            return status

        return call

    def interrupts(self, number: int, call: Callable[[], object]) -> bool:
        """Call with an interrupt at the given step, and tell whether there was such a step."""
        self.left = number
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            self.left = 0
        return False


@pytest.fixture
def pool(Pool: PoolClass) -> Iterator[Any]:
    """A pool that, interrupted as it may be, ends politely and leaves no handle."""
    before = _core.native.bridge_Handles()
    with Pool(2) as pool:
        pool.map(tasks.square, range(10))
        yield pool
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
        pool.close()
        pool.join()
    gc.collect()
    assert _core.native.bridge_Handles() == before


@pytest.fixture
def interrupter(pool: Any, monkeypatch: pytest.MonkeyPatch) -> Interrupter:
    """What interrupts calls from now on; it is gone before the pool is."""
    return Interrupter(monkeypatch)


def nobody(_: object) -> None:
    return None


SUBMISSIONS: dict[str, tuple[Callable[[Any], Any], object]] = {
    "apply": (lambda p: p.apply_async(tasks.square, (3,)), 9),
    "map": (lambda p: p.map_async(tasks.square, range(5), 1), [0, 1, 4, 9, 16]),
    "options": (lambda p: p.apply_async(tasks.square, (3,), retries=2, priority=1), 9),
    "callback": (lambda p: p.map_async(tasks.square, range(3), 1, callback=nobody), [0, 1, 4]),
    "large results": (lambda p: p.map_async(tasks.zeros, [LARGE] * 3, 1), [bytes(LARGE)] * 3),
    "large arguments": (lambda p: p.map_async(tasks.length, [bytes(LARGE)] * 3, 1), [LARGE] * 3),
}


@pytest.mark.parametrize("kind", SUBMISSIONS)
def test_a_call_is_interrupted_at_each_step(pool: Any, interrupter: Interrupter, kind: str) -> None:
    """From its submission to its result, each step into the extension is the last one once."""
    submit, expected = SUBMISSIONS[kind]
    for step in range(1, 1000):
        if not interrupter.interrupts(step, lambda: submit(pool).get()):
            break
        assert submit(pool).get() == expected
    assert step > 2


def test_apply_is_interrupted_at_each_step(pool: Any, interrupter: Interrupter) -> None:
    """The same where submission and wait are one step."""
    for size in (1, LARGE):
        step = 1
        while interrupter.interrupts(step, lambda n=size: pool.apply(tasks.zeros, (n,))):  # type: ignore[misc]
            assert pool.apply(tasks.zeros, (size,)) == bytes(size)
            step += 1
        assert step > 1


@pytest.mark.parametrize("kind", SUBMISSIONS)
def test_an_interrupted_get_can_be_repeated(pool: Any, interrupter: Interrupter, kind: str) -> None:
    """Whatever step was the last one, the next ``get`` returns all of the result."""
    submit, expected = SUBMISSIONS[kind]
    for step in range(1, 1000):
        result = submit(pool)
        interrupted = interrupter.interrupts(step, result.get)
        assert result.get() == expected
        if not interrupted:
            break


def flood(pool: Any) -> list[Any]:
    return [pool.apply_async(tasks.step, (n,)) for n in range(40)]


def test_a_flood_is_interrupted_at_each_step(pool: Any, interrupter: Interrupter) -> None:
    """Calls that are gathered are lost to who was interrupted, and to nobody else."""
    for step in range(1, 100_000):
        pool.apply(tasks.nothing)  # what was gathered ends, and gathering begins again
        if not interrupter.interrupts(step, lambda: [r.get() for r in flood(pool)]):
            break
        results = flood(pool)
        interrupter.interrupts(step, lambda: [r.get() for r in results])  # noqa: B023
        assert [r.get() for r in results] == list(range(40))
    assert step > 20


IMAPS: dict[str, Callable[[Any], Any]] = {
    "few": lambda p: p.imap(tasks.square, range(9)),
    "many": lambda p: p.imap(tasks.square, range(100), 3),
    "iterator": lambda p: p.imap(tasks.square, iter(range(9))),
    "bounded": lambda p: p.imap(tasks.square, iter(range(9)), buffersize=2),
}


@pytest.mark.parametrize("kind", IMAPS)
def test_imap_is_interrupted_at_each_step(pool: Any, interrupter: Interrupter, kind: str) -> None:
    """The iterator is lost with the exception, and nothing else."""
    start = IMAPS[kind]
    expected = list(start(pool))
    for step in range(1, 1000):
        if not interrupter.interrupts(step, lambda: list(start(pool))):
            break
        assert list(start(pool)) == expected
    assert step > 2


@pytest.mark.parametrize("kind", IMAPS)
def test_an_interrupted_iteration_can_be_resumed(
    pool: Any, interrupter: Interrupter, kind: str
) -> None:
    """No result is left out, and none comes twice."""
    start = IMAPS[kind]
    expected = list(start(pool))
    for step in range(1, 1000):
        results = start(pool)
        found: list[int] = []
        interrupted = interrupter.interrupts(step, lambda r=results, f=found: f.extend(r))  # type: ignore[misc]
        found.extend(results)
        assert found == expected
        if not interrupted:
            break


_home = os.getpid()
_interrupts = 0


def rebuild(value: int) -> int:
    """Be interrupted while the caller unpickles a result, as often as it says."""
    global _interrupts
    if os.getpid() == _home and _interrupts:
        _interrupts -= 1
        raise KeyboardInterrupt
    return value


class Interrupted:
    def __init__(self, value: int) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (self.value,)


@pytest.mark.parametrize("chunksize", [1, 100])
def test_a_get_that_is_interrupted_while_it_unpickles(pool: Any, chunksize: int) -> None:
    """Code of the results' own is interrupted: they are still there the next time."""
    global _interrupts
    result = pool.map_async(Interrupted, range(300), chunksize)
    _interrupts = 3
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            result.get()
    assert result.get() == list(range(300))


def test_a_next_that_is_interrupted_while_it_unpickles(pool: Any) -> None:
    """The results of which it was one are decoded again."""
    global _interrupts
    results = pool.imap(Interrupted, iter(range(300)))
    _interrupts = 3
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            next(results)
    assert list(results) == list(range(300))


def test_interrupts_at_random_moments(start_program: StartProgram) -> None:
    """By signals: no result is wrong, and no wait is without end.

    Python swallows an interrupt that comes in ``__del__`` and says so on stderr, so neither that
    nor the handles are looked at here.
    """
    outcome = start_program("""
        import random, signal
        import gopool
        from support import tasks

        moments = random.Random(7)

        def interrupts(call):
            try:
                try:
                    signal.signal(signal.SIGALRM, signal.default_int_handler)
                    signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-5, 2e-3))
                    call()
                finally:
                    # Not by the timer: another thread may just have got the signal, and
                    # this one be told of it later.
                    signal.signal(signal.SIGALRM, signal.SIG_IGN)
            except KeyboardInterrupt:
                return True
            return False

        interrupted = 0
        with gopool.Pool(2) as pool:
            for _ in range(500):
                interrupted += interrupts(lambda: pool.apply(tasks.square, (3,)))
                interrupted += interrupts(
                    lambda: [pool.apply_async(tasks.step, (n,)) for n in range(300)]
                )
                results = [pool.apply_async(tasks.step, (n,)) for n in range(300)]
                interrupted += interrupts(lambda: [r.get() for r in results])
                assert [r.get() for r in results] == list(range(300))
                interrupted += interrupts(lambda: pool.map_async(tasks.square, range(50), 1))
                result = pool.map_async(tasks.square, range(50), 1)
                interrupted += interrupts(result.get)
                interrupted += interrupts(lambda: list(pool.imap(tasks.square, iter(range(50)))))
                assert result.get() == [n * n for n in range(50)]
            pool.close()
            pool.join()
        assert interrupted > 10, interrupted
        """).outcome()
    assert outcome.status == 0, outcome.stderr


def names_of_callers(frame: FrameType | None) -> Iterator[str]:
    """Return the names of a function that runs, and of those that called it."""
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_memory_for_a_call_is_interrupted_at_each_step(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of Python's is the last one once, except in ``__del__``: nothing stays open."""
    monkeypatch.setattr(_arena, "own", None)  # then the call needs a large exchange
    exchange = _exchange.Exchange
    functions = (exchange.__init__, exchange.close, _exchange.give_back, _memory._made)
    codes = {function.__code__ for function in functions}
    left = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code not in codes or "__del__" in names_of_callers(frame):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        return trace

    before = set(os.listdir("/proc/self/fd"))
    # Python 3.12.1 traces no opcodes unless a frame has asked for it before `settrace`.
    sys._getframe().f_trace_opcodes = True
    step = 0
    while left <= 0:
        step += 1
        left = step
        sys.settrace(trace)
        try:
            pool.apply(tasks.length, (bytes(LARGE),))
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
    assert step > 20
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= len(before)


def test_the_start_of_the_thread_for_callbacks_is_interrupted(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs although nobody knows it; the pool ends once for all that, and keeps no memory."""
    interrupts = 0
    threads: list[_owner.Thread] = []

    class Interrupted(_owner.Thread):
        def __init__(self, *arguments: Any) -> None:
            nonlocal interrupts
            super().__init__(*arguments)
            threads.append(self)
            if interrupts:
                interrupts -= 1
                raise KeyboardInterrupt

    monkeypatch.setattr(_owner, "Thread", Interrupted)
    users, handles = _exchange._users, _core.native.bridge_Handles()
    with Pool(1) as pool:
        pool.apply(tasks.nothing)
        interrupts = 2
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                pool.apply_async(tasks.nothing, callback=nobody)
        for _ in range(3):
            assert pool.apply_async(tasks.square, (3,), callback=nobody).get() == 9
        pool.close()
        pool.join()
    assert len(threads) == 3
    for thread in threads:  # the pool waits only for the one that it knows
        thread.join()
    gc.collect()
    assert (_exchange._users, _core.native.bridge_Handles()) == (users, handles)
