"""A program that has run out of descriptors: errors that pass, and nothing that is corrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.programs import Program

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing needs no descriptor for a result"),
]

StartProgram = Callable[..., Program]

PROLOGUE = """
import contextlib, errno, os, resource, threading
import gopool
from support import tasks

_, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)

def pattern(n, size=3_000_000):
    return n.to_bytes(2, "little") * (size // 2)

@contextlib.contextmanager
def no_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, HARD))
    taken = []
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield taken
    finally:
        for fd in taken:
            os.close(fd)

def is_refused(call):
    try:
        call()
    except OSError as error:
        assert error.errno == errno.EMFILE, error
        return True
    return False
"""


def run(start_program: StartProgram, source: str) -> None:
    """Run a program that must succeed silently."""
    outcome = start_program(PROLOGUE + source).outcome()
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("submit", "expected"),
    [
        ("pool.apply_async(pattern, (1,))", "pattern(1)"),
        ("pool.map_async(pattern, range(3), 1)", "[pattern(n) for n in range(3)]"),
    ],
    ids=["apply_async", "map_async"],
)
def test_a_large_result_can_be_fetched_later(
    start_program: StartProgram, submit: str, expected: str
) -> None:
    """``get`` raises OSError while there is no descriptor, any number of times; then it returns."""
    run(
        start_program,
        f"""
with gopool.Pool(1) as pool:
    result = {submit}
    result.wait()
    with no_descriptors():
        assert is_refused(result.get)
        assert is_refused(result.get)
    assert result.get() == {expected}
    assert result.get() == {expected}
""",
    )


def test_small_results_are_fetched_all_the_same(start_program: StartProgram) -> None:
    """What is at hand already is enough for these, before and after an error."""
    run(
        start_program,
        """
with gopool.Pool(1) as pool:
    large = pool.apply_async(pattern, (1,))
    large.wait()
    assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
    with no_descriptors():
        assert pool.apply(tasks.square, (3,)) == 9
        assert is_refused(large.get)
        assert pool.map(tasks.square, range(100), 1) == [n * n for n in range(100)]
    assert large.get() == pattern(1)
""",
    )


def test_large_arguments_are_refused(start_program: StartProgram) -> None:
    """The call raises OSError, is not run, and the pool goes on."""
    run(
        start_program,
        """
with gopool.Pool(1) as pool:
    pool.apply(tasks.nothing)
    argument = pattern(1)
    with no_descriptors():
        assert is_refused(lambda: pool.apply_async(tasks.identity, (argument,)))
        assert is_refused(lambda: pool.map_async(tasks.identity, [argument] * 3, 1))
    assert pool.apply(tasks.identity, (argument,)) == argument
    pool.close()
    pool.join()
""",
    )


def test_threads_do_not_get_each_others_results_afterwards(start_program: StartProgram) -> None:
    """No memory is lent to two threads at once because of an error before."""
    run(
        start_program,
        """
with gopool.Pool(2) as pool:
    large = pool.apply_async(pattern, (1,))
    large.wait()
    with no_descriptors():
        for _ in range(4):
            assert is_refused(large.get)

    wrong = []

    def fetch(n):
        expected = pattern(n, 100_000)
        for _ in range(200):
            try:
                if pool.apply(tasks.identity, (expected,)) != expected:
                    wrong.append(n)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=fetch, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [], wrong[:3]
    assert large.get() == pattern(1)
""",
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_finds_too_few(start_program: StartProgram, method: str) -> None:
    """However many there are, it works or raises OSError, and no process or thread is left.

    Of descriptors no more than those that multiprocessing leaves where a pipe can't be made.
    """
    run(
        start_program,
        f"""
import multiprocessing

def main():
    context = multiprocessing.get_context({method!r})

    def use():
        with gopool.Pool(2, context=context) as pool:
            assert pool.map(tasks.square, range(10), 1) == [n * n for n in range(10)]
            assert pool.map(tasks.zeros, [1 << 20] * 2) == [bytes(1 << 20)] * 2

    def count():
        return len(os.listdir("/proc/self/fd"))

    use()
    before = count(), len(threading.enumerate())
    refused = 0
    for spare in range(30):
        with no_descriptors() as taken:
            for _ in range(spare):
                os.close(taken.pop())
            refused += is_refused(use)
        assert multiprocessing.active_children() == []
        assert threading.active_count() == before[1]
        assert count() - before[0] <= 4
    assert 0 < refused < 30
    use()

if __name__ == "__main__":
    main()
""",
    )
