"""Functions that workers do not find by their name are sent by value."""

from __future__ import annotations

import functools
import sys
import textwrap
import threading
import types
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from conftest import START_METHODS
from support import MaybeEncodingError, PoolClass, by_value, hostile, tasks
from support.latches import Ledger
from support.programs import Program

pytestmark = pytest.mark.gopool_only("multiprocessing sends functions by name only")

StartProgram = Callable[..., Program]


def each_way(pool: Any, function: Callable[[int], Any]) -> Iterator[list[Any]]:
    """Yield the results of `function` for 0, 1 and 2, of each way to submit."""
    yield pool.map(function, range(3))
    yield [pool.apply(function, (n,)) for n in range(3)]
    yield [pool.apply_async(function, (n,)).get() for n in range(3)]
    yield pool.starmap(function, [(n,) for n in range(3)])
    yield list(pool.imap(function, range(3)))
    yield list(pool.imap(function, iter([*range(3)] * 20)))[:3]
    yield sorted(pool.imap_unordered(function, range(3)))


def test_lambdas_and_closures(Pool: PoolClass, context: BaseContext) -> None:
    """Also inside a partial, and as bound methods of a class that is defined here."""
    base = 10

    def inner(number: int) -> int:
        return base + number

    class Local:
        def __init__(self, base: int) -> None:
            self.base = base

        def method(self, number: int) -> int:
            return self.base + number

        def __call__(self, number: int) -> int:
            return self.base + number

    functions: list[Callable[[int], int]] = [
        lambda number: base + number,
        inner,
        functools.partial(lambda left, right: left + right, base),
        functools.partial(inner),
        Local(base).method,
        Local(base),
    ]
    with Pool(2, context=context) as pool:
        for function in functions:
            for results in each_way(pool, function):
                assert results == [10, 11, 12]


def test_recursion(Pool: PoolClass) -> None:
    """A closure may call itself."""

    def factorial(number: int) -> int:
        return 1 if number < 2 else number * factorial(number - 1)

    with Pool(1) as pool:
        assert pool.map(factorial, range(6)) == [1, 1, 2, 6, 24, 120]


def test_what_is_captured_has_the_value_of_the_call(Pool: PoolClass) -> None:
    """It is a copy: later changes on either side are not seen on the other."""
    captured = [1]

    def grow(number: int) -> list[int]:
        captured.append(number)
        return list(captured)

    with Pool(1) as pool:
        first = pool.map_async(grow, [2, 3])
        captured[0] = 9
        assert first.get() == [[1, 2], [1, 2, 3]]
        assert captured == [9]
        assert pool.apply(grow, (4,)) == [9, 4]


def test_a_job_has_a_copy_of_its_own(Pool: PoolClass) -> None:
    """State of a closure lasts for the job, as that of any callable object."""
    step = by_value.make_counter()
    with Pool(1) as pool:
        for _ in range(2):
            results = [pool.apply(step), *pool.starmap(step, [()] * 3)]
            assert results == [1, 1, 2, 3]


def test_a_function_in_an_argument(Pool: PoolClass, context: BaseContext) -> None:
    """Only the items that need it go by value, and they keep their places."""
    items: list[Any] = [lambda: 0, tasks.pid, lambda: 2]
    with Pool(1, context=context) as pool:
        results = pool.map(tasks.call, items, 3)
        assert [results[0], results[2]] == [0, 2]
        assert results[1] == pool.apply(tasks.pid)
        assert pool.apply(tasks.call, (lambda: 5,)) == 5
        assert pool.apply(tasks.call, (), {"function": lambda: 6}) == 6
        assert list(pool.imap(tasks.call, iter(items)))[2] == 2


def test_a_function_as_a_result(Pool: PoolClass) -> None:
    """A job whose function was sent by value may return functions; another may not."""
    with Pool(1) as pool:
        for _ in range(2):
            returned: Any = pool.apply(lambda: lambda number: number + 1)
            assert returned(1) == 2
            with pytest.raises(MaybeEncodingError, match="lambda"):
                pool.apply(hostile.return_a_lambda)


def test_a_local_class_as_result_and_exception(Pool: PoolClass, context: BaseContext) -> None:
    """What comes back is of the caller's class."""

    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    class Refused(Exception):
        pass

    def make(number: int) -> Point:
        if number == 2:
            raise Refused(number)
        return Point(number)

    with Pool(1, context=context) as pool:
        points = pool.map(make, [0, 1])
        assert [type(point) for point in points] == [Point, Point]
        assert [point.x for point in points] == [0, 1]
        assert pool.apply(lambda point: point.x, (Point(3),)) == 3
        with pytest.raises(Refused, match=r"^2$"):
            pool.apply(make, (2,))


def test_a_module_that_workers_cannot_import(
    Pool: PoolClass, context: BaseContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made by the program, when the workers had been started."""
    with Pool(1, context=context) as pool:
        source = "base = 10\ndef add(n): return base + n\ndef twice(n): return add(add(n))"
        module = by_value.make_module("made_by_hand", source)
        monkeypatch.setitem(sys.modules, "made_by_hand", module)
        assert pool.map(module.twice, range(3)) == [20, 21, 22]
        assert pool.map(functools.partial(module.add), range(3)) == [10, 11, 12]
    assert not cloudpickle.list_registry_pickle_by_value()


def test_a_module_from_where_workers_do_not_look(
    Pool: PoolClass, context: BaseContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`sys.path` was extended when they had been started."""
    (tmp_path / "found_here_only.py").write_text("def square(n): return n * n")
    with Pool(1, context=context) as pool:
        monkeypatch.syspath_prepend(str(tmp_path))
        module: Any = __import__("found_here_only")
        try:
            assert pool.map(module.square, range(3)) == [0, 1, 4]
        finally:
            del sys.modules["found_here_only"]


def test_a_registered_module(Pool: PoolClass, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cloudpickle.register_pickle_by_value` has a module's functions sent as they are now."""
    with Pool(1) as pool:

        def square(number: int) -> int:
            return -number

        square.__module__, square.__qualname__ = tasks.__name__, "square"
        monkeypatch.setattr(tasks, "square", square)
        assert pool.apply(tasks.square, (3,)) == 9  # a name, which has its old meaning there
        cloudpickle.register_pickle_by_value(tasks)
        try:
            assert pool.apply(tasks.square, (3,)) == -3
        finally:
            cloudpickle.unregister_pickle_by_value(tasks)


def test_what_cannot_be_sent_by_value_either(Pool: PoolClass) -> None:
    """The type of the error is pickle's for the name; the text has both reasons and a way out."""
    lock = threading.Lock()
    expected = r"lambda.*by value: cannot pickle '_thread.lock' object.*initializer"
    with Pool(1) as pool:
        for result in (
            pool.apply_async(lambda: lock),
            pool.map_async(functools.partial(lambda *_: lock), range(3)),
            pool.apply_async(tasks.call, (lambda: lock,)),
        ):
            with pytest.raises(AttributeError, match=expected):
                result.get()
        with pytest.raises(AttributeError, match=expected):
            list(pool.imap(lambda _: lock, range(3)))
        with pytest.raises(MaybeEncodingError, match=r"cannot pickle '_thread.lock' object"):
            pool.apply(lambda: [threading.Lock()])
        assert pool.apply(tasks.square, (2,)) == 4


@pytest.mark.parametrize("kind", ["partial", "method", "closure"])
def test_a_function_is_pickled_once_and_told_once(
    Pool: PoolClass, kind: str, tmp_path: Path
) -> None:
    """Once for a submission, and unpickled once in each worker, whatever it carries."""
    pickled, unpickled = Ledger(str(tmp_path / "pickled")), Ledger(str(tmp_path / "unpickled"))
    ballast = by_value.Ballast(pickled, unpickled)

    def closure(number: int) -> int:
        return ballast.carried(number)

    functions: dict[str, Callable[[int], int]] = {
        "partial": functools.partial(by_value.carry, ballast),
        "method": ballast.carried,
        "closure": closure,
    }
    with Pool(2) as pool:
        assert pool.map(functions[kind], range(500), 5) == list(range(500))
        # The attempt by name fails before it comes to what a closure holds.
        assert len(pickled.read()) == 1
        workers = unpickled.read()
        assert 1 <= len(workers) == len(set(workers)) <= 2


PROGRAM = """
import functools, gopool, multiprocessing, sys

BASE = 10

class Early:
    def __init__(self, x):
        self.x = x

def early(n):
    return n

def redefined(n):
    return "old"

pool = gopool.Pool(2, context=multiprocessing.get_context({method!r}))
assert pool.apply(len, ("abc",)) == 3

class Late:
    def __init__(self, x):
        self.x = x
    def method(self, y):
        return Late(self.x + y)

class Refused(Exception):
    pass

def late(n):
    return BASE + n

def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)

def redefined(n):
    return "new"

def is_early(thing):
    return isinstance(thing, Early), thing

def refuse(n):
    raise Refused(n)

assert pool.map(early, range(3)) == [0, 1, 2]
assert pool.map(late, range(3)) == [10, 11, 12]
BASE = 20
assert pool.map(functools.partial(late), range(3)) == [20, 21, 22]
assert pool.map(factorial, range(5)) == [1, 1, 2, 6, 24]
assert pool.apply(redefined, (1,)) == "new"
assert [type(late) for late in pool.map(Late(1).method, range(3))] == [Late] * 3
assert type(pool.apply(Late, (3,))) is Late
told, thing = pool.apply(is_early, (Early(3),))
assert told and type(thing) is Early
try:
    pool.apply(refuse, (1,))
except Refused as error:
    assert error.args == (1,)
if {typed}:  # somebody who types has late classes in arguments as well
    assert pool.map(len, [[Late(1)], [Late(1), Late(2)]]) == [1, 2]
    assert [late.x for late in pool.map(lambda late: late, [Late(1), Late(2)])] == [1, 2]
pool.terminate()
pool.join()
print("done")
"""


@pytest.mark.parametrize("method", START_METHODS)
def test_a_program_that_is_typed(start_program: StartProgram, method: str) -> None:
    """As in a notebook: `__main__` has no file, and grows while the pool runs."""
    source = PROGRAM.format(method=method, typed=True)
    outcome = start_program(arguments=("-c", source)).outcome()
    assert outcome.stderr == ""
    assert outcome.stdout == "done\n"


@pytest.mark.parametrize("method", START_METHODS)
def test_a_script_that_goes_on_defining(start_program: StartProgram, method: str) -> None:
    """Under spawn its workers run it again, as far as its guard."""
    head, tail = PROGRAM.format(method=method, typed=False).split("pool = ", 1)
    tail = textwrap.indent("pool = " + tail, "    ")
    outcome = start_program(f"{head}\nif __name__ == '__main__':\n{tail}").outcome()
    assert outcome.stderr == ""
    assert outcome.stdout == "done\n"


def test_a_worker_that_is_replaced_is_told_by_value(start_program: StartProgram) -> None:
    """One that was forked later would find the name, the first ones would not."""
    source = """
        import gopool, os
        with gopool.Pool(1, maxtasksperchild=1) as pool:
            first = pool.apply(os.getpid)
            def late(n):
                return n + 1
            assert [pool.apply(late, (n,)) for n in range(3)] == [1, 2, 3]
            assert pool.map(late, range(5), 1) == [1, 2, 3, 4, 5]
        print("done")
    """
    outcome = start_program(source).outcome()
    assert (outcome.stdout, outcome.stderr) == ("done\n", "")


def test_nothing_else_imports_cloudpickle(start_program: StartProgram) -> None:
    """Neither the program nor its workers, unless something is sent by value."""
    source = """
        import functools, gopool, sys
        from support import tasks

        class Thing:
            def method(self, n):
                return "cloudpickle" in sys.modules

        def loaded(_):
            return "cloudpickle" in sys.modules

        with gopool.Pool(2) as pool:
            for function in (loaded, functools.partial(loaded), Thing().method):
                assert not any(pool.map(function, [[1], {2: 3}, Thing()], 1))
            assert pool.map(tasks.square, range(3)) == [0, 1, 4]
            assert not loaded(0)
            assert pool.map(lambda n: loaded(n), range(3)) == [True] * 3
        print("done")
    """
    outcome = start_program(source).outcome()
    assert (outcome.stdout, outcome.stderr) == ("done\n", "")


def test_reducers_of_multiprocessing_are_asked_by_value_too(Pool: PoolClass) -> None:
    """What can be sent as an argument can be captured as well."""
    method = "abc".upper
    namespace = types.SimpleNamespace(x=1)
    with Pool(1) as pool:
        assert pool.apply(lambda: (method(), namespace.x)) == ("ABC", 1)
