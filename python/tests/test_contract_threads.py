"""One pool used from many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import PoolClass, tasks
from support.latches import Gate, Mailbox


def in_threads(count: int, function: Callable[[int], object]) -> list[object]:
    """Call ``function(0)`` to ``function(count - 1)`` at the same time."""
    start = threading.Barrier(count)

    def run(number: int) -> object:
        start.wait()
        return function(number)

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(run, range(count)))


def test_threads_map_at_the_same_time(Pool: PoolClass) -> None:
    """Each gets its own results."""
    with Pool(2) as pool:

        def run(number: int) -> bool:
            numbers = range(number * 1000, number * 1000 + 200)
            return all(
                pool.map(tasks.square, numbers, 7) == [n * n for n in numbers] for _ in "abc"
            )

        assert in_threads(8, run) == [True] * 8


def test_threads_apply_at_the_same_time(Pool: PoolClass) -> None:
    """Single calls from several threads do not meet each other's results."""
    with Pool(2) as pool:

        def run(number: int) -> list[int]:
            return [pool.apply(tasks.add, (number, n)) for n in range(100)]

        assert in_threads(6, run) == [[number + n for n in range(100)] for number in range(6)]


def test_calls_that_wait_for_each_other_are_made_together(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """However short the calls of a function were, as many run as there are workers."""
    with Pool(3) as pool:
        for number in range(100):
            assert pool.apply(tasks.arrive_if_any, (None, number)) == number
        with ThreadPoolExecutor(3) as executor:
            held = executor.map(
                lambda number: pool.apply(tasks.arrive_if_any, ((mailbox, gate), number)), range(3)
            )
            mailbox.receive(3)
            gate.open()
            assert list(held) == list(range(3))


def test_threads_mix_results_and_errors(Pool: PoolClass) -> None:
    """An error in one thread is none in the next."""
    with Pool(2) as pool:

        def run(number: int) -> object:
            if number % 2:
                with pytest.raises(ValueError, match="value 3"):
                    pool.map(tasks.fail_at_three, range(50), 1)
                return None
            return pool.starmap(tasks.add, [(n, number) for n in range(50)], 1)

        expected = [None if i % 2 else [n + i for n in range(50)] for i in range(6)]
        assert in_threads(6, run) == expected


def test_a_result_may_be_asked_for_in_another_thread(Pool: PoolClass) -> None:
    """Who submits need not be who waits."""
    with Pool(2) as pool:
        results = [pool.apply_async(tasks.square, (n,)) for n in range(50)]
        assert in_threads(5, lambda i: [r.get() for r in results[i::5]]) == [
            [n * n for n in range(i, 50, 5)] for i in range(5)
        ]


def test_a_waiting_thread_does_not_hold_up_others(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """The interpreter goes on while a thread waits for its result."""
    with Pool(2) as pool:
        waiting = threading.Thread(target=pool.apply, args=(tasks.arrive, (mailbox, gate, 1)))
        waiting.start()
        mailbox.receive(1)
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
        assert waiting.is_alive()
        gate.open()
        waiting.join()


def test_each_thread_has_its_own_pool(Pool: PoolClass) -> None:
    """Pools may be made and ended by any thread, also not by the main one."""

    def run(number: int) -> object:
        with Pool(1) as pool:
            return pool.map(tasks.add_two, range(number), 1)

    assert in_threads(3, run) == [[n + 2 for n in range(number)] for number in range(3)]


def test_close_in_one_thread_while_another_submits(Pool: PoolClass) -> None:
    """Each submission is either run or refused, nothing is lost in between."""
    with Pool(2) as pool:
        accepted = []
        refusals = []
        first_accepted = threading.Event()

        def submit() -> None:
            for number in range(10**9):
                try:
                    accepted.append(pool.apply_async(tasks.identity, (number,)))
                except ValueError as error:
                    refusals.append(str(error))
                    return
                first_accepted.set()

        thread = threading.Thread(target=submit)
        thread.start()
        first_accepted.wait()
        pool.close()
        thread.join()
        pool.join()
        assert refusals == ["Pool not running"]
        assert [result.get(0) for result in accepted] == list(range(len(accepted)))


def test_join_may_be_called_in_several_threads(Pool: PoolClass) -> None:
    """All of them wait for the end of the work."""
    with Pool(2) as pool:
        result = pool.map_async(tasks.square, range(200), 1)
        pool.close()
        in_threads(3, lambda _: pool.join())
        assert result.ready()
