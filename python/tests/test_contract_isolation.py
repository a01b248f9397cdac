"""Tasks share nothing: how tasks are put together for the journey must not show."""

from __future__ import annotations

from support import PoolClass, tasks


def test_a_list_given_to_four_tasks_is_a_copy_in_each(Pool: PoolClass) -> None:
    """One object in several chunks becomes several objects; the caller's is not touched."""
    items: list[object] = []
    with Pool(1) as pool:
        assert pool.map(tasks.append_and_count, [items] * 4, 1) == [1, 1, 1, 1]
        assert pool.starmap(tasks.append_and_count, [(items,)] * 4, 1) == [1, 1, 1, 1]
        results = [pool.apply_async(tasks.append_and_count, (items,)) for _ in range(4)]
        assert [result.get() for result in results] == [1, 1, 1, 1]
    assert items == []


def test_an_argument_that_contains_the_next_one_is_a_copy(Pool: PoolClass) -> None:
    """Sharing below the surface does not survive either."""
    inner: list[object] = []
    with Pool(1) as pool:
        counts = pool.starmap(tasks.append_and_count, [(inner,), (inner,), (inner,)], chunksize=1)
        assert counts == [1, 1, 1]


def test_identity_within_one_call_is_kept(Pool: PoolClass) -> None:
    """Two references in one call's arguments stay two references to one object."""
    item: list[object] = []
    with Pool(1) as pool:
        assert pool.apply(tasks.are_the_same, (item, item))
        assert pool.apply(tasks.are_the_same, (item,), {"second": item})
        assert pool.starmap(tasks.are_the_same, [(item, item)] * 3, 1) == [True] * 3


def test_a_result_is_what_it_was_when_its_task_returned(Pool: PoolClass) -> None:
    """A later task of the same worker cannot change it, although both return the same list."""
    with Pool(1) as pool:
        assert pool.map(tasks.remember, range(5), 1) == [list(range(n + 1)) for n in range(5)]


def test_a_result_is_what_it_was_for_single_calls_too(Pool: PoolClass) -> None:
    """The same for calls that are sent to the worker in one go."""
    with Pool(1) as pool:
        results = [pool.apply_async(tasks.remember, (n,)) for n in range(100)]
        for number, result in enumerate(results):
            assert result.get() == list(range(number + 1))


def test_results_of_different_tasks_are_different_objects(Pool: PoolClass) -> None:
    """Equal results do not become one object in the caller."""
    with Pool(1) as pool:
        results = pool.map(tasks.identity, [[1]] * 4, 1)
        assert results == [[1]] * 4
        assert len({id(result) for result in results}) == 4
        kept = pool.map(tasks.remember, [0] * 3, 1)
        assert len({id(result) for result in kept}) == 3


def test_a_callable_with_state_starts_afresh_in_each_job(Pool: PoolClass) -> None:
    """What the worker keeps of a function does not reach the next call of it."""
    counter = tasks.Counter()
    with Pool(1) as pool:
        assert [pool.apply(counter) for _ in range(3)] == [1, 1, 1]
        assert [pool.apply(counter.method) for _ in range(3)] == [1, 1, 1]
        assert pool.map(counter, [None]) == pool.map(counter, [None]) == [1]
    assert counter.calls == 0


def test_a_function_that_changed_between_jobs_is_sent_again(Pool: PoolClass) -> None:
    """The same object with other contents is another function."""
    counter = tasks.Counter()
    with Pool(1) as pool:
        assert pool.apply(counter) == 1
        counter.calls = 10
        assert pool.apply(counter) == 11
        assert pool.map(counter, [None]) == [11]


def test_the_list_that_map_returns_belongs_to_the_caller(Pool: PoolClass) -> None:
    """Changing it does not change the next result."""
    with Pool(1) as pool:
        first = pool.map(tasks.square, range(3))
        first.append(99)
        assert pool.map(tasks.square, range(3)) == [0, 1, 4]


def test_global_state_of_a_worker_lasts(Pool: PoolClass) -> None:
    """A worker is one process for all its tasks: what it imported and stored is there next time."""
    with Pool(1) as pool:
        pool.apply(tasks.remember, ("kept",))
        assert pool.apply(tasks.remember, ("more",)) == ["kept", "more"]
