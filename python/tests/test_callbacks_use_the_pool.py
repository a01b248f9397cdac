"""Callbacks that use the pool they belong to, or end it."""

from __future__ import annotations

import gc
import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support import PoolClass, tasks
from support.latches import DEADLINE

pytestmark = pytest.mark.gopool_only("multiprocessing's result thread waits for itself")


def call_in_a_callback(pool: Any, function: Callable[[], object]) -> object:
    """Return what a function returns, or raises, in a callback of a call that returns 9."""
    outcome: list[object] = []

    def callback(value: int) -> None:
        try:
            outcome.append(function())
        except BaseException as error:
            outcome.append(error)

    result = pool.apply_async(tasks.square, (3,), callback=callback)
    assert result.get(DEADLINE) == 9
    return outcome.pop()


def called_back(pool: Any, called: list[int]) -> Any:
    return pool.apply_async(tasks.square, (2,), callback=called.append)


CALLS: dict[str, tuple[Callable[[Any], object], object]] = {
    "apply": (lambda pool: pool.apply(tasks.square, (4,)), 16),
    "apply_async": (lambda pool: pool.apply_async(tasks.square, (4,)).get(), 16),
    "map": (lambda pool: pool.map(tasks.square, range(9), 1), [n * n for n in range(9)]),
    "imap": (lambda pool: sum(pool.imap(tasks.square, iter(range(9)))), 204),
    "dump": (lambda pool: "worker" in pool.dump(io.StringIO()), True),
    "another pool": (lambda pool: type(pool)(1).apply(tasks.square, (4,)), 16),
}


@pytest.mark.filterwarnings("ignore:unclosed running multiprocessing pool:ResourceWarning")
@pytest.mark.parametrize("call", CALLS)
def test_a_callback_may_wait_for_a_call(Pool: PoolClass, call: str) -> None:
    """With the only worker there is."""
    function, expected = CALLS[call]
    with Pool(1) as pool:
        assert call_in_a_callback(pool, lambda: function(pool)) == expected
        gc.collect()
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_a_callback_does_not_wait_for_another_callback(Pool: PoolClass) -> None:
    """That can only be called when this one has returned: the result is there before."""
    called: list[int] = []
    with Pool(1) as pool:

        def callback() -> tuple[int, bool, bool]:
            result = called_back(pool, called)
            result.wait()
            return result.get(), result.successful(), bool(called)

        assert call_in_a_callback(pool, callback) == (4, True, False)
        pool.close()
        pool.join()
    assert called == [4]


def test_a_callback_has_its_own_result(Pool: PoolClass) -> None:
    """It is ready there, and may be asked for."""
    submitted = threading.Event()
    results: list[Any] = []
    seen: list[Any] = []

    def callback(_: int) -> None:
        submitted.wait()
        seen.append((results[0].ready(), results[0].successful(), results[0].get()))

    with Pool(1) as pool:
        results.append(pool.apply_async(tasks.square, (3,), callback=callback))
        submitted.set()
        assert results[0].get(DEADLINE) == 9
    assert seen == [(True, True, 9)]


ENDINGS: dict[str, Callable[[Any], object]] = {
    "close": lambda pool: pool.close(),
    "close and join": lambda pool: (pool.close(), pool.join()),
    "terminate": lambda pool: pool.terminate(),
    "terminate and join": lambda pool: (pool.terminate(), pool.join()),
    "the with block": lambda pool: pool.__exit__(None, None, None),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_callback_may_end_the_pool(Pool: PoolClass, ending: str) -> None:
    """It does not wait for itself, and what it was called with is still returned."""
    with Pool(2) as pool:
        assert not isinstance(call_in_a_callback(pool, lambda: ENDINGS[ending](pool)), Exception)
        with pytest.raises(ValueError, match="Pool not running"):
            pool.apply(tasks.square, (3,))
        pool.join()


@pytest.mark.filterwarnings("ignore:unclosed running multiprocessing pool:ResourceWarning")
def test_a_callback_may_drop_the_pool(Pool: PoolClass) -> None:
    """The thread that calls back is not kept from ending by it."""
    pools = [Pool(1)]
    given, dropped = threading.Event(), threading.Event()

    def callback(_: int) -> None:
        given.wait()
        pools.clear()
        gc.collect()
        dropped.set()

    pools[0].apply_async(tasks.square, (3,), callback=callback)
    given.set()
    assert dropped.wait(DEADLINE)


def test_an_error_callback_may_use_the_pool(Pool: PoolClass) -> None:
    """As one that tries again."""
    with Pool(1) as pool:
        again: list[int] = []

        def try_again(error: BaseException) -> None:
            again.append(pool.apply(tasks.square, (2,)))

        with pytest.raises(KeyError):
            pool.apply_async(tasks.fail, (KeyError(),), error_callback=try_again).get(DEADLINE)
        assert again == [4]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_a_callback_may_raise_anything(
    Pool: PoolClass, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """It is reported, and ends neither the thread that calls back nor the program."""
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))

    def callback(_: int) -> None:
        raise error

    with Pool(1) as pool:
        assert pool.apply_async(tasks.square, (3,), callback=callback).get(DEADLINE) == 9
        called: list[int] = []
        assert called_back(pool, called).get(DEADLINE) == 4
    assert reported == [error]
    assert called == [4]
