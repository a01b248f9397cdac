"""``ThreadPool``: the API of ``Pool``, and functions that run in this process."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import tasks
from support.latches import DEADLINE

ThreadPoolClass = Callable[..., Any]


@pytest.fixture
def door() -> Iterator[threading.Event]:
    """An event that tasks wait for; it is set in the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def fail_at(bad: int) -> Callable[[int], int]:
    def function(number: int) -> int:
        if number >= bad:
            raise ValueError(f"number {number}")
        return number

    return function


def test_is_the_standard_one_for_isinstance(AnyThreadPool: ThreadPoolClass) -> None:
    with AnyThreadPool(1) as pool:
        assert isinstance(pool, multiprocessing.pool.ThreadPool)
        assert isinstance(pool, multiprocessing.pool.Pool)
        assert repr(pool).endswith("ThreadPool state=RUN pool_size=1>")


@pytest.mark.parametrize("chunksize", [None, 1, 3, 1000])
@pytest.mark.parametrize("count", [0, 1, 10, 3000])
def test_map(AnyThreadPool: ThreadPoolClass, count: int, chunksize: int | None) -> None:
    """Results come in the order of the items, whatever the chunks."""
    expected = [n * n for n in range(count)]
    with AnyThreadPool(4) as pool:
        assert pool.map(tasks.square, range(count), chunksize) == expected
        assert pool.map(tasks.square, iter(range(count)), chunksize) == expected
        assert pool.starmap(pow, [(n, 2) for n in range(count)], chunksize) == expected
        assert pool.map_async(tasks.square, range(count), chunksize).get() == expected


def test_apply(AnyThreadPool: ThreadPoolClass) -> None:
    with AnyThreadPool(2) as pool:
        assert pool.apply(tasks.describe, (1, 2), {"a": 3}) == ((1, 2), {"a": 3})
        assert pool.apply_async(tasks.describe, [1], {"a": 3}).get() == ((1,), {"a": 3})
        with pytest.raises(TypeError):
            pool.apply(tasks.describe, 5)


@pytest.mark.parametrize("chunksize", [1, 7])
def test_imap(AnyThreadPool: ThreadPoolClass, chunksize: int) -> None:
    with AnyThreadPool(3) as pool:
        for source in (lambda: range(500), lambda: iter(range(500))):
            assert list(pool.imap(tasks.identity, source(), chunksize)) == list(range(500))
            unordered = pool.imap_unordered(tasks.identity, source(), chunksize)
            assert sorted(unordered) == list(range(500))


def test_imap_raises_in_its_place(AnyThreadPool: ThreadPoolClass) -> None:
    def source() -> Iterator[int]:
        yield from (1, 2, 3)
        raise KeyError("source")

    with AnyThreadPool(2) as pool:
        results = pool.imap(fail_at(2), source())
        assert next(results) == 1
        for error in ValueError, ValueError, KeyError:
            with pytest.raises(error):
                next(results)
        with pytest.raises(StopIteration):
            next(results)


@pytest.mark.gopool_only("multiprocessing consumes the iterable without a bound")
def test_imap_pauses(AnyThreadPool: ThreadPoolClass) -> None:
    """An endless iterable is consumed as far as its results are taken, and a bit more."""
    drawn = itertools.count()
    for bound, options in ((10, {"buffersize": 10}), (512, {})):
        before = next(drawn)
        with AnyThreadPool(2) as pool:
            results = pool.imap(tasks.identity, drawn, **options)
            for expected in range(before + 1, before + 2001):
                assert next(results) == expected
            assert next(drawn) <= before + 2001 + bound + 1


def test_objects_stay_what_they_are(AnyThreadPool: ThreadPoolClass) -> None:
    """Nothing is copied: functions, arguments, results, exceptions."""
    lock, error = threading.Lock(), ValueError()

    def give_back(thing: object) -> object:
        return thing

    with AnyThreadPool(2) as pool:
        assert pool.apply(lambda: lock) is lock
        assert pool.map(give_back, [lock, error]) == [lock, error]
        assert next(pool.imap(give_back, iter([lock]))) is lock
        with pytest.raises(ValueError) as caught:
            pool.apply(tasks.fail, (error,))
        assert caught.value is error
        assert caught.value.__cause__ is None
        assert caught.traceback[-1].name == "fail"


def test_the_first_failure_by_position_is_raised(AnyThreadPool: ThreadPoolClass) -> None:
    with AnyThreadPool(2) as pool:
        result = pool.map_async(fail_at(3), range(10), 1)
        with pytest.raises(ValueError, match="number 3"):
            result.get(DEADLINE)
        assert not result.successful()
        assert pool.map(fail_at(3), range(3)) == [0, 1, 2]


@pytest.mark.gopool_only("multiprocessing waits for ever for what ends a thread")
@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException])
def test_whatever_a_task_raises_is_raised_by_get(
    AnyThreadPool: ThreadPoolClass, kind: type[BaseException]
) -> None:
    with AnyThreadPool(1) as pool:
        ident = pool.apply(threading.get_ident)
        with pytest.raises(kind):
            pool.apply(tasks.fail, (kind(),))
        assert pool.apply(threading.get_ident) == ident, "no thread is lost"


def test_an_exception_is_freed(AnyThreadPool: ThreadPoolClass) -> None:
    """Without the garbage collector: its traceback does not hold what holds it."""

    class Thing:
        pass

    def fail(thing: Thing) -> None:
        raise ValueError

    thing = Thing()
    freed = weakref.ref(thing)
    gc.disable()
    try:
        with AnyThreadPool(1) as pool:
            result = pool.apply_async(fail, (thing,))
            result.wait(DEADLINE)
            del thing, result
            pool.apply(tasks.nothing)  # which makes the thread let go of it
        pool.join()
    finally:
        gc.enable()
    assert freed() is None


def test_callbacks(AnyThreadPool: ThreadPoolClass) -> None:
    """Are called before the result is ready, and not in the caller's thread."""
    told: list[object] = []

    def tell(outcome: object) -> None:
        told.append((type(outcome), threading.current_thread() is threading.main_thread()))

    with AnyThreadPool(2) as pool:
        pool.apply_async(int, callback=tell).wait()
        pool.map_async(tasks.square, range(3), callback=tell).wait()
        pool.apply_async(fail_at(0), (0,), error_callback=tell).wait()
    assert told == [(int, False), (list, False), (ValueError, False)]


@pytest.mark.gopool_only("multiprocessing's thread ends, and the caller waits for ever")
def test_a_callback_that_raises(
    AnyThreadPool: ThreadPoolClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    with AnyThreadPool(1) as pool:
        assert pool.apply_async(int, callback=fail_at(0)).get(DEADLINE) == 0
        assert pool.apply(int) == 0
    assert [report.exc_type for report in reported] == [ValueError]


def test_initializer_runs_once_in_each_thread(AnyThreadPool: ThreadPoolClass) -> None:
    """And what it leaves in a ``threading.local`` is found by the tasks of its thread."""
    local, barrier = threading.local(), threading.Barrier(3)
    calls: list[int] = []

    def begin(value: str) -> None:
        calls.append(threading.get_ident())
        local.value = value, threading.get_ident()

    def look(_: object) -> bool:
        barrier.wait(DEADLINE)
        return bool(local.value == ("value", threading.get_ident()))

    with AnyThreadPool(3, begin, ("value",)) as pool:
        assert pool.map(look, range(3), 1) == [True] * 3
        assert len(calls) == len(set(calls)) == 3
        assert threading.get_ident() not in calls


@pytest.mark.gopool_only("multiprocessing starts threads without end")
@pytest.mark.parametrize("size", [1, 2, 4, 16])
def test_an_initializer_that_fails_breaks_the_pool(
    AnyThreadPool: ThreadPoolClass, size: int
) -> None:
    """The error has the traceback."""
    import gopool

    pool = AnyThreadPool(size, fail_at(0), (7,))
    for _ in range(2):
        with pytest.raises(gopool.BrokenPoolError, match="number 7"):
            pool.apply(int)
    pool.close()
    pool.join()


def test_all_threads_work_at_once(AnyThreadPool: ThreadPoolClass) -> None:
    barrier = threading.Barrier(8)
    with AnyThreadPool(8) as pool:
        for _ in range(3):
            assert len(pool.map(lambda _: barrier.wait(DEADLINE), range(8), 1)) == 8


def test_threads_are_daemons(AnyThreadPool: ThreadPoolClass) -> None:
    with AnyThreadPool(1) as pool:
        thread = pool.apply(threading.current_thread)
        assert thread.daemon
        assert thread.name.endswith("(worker)")
        assert pool.apply(os.getpid) == os.getpid()


@pytest.mark.gopool_only("multiprocessing hands out whole chunks")
def test_nothing_waits_behind_a_long_task(
    AnyThreadPool: ThreadPoolClass, door: threading.Event
) -> None:
    """However short the tasks before it were: those behind it go to other threads."""
    done = threading.Semaphore(0)

    def work(number: int) -> int:
        if number == 5000:
            door.wait(DEADLINE)
        done.release()
        return number

    with AnyThreadPool(2) as pool:
        result = pool.map_async(work, range(10_000))
        for _ in range(9_999):
            assert done.acquire(timeout=DEADLINE)
        assert not result.ready()
        door.set()
        assert result.get(DEADLINE) == list(range(10_000))


def test_each_task_runs_once(AnyThreadPool: ThreadPoolClass) -> None:
    """Although tasks of very different lengths are taken back from threads."""
    ran: list[int] = []

    def work(number: int) -> int:
        if number % 400 == 0:
            time.sleep(0.005)
        ran.append(number)
        return number

    with AnyThreadPool(4) as pool:
        for _ in range(3):
            ran.clear()
            assert pool.map(work, range(4000), 1) == list(range(4000))
            assert sorted(ran) == list(range(4000))


def test_many_callers(AnyThreadPool: ThreadPoolClass) -> None:
    failed: list[BaseException] = []

    def call(pool: Any, base: int) -> None:
        try:
            for n in range(base, base + 50):
                assert pool.apply(tasks.square, (n,)) == n * n
            assert pool.map(tasks.square, [base] * 10) == [base * base] * 10
        except BaseException as error:
            failed.append(error)

    with AnyThreadPool(4) as pool:
        threads = [threading.Thread(target=call, args=(pool, n)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_task_uses_pools(AnyThreadPool: ThreadPoolClass) -> None:
    """Another one, and its own."""

    def outer(number: int) -> int:
        with AnyThreadPool(2) as inner:
            return sum(inner.map(tasks.square, range(number)))

    with AnyThreadPool(2) as pool:
        assert pool.map(outer, [3, 4]) == [5, 14]
        assert pool.apply(lambda: pool.apply(tasks.square, (3,))) == 9


@pytest.mark.gopool_only("multiprocessing looks at it later, or not, as it happens")
def test_a_list_that_changes_later(AnyThreadPool: ThreadPoolClass, door: threading.Event) -> None:
    """Is what it was when ``map_async`` was called."""
    items = list(range(100))
    with AnyThreadPool(1) as pool:
        first = pool.apply_async(door.wait, (DEADLINE,))
        result = pool.map_async(tasks.identity, items)
        items.clear()
        door.set()
        assert first.get(DEADLINE)
        assert result.get(DEADLINE) == list(range(100))


def test_close_and_join(AnyThreadPool: ThreadPoolClass, door: threading.Event) -> None:
    """What is outstanding is done; nothing more is accepted."""
    pool = AnyThreadPool(2)
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    result = pool.map_async(lambda _: door.wait(DEADLINE), range(10))
    pool.close()
    for method in pool.apply, pool.apply_async:
        with pytest.raises(ValueError, match="not running"):
            method(int)
    for method in pool.map, pool.map_async, pool.starmap, pool.imap, pool.imap_unordered:
        with pytest.raises(ValueError, match="not running"):
            method(int, [])
    with pytest.raises(ValueError, match="not running"):
        pool.__enter__()
    door.set()
    pool.join()
    assert result.ready()
    assert result.get() == [True] * 10
    pool.join()


def test_terminate_does_not_wait_for_tasks(
    AnyThreadPool: ThreadPoolClass, door: threading.Event
) -> None:
    """A thread ends behind its task; ``join`` waits for that."""
    started, ended = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        door.wait(DEADLINE)
        ended.set()

    pool = AnyThreadPool(2)
    pool.apply_async(work)
    assert started.wait(DEADLINE)
    pool.terminate()
    assert not ended.is_set()
    door.set()
    pool.join()
    assert ended.is_set()


@pytest.mark.gopool_only("multiprocessing waits for ever")
def test_terminated_results(AnyThreadPool: ThreadPoolClass, door: threading.Event) -> None:
    import gopool

    started = threading.Event()
    pool = AnyThreadPool(1)

    def work() -> None:
        started.set()
        door.wait(DEADLINE)

    running = pool.apply_async(work)
    queued = pool.map_async(tasks.identity, range(10))
    told = pool.apply_async(int, callback=pytest.fail)
    items = pool.imap(tasks.identity, itertools.count())
    assert started.wait(DEADLINE)
    pool.terminate()
    for result in running, queued, told:
        with pytest.raises(gopool.PoolTerminatedError):
            result.get(DEADLINE)
    with pytest.raises(gopool.PoolTerminatedError):
        next(items)
    door.set()
    pool.join()


@pytest.mark.gopool_only("in multiprocessing a thread may hold the last result, and it the pool")
def test_a_pool_that_is_dropped(AnyThreadPool: ThreadPoolClass) -> None:
    pool = AnyThreadPool(2)
    assert pool.apply(int) == 0
    pools = [pool]
    del pool
    with pytest.warns(ResourceWarning, match="unclosed running"):
        pools.clear()


@pytest.mark.gopool_only("multiprocessing's message is another")
def test_arguments_that_make_no_sense(AnyThreadPool: ThreadPoolClass) -> None:
    for arguments in ((0,), (-1,)):
        with pytest.raises(ValueError, match="at least 1"):
            AnyThreadPool(*arguments)
    with pytest.raises(TypeError, match="callable"):
        AnyThreadPool(1, 5)
    with AnyThreadPool(1) as pool:
        with pytest.raises(ValueError, match="Chunksize"):
            pool.map(int, ["1"], 0)
        with pytest.raises(TypeError):
            pool.map(int, 5)


def test_default_size(AnyThreadPool: ThreadPoolClass) -> None:
    with AnyThreadPool() as pool:
        assert repr(pool).endswith(f"pool_size={os.cpu_count()}>")


def use_a_pool() -> str:
    """Run in another process: a sum, or the error."""
    import gopool

    try:
        with gopool.ThreadPool(2) as pool:
            return str(sum(pool.map(tasks.square, range(4))))
    except RuntimeError as error:
        return str(error)


def send_back(connection: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connection.send(use_a_pool())


@pytest.mark.gopool_only("Go does not survive a fork")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_in_another_process(AnyThreadPool: ThreadPoolClass, method: str) -> None:
    """It works where the extension can be loaded, and says so where it can't."""
    context = multiprocessing.get_context(method)
    with AnyThreadPool(1) as pool:
        assert pool.apply(int) == 0
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=send_back, args=(sender,))  # type: ignore[attr-defined]
        process.start()
        answer = receiver.recv()
        process.join()
        receiver.close()
        sender.close()
    if method == "fork":
        assert "forked" in answer
    else:
        assert answer == "14"


@pytest.mark.gopool_only("a worker of gopool's, which never had the extension")
def test_in_a_spawned_worker(AnyThreadPool: ThreadPoolClass) -> None:
    import gopool

    with gopool.Pool(1, context=multiprocessing.get_context("spawn")) as pool:
        assert pool.apply(use_a_pool) == "14"


@pytest.mark.gopool_only("multiprocessing has no handles")
def test_nothing_is_kept(AnyThreadPool: ThreadPoolClass) -> None:
    """No job here, and no handle in Go, of work that is done, has failed or was dropped."""
    from gopool import _core, _exchange

    def handles() -> int:
        return _core.native.bridge_Handles() - len(_exchange._free)

    outside = handles()
    with AnyThreadPool(2) as pool:
        pool.map(tasks.square, range(10))
        inside = handles()
        assert inside == outside + 3, "the pool and two threads"
        for _ in range(10):
            pool.map_async(fail_at(5), range(100)).wait(DEADLINE)
            pool.apply_async(tasks.square, (3,))
            pool.map_async(tasks.square, range(100), callback=tasks.identity)
            for source in ([1, 2], range(1000), iter(range(100))):
                next(pool.imap(fail_at(50), source))
                for _ in pool.imap_unordered(tasks.identity, source):
                    pass
        pool.close()
        pool.join()
        gc.collect()
        assert pool._supervisor.jobs == {}
    assert handles() == outside
