"""``apply_async`` thousands of times: each call is one of its own all the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support import PoolClass, hostile, tasks
from support.latches import Mailbox

CALLS = 3000


def test_each_result_is_that_of_its_call(Pool: PoolClass) -> None:
    """Asked for in any order, again and again."""
    with Pool(2) as pool:
        for turn in (1, -1):
            results = [pool.apply_async(tasks.step, (n,)) for n in range(CALLS)]
            assert [r.get() for r in results[::turn]] == list(range(CALLS))[::turn]
            assert [r.get(0) for r in results] == list(range(CALLS))
            assert all(r.ready() and r.successful() for r in results)


def test_calls_that_fail_fail_alone(Pool: PoolClass) -> None:
    """Each raises its own exception, also one whose arguments can't be pickled."""
    orders: dict[int, Any] = dict.fromkeys(range(2000), "")
    orders |= {7: "fail", 400: threading.Lock(), 1500: hostile.RefusesToBePickled()}
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.step, (n, orders[n % 2000])) for n in range(CALLS)]
        for number, result in enumerate(results):
            if orders[number % 2000]:
                with pytest.raises(Exception, match=f"step {number}$|pickle"):
                    result.get()
                assert not result.successful()
            else:
                assert result.get() == number


@pytest.mark.gopool_only("multiprocessing pickles them later, in a thread")
def test_arguments_are_those_at_the_time_of_the_call(Pool: PoolClass) -> None:
    """What the caller does with them afterwards is no matter."""
    items: list[object] = []
    kwds: dict[str, Any] = {"a": []}
    with Pool(1) as pool:
        results = []
        for number in range(CALLS):
            items[:] = [number]
            kwds["a"][:] = [-number]
            results.append(pool.apply_async(tasks.describe, (items, number), kwds))
        kwds.clear()
        for number, result in enumerate(results):
            assert result.get() == (([number], number), {"a": [-number]})


def test_arguments_of_all_kinds_and_sizes(Pool: PoolClass) -> None:
    """Small and large ones, by position and by name, in turn."""
    calls: list[tuple[Any, dict[str, Any]]] = [
        ((1,), {}),
        ([2, "two"], {}),
        ((), {"a": None}),
        ((bytes(200),), {"b": 1.5}),
        ((bytes(300),), {}),
        ((bytes(1 << 20),), {}),
        (("x" * 230,), {}),
        ((2**100, 1j, True, [()]), {}),
    ]
    with Pool(2) as pool:
        results = []
        for number in range(400):
            args, kwds = calls[number // 20 % len(calls)]
            results.append((args, kwds, pool.apply_async(tasks.describe, args, kwds)))
        for args, kwds, result in results:
            assert result.get() == (tuple(args), kwds)


def test_calls_start_in_the_order_of_their_submission(Pool: PoolClass) -> None:
    """Whatever is submitted between them, and however."""
    with Pool(1) as pool:
        for number in range(CALLS):
            if number % 450 == 449:
                pool.map_async(tasks.remember, [number])
            elif number % 300 == 299:
                pool.apply_async(tasks.remember, (number,))
            elif number % 250 == 249:
                pool.apply_async(tasks.step, (number, "remember"), callback=id)
            elif number % 220 == 219:
                pool.apply(tasks.step, (number, "remember"))
            else:
                pool.apply_async(tasks.step, (number, "remember"))
        assert pool.apply(tasks.remember, (CALLS,)) == list(range(CALLS + 1))


def test_each_callback_is_called_once(Pool: PoolClass) -> None:
    """Also where calls have none or fail."""
    called: list[int] = []
    failed: list[str] = []
    with Pool(2) as pool:
        for number in range(CALLS):
            order = "fail" if number % 100 == 0 else ""
            if number % 3:
                pool.apply_async(tasks.step, (number,))
            else:
                pool.apply_async(
                    tasks.step,
                    (number, order),
                    callback=called.append,
                    error_callback=lambda error: failed.append(str(error)),
                )
        pool.close()
        pool.join()
    assert sorted(called) == [n for n in range(0, CALLS, 3) if n % 100]
    assert sorted(failed) == sorted(f"step {n}" for n in range(0, CALLS, 300))


def test_threads_flood_a_pool_together(Pool: PoolClass) -> None:
    """With the same function and with others."""
    functions = [tasks.step, tasks.step, tasks.step, tasks.square]
    with Pool(2) as pool, ThreadPoolExecutor(8) as threads:

        def flood(thread: int) -> bool:
            function = functions[thread % len(functions)]
            results = [pool.apply_async(function, (thread * CALLS + n,)) for n in range(CALLS)]
            return [r.get() for r in results] == [
                n if function is tasks.step else n * n
                for n in range(thread * CALLS, thread * CALLS + CALLS)
            ]

        assert list(threads.map(flood, range(8))) == [True] * 8


def test_threads_ask_for_the_same_results(Pool: PoolClass) -> None:
    """All get them."""
    with Pool(2) as pool, ThreadPoolExecutor(4) as threads:
        for _ in range(5):
            results = [pool.apply_async(tasks.step, (n,)) for n in range(CALLS)]
            floods = threads.map(lambda some: [r.get() for r in some], [results] * 4)
            assert list(floods) == [list(range(CALLS))] * 4


def test_calls_run_although_the_caller_never_comes_back(Pool: PoolClass, mailbox: Mailbox) -> None:
    """Neither to the pool nor to Python's other threads; the results are dropped."""
    with Pool(2) as pool:
        for number in range(CALLS):
            pool.apply_async(tasks.step, (number,))
        for number in range(5):
            pool.apply_async(tasks.step, (number, "post", mailbox.path))
        assert sorted(mailbox.receive(5)) == list("01234")
        pool.apply_async(tasks.step, (6, "post", mailbox.path))
        assert mailbox.receive(1) == ["6"]


def test_join_waits_for_all_calls(Pool: PoolClass) -> None:
    """Their results are there, also when the pool is not."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.step, (n,)) for n in range(CALLS)]
        pool.close()
        with pytest.raises(ValueError, match="Pool not running"):
            pool.apply_async(tasks.step, (1,))
        pool.join()
        assert all(r.ready() for r in results)
    assert [r.get() for r in results] == list(range(CALLS))
