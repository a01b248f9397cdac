"""`seed`: each worker draws numbers of its own, and the same ones each time."""

from __future__ import annotations

import multiprocessing.pool
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support import deaths
from support.latches import Gate, Mailbox
from support.programs import Program

import gopool

Draw = tuple[int, float, float, float]


def draw(_: object = None) -> Draw:
    """Return the index, and a number of each generator."""
    index = gopool.worker_index()
    return index, random.random(), np.random.random(), gopool.worker_state().rng.random()


def draw_together(mailbox: Mailbox, gate: Gate, _: int) -> Draw:
    mailbox.send("here")
    gate.wait()
    return draw()


def legacy(mailbox: Mailbox, gate: Gate, _: int) -> float:
    mailbox.send("here")
    gate.wait()
    return np.random.random()


def first_numbers(pool: Any, function: Any, mailbox: Mailbox, gate: Gate, count: int) -> list[Any]:
    """Return what each of the workers draws first."""
    result = pool.starmap_async(function, [(mailbox, gate, n) for n in range(count)], 1)
    mailbox.receive(count)
    gate.open()
    return sorted(result.get())


def test_without_a_seed_workers_of_a_fork_draw_the_same_numbers(
    Pool: Any, mailbox: Mailbox, gate: Gate
) -> None:
    """Those that their parent would have drawn next. gopool does as the standard library."""
    np.random.random()  # numpy makes its generator when it is first used
    with Pool(3, context=multiprocessing.get_context("fork")) as pool:
        numbers = first_numbers(pool, legacy, mailbox, gate, 3)
    assert len(set(numbers)) == 1


def test_with_one_they_draw_their_own_and_the_same_each_time(
    mailbox: Mailbox, make_gate: Callable[[], Gate]
) -> None:
    """However they are started."""
    found = []
    for seed, method in (7, "spawn"), (7, "fork"), (8, "fork"):
        with gopool.Pool(2, context=multiprocessing.get_context(method), seed=seed) as pool:
            found.append(first_numbers(pool, draw_together, mailbox, make_gate(), 2))
    assert found[0] == found[1]
    everything = [number for pool in found[1:] for row in pool for number in row[1:]]
    assert len(set(everything)) == len(everything) == 12


def test_the_numbers_are_those_of_numpys_own_way() -> None:
    """Who has numpy can tell what a worker draws."""
    with gopool.Pool(1, seed=7, maxtasksperchild=1) as pool:
        found = [pool.apply(draw)[3] for _ in range(2)]
    worker = np.random.SeedSequence(7).spawn(1)[0]
    expected = [np.random.default_rng(child.spawn(2)[1]).random() for child in worker.spawn(2)]
    assert found == expected


def test_those_that_take_the_place_of_others_draw_other_numbers() -> None:
    """And the same ones each time."""
    found = []
    for _ in range(2):
        with gopool.Pool(1, seed=3, maxtasksperchild=1) as pool:
            found.append(pool.map(draw, range(4), 1))
    assert found[0] == found[1]
    assert len({number for row in found[0] for number in row[1:]}) == 12


def test_so_do_those_of_workers_that_died() -> None:
    with gopool.Pool(1, seed=3) as pool:
        first = pool.apply(draw)
        with pytest.raises(gopool.WorkerLostError):
            pool.apply(deaths.exit_with, (1,))
        assert not {*first[1:]} & {*pool.apply(draw)[1:]}


def test_the_initializer_may_seed_otherwise() -> None:
    with gopool.Pool(1, random.seed, (5,), seed=3) as pool:
        assert pool.apply(draw)[1] == random.Random(5).random()


def test_numpy_need_not_be_there(start_program: Callable[..., Program]) -> None:
    """`random` is seeded all the same, with the same numbers."""
    outcome = start_program(
        """
        import random, sys
        import gopool

        def draw():
            return random.random(), vars(gopool.worker_state())

        if __name__ == "__main__":
            sys.modules["numpy"] = None
            with gopool.Pool(1, seed=7) as pool:
                number, state = pool.apply(draw)
                assert number == random.Random("gopool 7 0 0").random()
                assert state == {}
        """
    ).outcome()
    assert (outcome.status, outcome.stderr) == (0, "")


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), ("7", TypeError), (1.0, TypeError)])
def test_a_seed_is_a_number(seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^seed must be"):
        gopool.Pool(1, seed=seed)


def test_threads_share_their_generators() -> None:
    with pytest.raises(TypeError, match="seed"):
        gopool.ThreadPool(1, seed=1)  # type: ignore[call-arg]
