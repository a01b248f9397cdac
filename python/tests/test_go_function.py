"""A function of a Go package is called like one of Python's."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.programs import Program

import gopool
from gopool import gopackage

pytestmark = pytest.mark.gopool_only("multiprocessing runs no Go functions")

StartProgram = Callable[..., Program]


def test_results(kinds: ModuleType) -> None:
    """No result is None, several are a tuple, and an error is none of them."""
    assert kinds.Count("a b c") == 3
    assert kinds.Nothing() is None
    assert kinds.Drop(1) is None
    assert kinds.Swap(1, "a") == ("a", 1)
    assert kinds.Half(4) == 2
    assert kinds.Check(1) is None
    assert kinds.Divide(7, 2) == (3, 1)


def test_arguments_by_name(kinds: ModuleType) -> None:
    assert kinds.Swap(b="a", a=1) == ("a", 1)
    assert kinds.Swap(1, b="a") == ("a", 1)
    assert kinds.Keywords(lambda_=1, from_=2) == 12  # names that Python has other use for
    assert kinds.Self(self=3) == 3


@pytest.mark.parametrize("arguments", [(), (",",), (",", "a"), (",", "a", "b", "c")])
def test_a_variadic_function(kinds: ModuleType, arguments: tuple[str, ...]) -> None:
    if not arguments:
        with pytest.raises(TypeError, match=r"Join.. missing a required argument: 'separator'"):
            kinds.Join()
        return
    separator, *parts = arguments
    assert kinds.Join(*arguments) == separator.join(parts)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda kinds: kinds.Swap(1), "missing a required argument: 'b'"),
        (lambda kinds: kinds.Swap(1, "a", 2), "too many positional arguments"),
        (lambda kinds: kinds.Swap(1, "a", c=2), "got an unexpected keyword argument 'c'"),
        (lambda kinds: kinds.Swap(1, a=2), "multiple values for argument 'a'"),
        (lambda kinds: kinds.Swap(1, 2), "argument 'b' must be str, not int"),
    ],
    ids=["missing", "too-many", "unknown", "twice", "type"],
)
def test_arguments_that_do_not_fit(
    kinds: ModuleType, call: Callable[[ModuleType], object], words: str
) -> None:
    with pytest.raises(TypeError, match=f"Swap.. {words}"):
        call(kinds)


def test_what_it_is_called(kinds: ModuleType) -> None:
    assert kinds.Count.__name__ == kinds.Count.__qualname__ == "Count"
    assert kinds.Count.__module__ == "kinds"
    assert kinds.Count.__doc__.startswith("Count returns how many words")
    assert repr(kinds.Count) == "<Go function kinds.Count(text: str) -> int>"
    assert isinstance(kinds.Count, gopackage.GoFunction)
    assert callable(kinds.Count)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("Count", "(text: str) -> int"),
        ("Swap", "(a: int, b: str) -> tuple[str, int]"),
        ("Divide", "(a: int, b: int) -> tuple[int, int]"),
        ("Join", "(separator: str, *parts: str) -> str"),
        ("Check", "(n: int) -> None"),
        ("HasDeadline", "(n: int) -> bool"),
        ("Keywords", "(lambda_: int, from_: int) -> int"),
        ("Map", "(v: collections.abc.Mapping[str, int]) -> dict[str, int]"),
        ("Strings", "(v: collections.abc.Sequence[str]) -> list[str]"),
        ("Pointer", "(v: int | None) -> int | None"),
        ("Struct", "(v: kinds.Entry) -> kinds.Entry"),
    ],
)
def test_its_signature(kinds: ModuleType, name: str, signature: str) -> None:
    """Without the context, which is the pool's, and the error, which is raised."""
    found = str(inspect.signature(getattr(kinds, name)))
    assert found.replace("Optional[int]", "int | None").replace("typing.", "") == signature


def test_it_is_pickled_by_name(kinds: ModuleType) -> None:
    assert pickle.loads(pickle.dumps(kinds.Count)) is kinds.Count
    assert copy.deepcopy(kinds.Count) is kinds.Count
    point = kinds.Point(1.0, 2.0)
    assert pickle.loads(pickle.dumps(point)) == point


@pytest.mark.parametrize("size", [1 << 10, 1 << 16, (1 << 16) + 1, 1 << 21])
def test_arguments_and_results_of_any_size(kinds: ModuleType, size: int) -> None:
    """What is larger than the memory of a call has memory of its own."""
    text = "x" * size
    assert kinds.String(text) == text
    assert kinds.Count(text) == 1
    assert kinds.Repeat(ord("y"), size) == b"y" * size


def test_a_call_lets_other_threads_run(faults: ModuleType) -> None:
    """And each of them has memory of its own."""
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(faults.StayDeaf, "other threads") for _ in range(3)]
        faults.Await("other threads", 3)
        faults.OpenGate("other threads")
        assert [future.result() for future in waiting] == ["other threads"] * 3


def test_many_threads_call(kinds: ModuleType) -> None:
    def run(number: int) -> list[str]:
        return [kinds.String(f"{number} {i}") for i in range(300)]

    with ThreadPoolExecutor(8) as threads:
        for number, found in enumerate(threads.map(run, range(8))):
            assert found == [f"{number} {i}" for i in range(300)]


def test_a_call_within_a_call(kinds: ModuleType) -> None:
    """While arguments are packed, code of the caller's may run, and call as well."""

    class Numbers:
        def __array__(self, *_: object, **__: object) -> object:
            return np.ones(kinds.Count("a b c"))

        tolist = None

    assert kinds.Sum(Numbers()) == 3.0


@pytest.fixture
def loans(kinds: ModuleType) -> Iterator[Callable[[], int]]:
    """Return how much of Go's memory is lent; in the end it is as much as before."""
    handles: Callable[[], int] = kinds._package.native.binding_Handles
    before = handles()
    yield lambda: handles() - before
    assert handles() == before


def test_a_large_result_is_given_back_when_it_is_gone(
    kinds: ModuleType, loans: Callable[[], int]
) -> None:
    """It lives as long as the last array over it."""
    numbers = kinds.Range(100_000)
    assert loans() == 1
    tail = numbers[-1:]
    del numbers
    assert loans() == 1
    assert tail.tolist() == [99_999]
    del tail
    assert loans() == 0


@pytest.mark.parametrize("kept", ["lent", "waits-to-be-fetched"])
def test_a_call_that_is_interrupted_leaves_nothing(faults: ModuleType, kept: str) -> None:
    """Where the handler of a signal raises, as for Ctrl-C, Go keeps nothing of the result."""

    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    def send_signal() -> None:
        faults.Await(gate, 1)
        signal.raise_signal(signal.SIGUSR1)
        faults.OpenGate(gate)

    gate = f"interrupted: {kept}"
    if kept != "lent":
        gate += "x" * (1 << 17)  # which is the result
    handles: Callable[[], int] = faults._package.native.binding_Handles
    before = handles()
    handler = signal.signal(signal.SIGUSR1, interrupt)
    thread = threading.Thread(target=send_signal)
    thread.start()
    try:
        with pytest.raises(Interrupted):
            if kept == "lent":
                faults.Carry(100_000, gate)
            else:
                faults.StayDeaf(gate)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, handler)
    assert handles() == before


def test_arrays_of_one_result_are_given_back_together(
    kinds: ModuleType, loans: Callable[[], int]
) -> None:
    first, second = kinds.Grid(2, 10_000)
    assert loans() == 1
    del first
    assert loans() == 1
    assert second[0] == 10_000
    del second
    assert loans() == 0


def test_large_results_of_a_pool_are_given_back(
    kinds: ModuleType, loans: Callable[[], int]
) -> None:
    """Also those that nobody has asked for."""
    with gopool.GoPool(2) as pool:
        asked = pool.map(kinds.Range, [10_000] * 5)
        assert loans() == 5
        assert [numbers[-1] for numbers in asked] == [9_999] * 5
        pool.map_async(kinds.Range, [10_000] * 5).wait()
        del asked
        pool.close()
        pool.join()
    assert loans() == 0


def test_a_million_calls_leave_nothing(kinds: ModuleType, loans: Callable[[], int]) -> None:
    """Neither those of a pool, nor those that are made one by one: no memory, no goroutine."""

    def calls() -> None:
        with gopool.GoPool(2) as pool:
            assert pool.map(kinds.Int, range(1_000_000)) == list(range(1_000_000))
            pool.close()
            pool.join()
        call = kinds.Int
        for number in range(1_000_000):
            call(number)

    def resident() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    goroutines: Callable[[], int] = kinds._package.native.binding_Goroutines
    calls()
    running, memory = goroutines(), resident()
    calls()
    assert goroutines() < running + 100, "Go counts each thread that has called, as long as it is"
    assert resident() - memory < 20 << 20, "ten bytes a call"
    assert loans() == 0


def test_an_interpreter_without_numpy(kinds: ModuleType, start_program: StartProgram) -> None:
    """Arrays are Python's own then, and have copies of what Go returned."""
    outcome = start_program(
        f"""
        import sys
        sys.modules["numpy"] = None
        sys.path.append({str(kinds.__path__[0].rpartition("/")[0])!r})
        from array import array
        import kinds

        assert kinds.Ints([1, 2]) == array("q", [1, 2])
        assert kinds.Ints(array("q", [1, 2])) == array("q", [1, 2])
        assert kinds.Ints(None) == array("q")
        assert kinds.Range(100_000) == array("q", range(100_000))
        assert kinds.Float64s(array("d", range(100_000))) == array("d", range(100_000))
        assert kinds.Bools([True, False]) == array("B", [1, 0])
        assert kinds._package.native.binding_Handles() == 0
        """
    ).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0


def test_importing_a_package_loads_no_extension(
    kinds: ModuleType, start_program: StartProgram
) -> None:
    """So a program may fork before it calls. Nor is numpy imported."""
    outcome = start_program(
        f"""
        import sys
        sys.path.append({str(kinds.__path__[0].rpartition("/")[0])!r})
        import kinds

        assert "kinds._native" not in sys.modules
        assert not [name for name in sys.modules if name.startswith(("gopool._native", "numpy"))]
        """
    ).outcome()
    assert outcome.stderr == ""
    assert outcome.status == 0


@pytest.mark.parametrize("use", ["from gopool import gopackage", "gopool.GoPool(2)"])
def test_an_interpreter_without_msgpack(start_program: StartProgram, use: str) -> None:
    outcome = start_program(
        f"""
        import sys
        sys.modules["msgpack"] = None
        import gopool
        {use}
        """
    ).outcome()
    assert outcome.status == 1
    assert outcome.stderr.endswith("Go packages need msgpack: pip install 'gopool[go]'\n")


def test_a_package_of_another_version() -> None:
    with pytest.raises(ImportError, match="gopool build"):
        gopackage.Package("old", abi=0)


def test_threads_that_have_called_leave_nothing(kinds: ModuleType) -> None:
    thread = threading.Thread(target=kinds.Count, args=("a",))
    thread.start()
    thread.join()
    assert "kinds" in sys.modules
