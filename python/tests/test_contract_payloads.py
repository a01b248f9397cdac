"""Large data: what arrives is what a pickle would make of it, private and for good."""

from __future__ import annotations

import os
import pickle
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PoolClass, payloads, tasks
from support.latches import Gate
from support.payloads import is_same, pickled

#: Elements of arrays that are large by any measure here.
LARGE = 1 << 17


def there_and_back(Pool: PoolClass, value: Any) -> Any:
    """Return what two pickles make of a value, of the protocol that the pool uses."""
    ours = Pool.__module__.startswith("gopool")
    protocol = 5 if ours else pickle.DEFAULT_PROTOCOL
    return pickled(pickled(value, protocol), protocol)


def test_any_payload_goes_and_comes_back(Pool: PoolClass) -> None:
    """Value, type, dtype and flags are those of an ordinary pickle, in both directions."""
    with Pool(2) as pool:

        @given(st.lists(payloads.payloads, max_size=3), st.none() | st.integers(1, 3))
        @settings(max_examples=60)
        def check(items: list[Any], chunksize: int | None) -> None:
            results = pool.map(tasks.identity, items, chunksize)
            assert is_same(results, [there_and_back(Pool, item) for item in items])

        check()


@pytest.mark.parametrize("kind", payloads.KINDS)
def test_each_kind_of_array_in_each_size(Pool: PoolClass, kind: str) -> None:
    """Also what the worker sees of it."""
    with Pool(1) as pool:
        for size in payloads.SIZES:
            data = payloads.make_array(size, kind)
            expected = there_and_back(Pool, data)
            assert is_same(pool.apply(tasks.identity, (data,)), expected)
            assert is_same(list(pool.imap(tasks.identity, [data])), [expected])
            assert pool.apply(payloads.describe, (data,)) == payloads.describe(expected)


def test_all_ways_to_submit(Pool: PoolClass, context: BaseContext) -> None:
    """Under each start method."""
    data = payloads.make_array(1 << 20, "plain")
    with Pool(2, context=context) as pool:
        results = [
            pool.apply(tasks.identity, (data,)),
            pool.apply(tasks.identity, (), {"value": data}),
            pool.apply_async(tasks.identity, (data,)).get(),
            *pool.map(tasks.identity, [data] * 3),
            *pool.starmap(tasks.identity, [(data,)] * 3),
            *pool.imap(tasks.identity, [data] * 3),
            *pool.imap_unordered(tasks.identity, (data for _ in range(3))),
        ]
    assert len(results) == 15
    for result in results:
        assert is_same(result, data)
        assert result.flags.writeable


def test_views_of_one_buffer(Pool: PoolClass) -> None:
    """They are independent of each other when they arrive, as after a pickle."""
    views = payloads.views(LARGE)
    with Pool(1) as pool:
        results = pool.apply(tasks.identity, (views,))
        assert is_same(results, pickled(views))
        results[0][...] = -1
        assert is_same(results[1:], pickled(views[1:]))


def test_one_object_twice_in_an_argument(Pool: PoolClass) -> None:
    """It stays one object in the task, and in a result."""
    data = np.arange(float(LARGE))
    with Pool(1) as pool:
        assert pool.apply(payloads.same_object, ((data, data),))
        left, right = pool.apply(payloads.twice, (data,))
        assert left is right


@pytest.mark.gopool_only("a thread of multiprocessing pickles a moment later: a matter of luck")
def test_the_caller_writes_right_after_the_call(Pool: PoolClass, gate: Gate) -> None:
    """What is sent is the value at the moment of the call, though no worker has looked at it."""
    kinds: list[Any] = [
        np.zeros(LARGE),
        bytearray(8 * LARGE),
        payloads.make_array(1 << 20, "fortran") * 0,
        [np.zeros(LARGE), {"inner": np.zeros(10)}],
    ]
    with Pool(1) as pool:
        held = pool.apply_async(gate.wait)
        results = []
        for data in kinds:
            expected = pickled(data)
            results.append((expected, pool.apply_async(tasks.identity, (data,))))
            results.append((expected, pool.apply_async(tasks.identity, (), {"value": data})))
            results.append(([expected] * 2, pool.map_async(tasks.identity, [data] * 2, 1)))
            for part in data if isinstance(data, list) else [data]:
                array = part["inner"] if isinstance(part, dict) else np.asarray(part)
                array[...] = 9
        gate.open()
        held.get()
        for expected, result in results:
            assert is_same(result.get(), expected)


def test_a_task_changes_its_argument(Pool: PoolClass) -> None:
    """Neither the caller's array changes, nor what other tasks got that were sent the same one."""
    data = np.arange(float(LARGE))
    with Pool(1) as pool:
        for before, after in pool.map(payloads.overwrite, [data] * 4, 1):
            assert is_same(before, data)
            assert (after == -1).all()
    assert is_same(data, np.arange(float(LARGE)))


def test_results_outlive_the_pool(Pool: PoolClass) -> None:
    """After terminate() and when the pool is gone they are whole, and can be changed."""
    data = [np.full(LARGE, float(n)) for n in range(6)]
    pool = Pool(2)
    try:
        results = pool.map(tasks.identity, data, 1)
        more = list(pool.imap(tasks.identity, data))
    finally:
        pool.terminate()
        pool.join()
    del pool
    for kept in (results, more):
        assert is_same(kept, data)
        for number, result in enumerate(kept):
            result[...] += 1
            assert (result == number + 1).all()
    del results[::2]
    assert all((result == 2 * number + 2).all() for number, result in enumerate(results))


def test_results_share_no_memory(Pool: PoolClass) -> None:
    """Nor with arguments; and what the pool sends afterwards leaves those that are kept alone."""
    kept: list[Any] = []
    data = np.arange(float(LARGE))
    with Pool(2) as pool:
        for number in range(12):
            kept.append(pool.apply(payloads.fill, (float(number), LARGE)))
            pool.map(tasks.identity, [data] * 3, 1)
            pool.apply(payloads.overwrite, (data,))
        same = pool.map(tasks.identity, [data] * 3, 1)
    assert all((result == number).all() for number, result in enumerate(kept))
    everything = [*kept, *same, data]
    for index, left in enumerate(everything):
        for right in everything[:index]:
            assert not np.shares_memory(left, right)


def test_kept_results_while_others_go(Pool: PoolClass) -> None:
    """Whatever is kept of what comes, and for how long, has the value with which it came."""
    with Pool(2) as pool:

        @given(
            st.lists(st.tuples(st.sampled_from((10, 9000, LARGE)), st.integers(0, 4)), max_size=8)
        )
        @settings(max_examples=25)
        def check(steps: list[tuple[int, int]]) -> None:
            kept: dict[int, tuple[float, Any]] = {}
            for number, (size, slot) in enumerate(steps):
                kept[slot] = (float(number), pool.apply(payloads.fill, (float(number), size)))
                for value, result in kept.values():
                    assert (result == value).all()

        check()


def test_a_forked_child_sees_a_snapshot(Pool: PoolClass) -> None:
    """What either side writes after the fork is not seen on the other."""
    with Pool(1) as pool:
        result = pool.apply(payloads.fill, (1.0, LARGE))
        to_parent, to_child = os.pipe(), os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                seen = [bool((result == 1).all())]
                result[...] = 2
                os.write(to_parent[1], b"w")
                os.read(to_child[0], 1)
                seen.append(bool((result == 2).all()))
                status = 0 if all(seen) else 3
            finally:
                os._exit(status)
        os.read(to_parent[0], 1)
        assert (result == 1).all()
        result[...] = 3
        # Whatever the pool does with memory that is free again is not seen there either.
        for _ in range(4):
            pool.apply(tasks.identity, (result,))
        os.write(to_child[1], b"w")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert (result == 3).all()
        for fd in (*to_parent, *to_child):
            os.close(fd)


HELD: list[Any] = []


def sum_of_held(_: object) -> float:
    return float(HELD[0].sum())


def overwrite_held(_: object) -> float:
    HELD[0][...] = 7
    return float(HELD[0].sum())


def test_a_later_pool_inherits_a_snapshot(Pool: PoolClass) -> None:
    """Its workers see a result that the program held when they were forked, and may change it."""
    with Pool(1) as first:
        HELD.append(first.apply(payloads.fill, (1.0, LARGE)))
        try:
            with Pool(1) as second:
                assert second.apply(sum_of_held, (0,)) == LARGE
                assert second.apply(overwrite_held, (0,)) == 7 * LARGE
                assert (HELD[0] == 1).all()
                HELD[0][...] = 2
                assert second.apply(sum_of_held, (0,)) == 7 * LARGE
        finally:
            HELD.clear()


def test_arrow_tables_and_frames(Pool: PoolClass) -> None:
    """Of pandas and of pyarrow."""
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with Pool(2) as pool:
        for rows in (0, 1, 1000, LARGE):
            columns: dict[str, Any] = {
                "a": np.arange(rows),
                "b": np.arange(rows) / 3,
                "c": [f"row {n}" for n in range(rows)],
            }
            frame = pd.DataFrame(columns)
            frames = pool.map(tasks.identity, [frame, frame[::2]], 1)
            pd.testing.assert_frame_equal(frames[0], frame)
            pd.testing.assert_frame_equal(frames[1], frame[::2])
            frames[0]["a"] = 0
            table = pa.table(columns)
            assert pool.apply(tasks.identity, (table,)).equals(table)
            assert pool.apply(tasks.identity, (table.slice(rows // 2),)).equals(
                table.slice(rows // 2)
            )
