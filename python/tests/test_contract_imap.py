"""``imap`` and ``imap_unordered``: results while the input is still being consumed."""

from __future__ import annotations

import functools
import itertools
import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from support import PoolClass, deaths, tasks
from support.latches import DEADLINE, Gate, Ledger, Mailbox

METHODS = ("imap", "imap_unordered")


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """One method after the other, where both promise the same."""
    name: str = request.param
    return name


def outcomes(iterator: Iterator[Any]) -> list[Any]:
    """Take all there is: results, and in place of each that was raised the exception."""
    found: list[Any] = []
    while True:
        try:
            found.append(next(iterator))
        except StopIteration:
            return found
        except Exception as error:
            found.append(error)


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 10, 500])
@pytest.mark.parametrize("source", [range, lambda n: iter(range(n))], ids=["plain", "iterator"])
def test_imap_yields_results_in_order(
    Pool: PoolClass, count: int, chunksize: int, source: Callable[[int], Iterable[int]]
) -> None:
    """Whatever the chunks and the kind of iterable, the results are those of ``map``."""
    with Pool(2) as pool:
        squares = pool.imap(tasks.square, source(count), chunksize)
        assert list(squares) == [n * n for n in range(count)]


@pytest.mark.parametrize("chunksize", [1, 3, 1000])
@pytest.mark.parametrize("count", [0, 1, 10, 500])
def test_imap_unordered_yields_each_result_once(
    Pool: PoolClass, count: int, chunksize: int
) -> None:
    """In some order, none missing and none twice."""
    with Pool(2) as pool:
        squares = pool.imap_unordered(tasks.square, range(count), chunksize)
        assert sorted(squares) == [n * n for n in range(count)]


@pytest.mark.parametrize(
    "items", ["", "abc", b"xyz", (), {"a": 1, "b": 2}, [[1], [2]], {1: 2}.items()], ids=repr
)
def test_any_iterable_will_do(Pool: PoolClass, items: Any) -> None:
    """Strings, bytes, dictionaries, views: iterated as ``for`` does."""
    with Pool(1) as pool:
        assert list(pool.imap(tasks.identity, items)) == list(items)


def test_order_is_that_of_the_input_also_when_the_first_ends_last(
    Pool: PoolClass, mailbox: Mailbox, gate: Gate
) -> None:
    """imap waits for the first result; imap_unordered yields what is there."""
    held = functools.partial(tasks.arrive, mailbox, gate, "held")
    quick = functools.partial(tasks.identity, "quick")
    with Pool(3) as pool:
        ordered = pool.imap(tasks.call, [held, *[quick] * 20])
        mailbox.receive(1)
        unordered = pool.imap_unordered(tasks.call, [held, *[quick] * 20])
        for _ in range(20):
            assert unordered.next(DEADLINE) == "quick"
        gate.open()
        assert unordered.next(DEADLINE) == "held"
        assert list(ordered) == ["held", *["quick"] * 20]


def test_the_iterator_is_its_own_iterator_and_ends_for_good(Pool: PoolClass, method: str) -> None:
    """StopIteration comes again and again, from every way of asking."""
    with Pool(1) as pool:
        results = getattr(pool, method)(tasks.square, [3])
        assert iter(results) is results
        assert next(results) == 9
        for _ in range(3):
            with pytest.raises(StopIteration):
                next(results)
            with pytest.raises(StopIteration):
                results.next()
            with pytest.raises(StopIteration):
                results.next(timeout=0)


@pytest.mark.parametrize("chunksize", [1, 3])
@pytest.mark.parametrize("source", [list, iter], ids=["plain", "iterator"])
def test_an_exception_is_raised_in_its_place(
    Pool: PoolClass, chunksize: int, source: Callable[[list[int]], Iterable[int]]
) -> None:
    """Iteration goes on behind it."""
    task = functools.partial(tasks.fail_at, 3)
    with Pool(2) as pool:
        found = outcomes(pool.imap(task, source([1, 2, 3, 4, 5]), 1))
        assert found[:2] + found[3:] == [1, 2, 4, 5]
        assert repr(found[2]) == "ValueError('value 3')"
        found = outcomes(pool.imap_unordered(task, source([1, 2, 3, 4, 5])))
        assert sorted(n for n in found if isinstance(n, int)) == [1, 2, 4, 5]
        assert [repr(e) for e in found if not isinstance(e, int)] == ["ValueError('value 3')"]


def test_an_exception_in_a_chunk(Pool: PoolClass) -> None:
    """The first item of a chunk fails: that is what comes first."""
    with Pool(1) as pool:
        results = pool.imap(functools.partial(tasks.fail_at, 0), range(4), 2)
        with pytest.raises(ValueError, match="value 0"):
            next(results)


@pytest.mark.gopool_only("in multiprocessing the exception takes the rest of its chunk with it")
def test_a_chunk_is_no_unit_of_failure(Pool: PoolClass) -> None:
    """The others of a chunk have their results."""
    with Pool(1) as pool:
        found = outcomes(pool.imap(functools.partial(tasks.fail_at, 1), range(6), 3))
        assert [n for n in found if isinstance(n, int)] == [0, 2, 3, 4, 5]
        assert repr(found[1]) == "ValueError('value 1')"


def failing(count: int) -> Iterator[int]:
    yield from range(count)
    raise KeyError("from the generator")


@pytest.mark.parametrize("count", [0, 1, 5, 40])
def test_an_exception_of_the_iterable_is_raised_behind_what_it_yielded(
    Pool: PoolClass, count: int
) -> None:
    """Then the iterator is at its end, and the pool goes on."""
    with Pool(2) as pool:
        results = pool.imap(tasks.square, failing(count))
        assert [next(results) for _ in range(count)] == [n * n for n in range(count)]
        with pytest.raises(KeyError, match="from the generator"):
            next(results)
        with pytest.raises(StopIteration):
            next(results)
        found = outcomes(pool.imap_unordered(tasks.square, failing(count)))
        assert sorted(n for n in found if isinstance(n, int)) == [n * n for n in range(count)]
        assert [repr(e) for e in found if not isinstance(e, int)] == [
            "KeyError('from the generator')"
        ]
        assert pool.apply(tasks.square, (4,)) == 16


def test_an_exception_of_the_iterable_takes_its_chunk_with_it(Pool: PoolClass, method: str) -> None:
    """What was drawn before it, in the same chunk, is not run."""
    with Pool(1) as pool:
        found = outcomes(getattr(pool, method)(tasks.square, failing(5), 3))
        assert sorted(n for n in found if isinstance(n, int)) == [0, 1, 4]
        assert sum(isinstance(e, KeyError) for e in found) == 1


@pytest.mark.gopool_only("multiprocessing raises it from next()")
def test_what_cannot_be_iterated_over_is_refused_at_once(Pool: PoolClass, method: str) -> None:
    """TypeError, at the call."""
    with Pool(1) as pool:
        with pytest.raises(TypeError, match="not iterable"):
            getattr(pool, method)(tasks.square, 5)
        assert pool.apply(tasks.square, (4,)) == 16


@pytest.mark.parametrize("chunksize", [0, -3])
def test_a_chunksize_below_one_is_refused(Pool: PoolClass, method: str, chunksize: int) -> None:
    """With the standard library's words, before anything is consumed."""
    source = iter([1])
    with (
        Pool(1) as pool,
        pytest.raises(ValueError, match=rf"^Chunksize must be 1\+, not {chunksize}$"),
    ):
        getattr(pool, method)(tasks.square, source, chunksize)
    assert next(source) == 1


def test_a_pool_that_does_not_run_refuses(Pool: PoolClass, method: str) -> None:
    """ValueError, closed or terminated."""
    for end in ("close", "terminate"):
        with Pool(1) as pool:
            getattr(pool, end)()
            with pytest.raises(ValueError, match=r"^Pool not running$"):
                getattr(pool, method)(tasks.square, [1])
            pool.terminate()
            pool.join()


def test_a_timeout_leaves_the_result_where_it_is(
    Pool: PoolClass, method: str, mailbox: Mailbox, gate: Gate
) -> None:
    """TimeoutError as often as it is not there; later it is."""
    task = functools.partial(tasks.arrive, mailbox, gate)
    with Pool(1) as pool:
        results = getattr(pool, method)(task, [1, 2])
        mailbox.receive(1)
        for timeout in (0, 0.01, 0.2):
            with pytest.raises(multiprocessing.TimeoutError):
                results.next(timeout=timeout)
        gate.open()
        assert results.next(timeout=DEADLINE) == 1
        assert results.next(DEADLINE) == 2
        with pytest.raises(StopIteration):
            results.next(DEADLINE)


def test_a_generator_may_wait_for_the_results_of_what_it_yielded(
    Pool: PoolClass, method: str
) -> None:
    """An item is on its way as soon as it is drawn; none is held back for company."""
    results: queue.Queue[int] = queue.Queue()

    def feedback() -> Iterator[int]:
        number = 2
        for _ in range(5):
            yield number
            number = results.get(timeout=DEADLINE)

    found = []
    with Pool(2) as pool:
        for result in getattr(pool, method)(tasks.square, feedback()):
            found.append(result)
            results.put(result % 1000)
    assert found == [4, 16, 256, 65536, 536**2]


@pytest.mark.gopool_only("multiprocessing consumes its input without an end, and fills memory")
def test_an_endless_generator(Pool: PoolClass, method: str) -> None:
    """The consumer takes what it wants and drops the iterator."""
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.square, itertools.count(), buffersize=100)
        assert len(list(itertools.islice(results, 300))) == 300


def test_an_item_that_cannot_be_pickled_fails_in_its_place(Pool: PoolClass) -> None:
    """Whether alone, first, last, or many of them; the others are run."""
    bad = threading.Lock()
    for items in ([bad], [bad, 1], [1, bad], [bad] * 3, [1, bad, 2, bad, 3]):
        for source in (items, iter(items)):
            with Pool(1) as pool:
                found = outcomes(pool.imap(tasks.identity, source))
            assert len(found) == len(items)
            for item, outcome in zip(items, found, strict=True):
                assert outcome == item if isinstance(item, int) else "pickle" in str(outcome)


def test_a_function_that_cannot_be_pickled_is_raised_by_next(Pool: PoolClass, method: str) -> None:
    """The call itself raises nothing, and the pool goes on."""
    lock = threading.Lock()
    with Pool(1) as pool:
        results = getattr(pool, method)(lambda n: (lock, n), [1])
        with pytest.raises(Exception, match="pickle"):
            next(results)
        with pytest.raises(StopIteration):
            next(results)
        assert pool.apply(tasks.square, (4,)) == 16


@pytest.mark.parametrize("count", [5, 300])
def test_the_work_of_a_dropped_iterator_is_done(
    Pool: PoolClass, method: str, count: int, ledger: Ledger
) -> None:
    """Fire and forget: after close and join all of it has run, each once."""
    with Pool(2) as pool:
        for source in (range(count), iter(range(count, 2 * count))):
            getattr(pool, method)(functools.partial(tasks.note, ledger), source)
        pool.close()
        pool.join()
    assert ledger.numbers() == list(range(2 * count))


def test_close_lets_the_input_be_consumed_to_its_end(
    Pool: PoolClass, method: str, gate: Gate
) -> None:
    """An iterable that is still yielding when the pool is closed yields on."""

    def numbers() -> Iterator[int]:
        yield 1
        gate.wait()
        yield from range(2, 101)

    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.identity, numbers())
        assert next(results) == 1
        pool.close()
        gate.open()
        assert sorted(results) == list(range(2, 101))
        pool.join()


def test_results_can_be_taken_after_join(Pool: PoolClass, method: str) -> None:
    """They wait for as long as there is the iterator."""
    with Pool(2) as pool:
        results = getattr(pool, method)(tasks.square, iter(range(100)))
        pool.close()
        pool.join()
        assert sorted(results) == [n * n for n in range(100)]


def test_several_iterators_at_once(Pool: PoolClass) -> None:
    """Each has its own results, taken in turns."""
    with Pool(2) as pool:
        one = pool.imap(tasks.square, range(200))
        two = pool.imap(tasks.add_two, iter(range(200)))
        three = pool.imap(tasks.identity, range(200), 7)
        for number, results in enumerate(zip(one, two, three, strict=True)):
            assert results == (number * number, number + 2, number)


def in_threads(count: int, consume: Callable[[], Iterable[int]]) -> list[list[int]]:
    """Exhaust an iterator in each of several threads."""
    found: list[list[int]] = []
    threads = [threading.Thread(target=lambda: found.append(list(consume()))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_each_thread_has_an_iterator_of_its_own(Pool: PoolClass) -> None:
    """They share the pool and nothing else."""
    with Pool(2) as pool:
        found = in_threads(3, lambda: pool.imap(tasks.identity, range(500)))
    assert found == [list(range(500))] * 3


@pytest.mark.gopool_only("in multiprocessing only one of the threads hears of the end")
def test_threads_share_an_iterator(Pool: PoolClass, method: str) -> None:
    """Each result goes to one of them, and the end to all."""
    with Pool(2) as pool:
        shared = getattr(pool, method)(tasks.identity, iter(range(2000)))
        found = in_threads(3, lambda: shared)
    assert sorted(itertools.chain(*found)) == list(range(2000))
    if method == "imap":
        assert all(numbers == sorted(numbers) for numbers in found)


def test_an_iterator_keeps_its_pool(Pool: PoolClass) -> None:
    """Results that are outstanding keep their pool alive."""
    with Pool(1) as pool:
        results = pool.imap(tasks.identity, iter(range(50)))
        del pool
        assert list(results) == list(range(50))


def test_results_that_cannot_be_pickled_or_unpickled(Pool: PoolClass) -> None:
    """Raise in their place, as with ``apply``."""
    with Pool(1) as pool:
        functions: list[Callable[[], object]] = [threading.Lock, tasks.nothing]
        results: Iterator[object] = pool.imap(tasks.call, functions)
        with pytest.raises(Exception, match="pickle"):
            next(results)
        assert next(results) is None


@pytest.mark.gopool_only("multiprocessing waits for ever for the result of a dead worker")
def test_a_lost_worker_is_raised_in_its_place(Pool: PoolClass) -> None:
    """The others have their results."""
    import gopool

    with Pool(2) as pool:
        functions: list[Any] = [
            tasks.nothing,
            functools.partial(deaths.exit_with, 7),
            tasks.nothing,
        ]
        found = outcomes(pool.imap(tasks.call, functions))
        assert found[::2] == [None, None]
        assert isinstance(found[1], gopool.WorkerLostError)
        assert found[1].exitcode == 7


@pytest.mark.gopool_only("multiprocessing waits for ever")
def test_what_is_outstanding_when_the_pool_is_terminated(
    Pool: PoolClass, method: str, mailbox: Mailbox, gate: Gate
) -> None:
    """Results that are there can be taken; then PoolTerminatedError, and then the end."""
    import gopool

    functions: list[Any] = [
        functools.partial(tasks.identity, "there"),
        functools.partial(tasks.arrive, mailbox, gate, "held"),
    ]
    with Pool(1) as pool:
        results = getattr(pool, method)(tasks.call, iter(functions))
        mailbox.receive(1)
    assert next(results) == "there"
    with pytest.raises(gopool.PoolTerminatedError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)
