"""What goes wrong in Go functions, and what is ended while they run."""

from __future__ import annotations

import contextlib
import gc
import pickle
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from support.large import soon
from support.programs import Program

import gopool
from gopool import _core, _feed

pytestmark = [
    pytest.mark.faults,
    pytest.mark.gopool_only("multiprocessing runs no Go functions"),
]

StartProgram = Callable[..., Program]

#: Seconds: more than any call here takes that ends.
LONG = 60.0

#: Seconds: less than any call takes that waits.
SHORT = 0.05

#: Seconds: what calls have to return in at the end of a pool (gopool/runners.go).
GRACE = 0.2


@pytest.fixture
def pool() -> Iterator[gopool.GoPool]:
    with gopool.GoPool(2) as pool:
        yield pool
        # By now all gates are open. Who has not come back soon would be told of.
        abandoned = _core.native.bridge_Abandoned
        assert soon(lambda: abandoned(pool._supervisor.pool) <= 0), "all calls have returned"


@pytest.fixture
def gate(request: pytest.FixtureRequest, faults: ModuleType) -> Iterator[str]:
    """The name of a gate of the test's own, which is open in the end."""
    name: str = request.node.name
    yield name
    faults.OpenGate(name)


@contextlib.contextmanager
def no_call_is_left() -> Iterator[None]:
    """See that the end of a pool warns of no call, unless it took as long as they may take."""
    start = time.monotonic()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    assert not told or time.monotonic() - start >= GRACE


# Errors.


def test_the_chain_of_an_error(faults: ModuleType) -> None:
    """The names of the types that errors.Unwrap finds, from the outside in."""
    with pytest.raises(gopool.GoError, match="opening: open /nowhere: no such file") as info:
        faults.Open("/nowhere")
    assert info.value.names == ("*fmt.wrapError", "*fs.PathError", "syscall.Errno")
    again = pickle.loads(pickle.dumps(info.value))
    assert (str(again), again.names) == (str(info.value), info.value.names)


def test_joined_errors(faults: ModuleType) -> None:
    with pytest.raises(gopool.GoError, match="3 is refused\nfile does not exist") as info:
        faults.Join(3)
    assert info.value.names[:2] == ("*errors.joinError", "*faults.Refused")
    assert len(info.value.names) == 3


def test_errors_in_a_pool(pool: gopool.GoPool, faults: ModuleType) -> None:
    """The first in the order of the input is raised, once all have run; or each has its place."""
    with pytest.raises(gopool.GoError, match=r"^1 is refused$") as info:
        pool.map(faults.RefuseOdd, range(1000))
    assert info.value.names == ("*faults.Refused",)
    outcomes = pool.map(faults.RefuseOdd, range(1000), return_exceptions=True)
    assert outcomes[::2] == list(range(0, 1000, 2))
    assert [str(outcome) for outcome in outcomes[1::2]] == [
        f"{n} is refused" for n in range(1, 1000, 2)
    ]


def test_a_panic(faults: ModuleType) -> None:
    """It ends the call and nothing else, and says where it was."""
    with pytest.raises(gopool.GoPanicError, match=r"^on fire$") as info:
        faults.Panic("on fire")
    assert "faults.Panic" in info.value.stack
    assert "faults.Panic" in str(info.value.__cause__)
    assert not isinstance(info.value, gopool.GoError)
    again = pickle.loads(pickle.dumps(info.value))
    assert (str(again), again.stack) == (str(info.value), info.value.stack)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda faults: faults.OutOfRange(5), "index out of range"),
        (lambda faults: faults.PanicError("/nowhere"), "no such file"),
    ],
    ids=["runtime", "error"],
)
def test_panics_of_all_kinds(
    faults: ModuleType, call: Callable[[ModuleType], object], words: str
) -> None:
    with pytest.raises(gopool.GoPanicError, match=words):
        call(faults)


def test_panics_in_a_pool(pool: gopool.GoPool, faults: ModuleType) -> None:
    """The task alone fails; its goroutine goes on."""
    items = [(n, 500) for n in range(1000)]
    outcomes = pool.starmap(faults.PanicAt, items, return_exceptions=True)
    assert str(outcomes.pop(500)) == "at 500"
    assert outcomes == [n for n in range(1000) if n != 500]
    with pytest.raises(gopool.GoPanicError, match="at 3"):
        pool.apply(faults.PanicAt, (3, 3))


# Retries.


def test_errors_are_retried(pool: gopool.GoPool, faults: ModuleType) -> None:
    result = pool.apply(
        faults.FailFirst, ("errors", 2), retries=5, retry_on=gopool.GoError, backoff=0
    )
    assert result == 3


def test_panics_are_retried_and_other_failures_are_not(
    pool: gopool.GoPool, faults: ModuleType
) -> None:
    options: Any = {"retries": 5, "retry_on": gopool.GoPanicError, "backoff": 0}
    assert pool.apply(faults.PanicFirst, ("panics", 2), **options) == 3
    with pytest.raises(gopool.GoError):
        pool.apply(faults.FailFirst, ("not retried", 1), **options)
    assert faults.Ticks("not retried") == 1


def test_retries_end(pool: gopool.GoPool, faults: ModuleType) -> None:
    with pytest.raises(gopool.GoError, match="3 is refused"):
        pool.starmap(faults.FailFirst, [("ends", 100)], retries=2, retry_on=Exception, backoff=0)
    assert faults.Ticks("ends") == 3


# Limits and cancelling. A call whose context is cancelled and one that has none end alike.


@pytest.mark.parametrize("name", ["Linger", "Stay", "StayDeaf"])
def test_a_limit(pool: gopool.GoPool, faults: ModuleType, gate: str, name: str) -> None:
    """The task fails at once, whatever the function does then, and others run in its place."""
    with pytest.raises(gopool.TaskTimeoutError, match=f"{name} .task 0. ran longer than") as info:
        pool.apply(getattr(faults, name), (gate,), timeout=SHORT)
    assert (info.value.function, info.value.seconds) == (name, SHORT)
    assert pool.map(faults.RefuseOdd, range(0, 100, 2)) == list(range(0, 100, 2))
    faults.OpenGate(gate)


def test_a_limit_cancels_the_context(faults: ModuleType, gate: str) -> None:
    with gopool.GoPool(1, task_timeout=SHORT) as pool:
        with pytest.raises(gopool.TaskTimeoutError):
            pool.apply(faults.Linger, (gate,))
        assert soon(lambda: faults.Ticks(f"{gate} cancelled") == 1)
        pool.close()
        pool.join()  # without a warning: the call has returned


def test_a_limit_takes_one_task(pool: gopool.GoPool, faults: ModuleType, gate: str) -> None:
    """In the midst of a batch: all others of it run."""
    items = [(n, 50, gate) for n in range(100)]
    outcomes = pool.starmap(faults.LingerFor, items, timeout=0.5, return_exceptions=True)
    assert type(outcomes.pop(50)) is gopool.TaskTimeoutError
    assert outcomes == [n for n in range(100) if n != 50]


def test_cancelling_what_runs(pool: gopool.GoPool, faults: ModuleType, gate: str) -> None:
    result = pool.apply_async(faults.Linger, (gate,))
    faults.Await(gate, 1)
    assert result.cancel(running=True)
    with pytest.raises(gopool.CancelledError):
        result.get()
    assert soon(lambda: faults.Ticks(f"{gate} cancelled") == 1)
    pool.close()
    pool.join()


def test_cancelling_what_has_not_begun(faults: ModuleType, gate: str) -> None:
    with gopool.GoPool(1) as pool:
        first = pool.apply_async(faults.StayDeaf, (gate,))
        faults.Await(gate, 1)
        second = pool.map_async(faults.Tick, [gate] * 100)
        assert second.cancel()
        faults.OpenGate(gate)
        assert first.get() == gate
        pool.close()
        pool.join()
    assert faults.Ticks(gate) == 0


def test_a_lost_task_is_retried(pool: gopool.GoPool, faults: ModuleType, gate: str) -> None:
    """One that exceeded its limit is run again, if that is asked for."""
    options: Any = {"timeout": SHORT, "retries": 2, "retry_on": TimeoutError, "backoff": 0}
    with pytest.raises(gopool.TaskTimeoutError, match="in the last of 3 attempts"):
        pool.apply(faults.Linger, (gate,), **options)


# Endings.


def test_terminate_cancels_contexts(faults: ModuleType, gate: str) -> None:
    pool = gopool.GoPool(2)
    results = [pool.apply_async(faults.Linger, (gate,)) for _ in range(5)]
    faults.Await(gate, 2)
    with no_call_is_left():
        pool.terminate()
        pool.join()
    for result in results:
        with pytest.raises(gopool.PoolTerminatedError):
            result.get(LONG)
    assert soon(lambda: faults.Ticks(f"{gate} cancelled") == 2)


@pytest.mark.parametrize("name", ["Stay", "StayDeaf"])
def test_terminate_gives_up_what_does_not_end(faults: ModuleType, gate: str, name: str) -> None:
    """And says so, once. The call runs on, in vain."""
    pool = gopool.GoPool(2)
    result = pool.apply_async(getattr(faults, name), (gate,))
    faults.Await(gate, 1)
    with pytest.warns(RuntimeWarning, match=f"run on: 1 of {name}$") as told:
        pool.terminate()
    assert told[0].filename == __file__
    pool.join()
    with pytest.raises(gopool.PoolTerminatedError):
        result.get(LONG)


def can_grow(numbers: bytearray) -> bool:
    """Tell whether nobody has a view of the numbers: they can't be moved otherwise."""
    gc.collect()
    try:
        numbers.append(1)
    except BufferError:
        return False
    return True


def test_arrays_outlive_the_pool_while_they_are_read(faults: ModuleType, gate: str) -> None:
    """Their memory must not be used for something else as long as a goroutine may read it."""
    numbers = bytearray(np.ones(10_000).tobytes())
    pool = gopool.GoPool(1)
    pool.apply_async(faults.ReadAt, (memoryview(numbers).cast("d"), gate))
    faults.Await(gate, 1)
    with pytest.warns(RuntimeWarning):
        pool.terminate()
    del pool
    assert not can_grow(numbers)


def test_arrays_outlive_a_broken_pool_while_they_are_read(
    faults: ModuleType, gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in which no goroutine could take the place of the one that was given up."""
    numbers = bytearray(np.ones(10_000).tobytes())
    pool = gopool.GoPool(1)
    pool.apply_async(faults.ReadAt, (memoryview(numbers).cast("d"), gate))
    faults.Await(gate, 1)
    monkeypatch.setattr(pool._supervisor, "_read_cause", lambda: "there is no memory")
    with pytest.warns(RuntimeWarning):
        pool.terminate()
    del pool
    assert not can_grow(numbers)


def test_arrays_that_a_cancelled_job_does_not_take_are_let_go(
    faults: ModuleType, kinds: ModuleType, gate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no room for the one behind the item that can't be packed."""
    monkeypatch.setattr(_feed, "BUFFER_BYTES", 1)
    numbers = bytearray(np.ones(10_000).tobytes())
    array = memoryview(numbers).cast("d")
    with gopool.GoPool(1) as pool:
        pool.apply_async(faults.StayDeaf, (gate,))
        faults.Await(gate, 1)
        items: list[Any] = [array, object(), array]
        results = pool.imap_unordered(kinds.Sum, iter(items), chunksize=3)
        with pytest.raises(TypeError):
            next(results)
        assert results.cancel()
        faults.OpenGate(gate)
        pool.close()
        pool.join()
    del array, items, results
    assert soon(lambda: can_grow(numbers)), "nobody has a view of it"


def test_arrays_are_kept_while_a_call_that_was_given_up_reads_them(
    pool: gopool.GoPool, faults: ModuleType, gate: str
) -> None:
    numbers = bytearray(np.ones(10_000).tobytes())
    with pytest.raises(gopool.TaskTimeoutError):
        pool.apply(faults.ReadAt, (memoryview(numbers).cast("d"), gate), timeout=SHORT)
    assert not can_grow(numbers)
    faults.OpenGate(gate)
    pool.close()
    pool.join()
    assert soon(lambda: can_grow(numbers)), "nobody reads it any more"


def test_a_pool_that_is_dropped(faults: ModuleType, gate: str) -> None:
    """It is terminated, and nobody waits."""

    def drop() -> None:
        pool = gopool.GoPool(1)
        pool.apply_async(faults.Linger, (gate,))
        faults.Await(gate, 1)
        del pool
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):
        drop()


def test_the_goroutines_of_other_pools_end_with_them(faults: ModuleType, gate: str) -> None:
    with gopool.ThreadPool(1) as pool:
        result = pool.apply_async(faults.Linger, (gate,))
        faults.Await(gate, 1)
        with no_call_is_left():
            pool.terminate()
    with pytest.raises(gopool.PoolTerminatedError):
        result.get(LONG)


def test_threads_start_the_goroutines_of_a_pool_once(kinds: ModuleType) -> None:
    with gopool.ThreadPool(2) as pool:
        found: list[list[int]] = []
        threads = [
            threading.Thread(target=lambda: found.append(pool.map(kinds.Int, range(10))))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [list(range(10))] * 8


# Programs.


def run(start_program: StartProgram, module: ModuleType, source: str) -> str:
    """Run a program that must succeed, and return what it wrote to standard error."""
    directory = str(module.__path__[0]).rpartition("/")[0]
    prologue = f"""
import os, sys, warnings
sys.path.append({directory!r})
import gopool, {module.__name__}

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

def in_child(call):
    child = os.fork()
    if not child:
        try:
            call()
        except RuntimeError as error:
            os._exit(0 if "fork" in str(error) else 4)
        os._exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
    outcome = start_program(prologue + source).outcome()
    assert outcome.status == 0, outcome.stderr
    return outcome.stderr


def test_an_interpreter_ends_with_goroutines_in_calls(
    start_program: StartProgram, faults: ModuleType
) -> None:
    """Those that do not end are given up, and said to be."""
    errors = run(
        start_program,
        faults,
        """
pool = gopool.GoPool(2)
result = pool.apply_async(faults.StayDeaf, ("exit",))
faults.Await("exit", 1)
""",
    )
    assert "RuntimeWarning" in errors
    assert "Traceback" not in errors


def test_an_interpreter_ends_with_a_direct_call_in_a_thread(
    start_program: StartProgram, faults: ModuleType
) -> None:
    errors = run(
        start_program,
        faults,
        """
import threading
threading.Thread(target=faults.StayDeaf, args=("exit",), daemon=True).start()
faults.Await("exit", 1)
""",
    )
    assert errors == ""


def test_forked_children_are_told(start_program: StartProgram, faults: ModuleType) -> None:
    """Whether they call the function, or give it to a pool: the parent's, or one of their own."""
    errors = run(
        start_program,
        faults,
        """
assert faults.Tick("a") == 1
assert in_child(lambda: faults.Tick("a")) == 0
assert in_child(lambda: gopool.GoPool(1).apply(faults.Tick, ("a",))) == 0
with gopool.GoPool(1) as pool:
    assert pool.apply(faults.Tick, ("a",)) == 2
    assert in_child(lambda: pool.apply(faults.Tick, ("a",))) == 0
    assert in_child(lambda: gopool.GoPool(1)) == 0
    assert pool.apply(faults.Tick, ("a",)) == 3
""",
    )
    assert errors == ""


def test_a_forked_child_has_results_of_its_parent(
    start_program: StartProgram, kinds: ModuleType
) -> None:
    """It reads their memory, and when they are gone there, it does not call Go."""
    errors = run(
        start_program,
        kinds,
        """
release, callers = kinds._package.native.binding_Release, []

def noted(*arguments):
    callers.append(os.getpid())
    return release(*arguments)

vars(kinds._package.native)["binding_Release"] = noted
numbers = kinds.Range(100_000)
child = os.fork()
if not child:
    assert numbers[-1] == 99_999
    del numbers
    assert not callers
    sys.exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert numbers[-1] == 99_999
assert kinds._package.native.binding_Handles() == 1
del numbers
assert callers == [os.getpid()]
""",
    )
    assert errors == ""


def test_a_program_may_fork_before_it_calls(
    start_program: StartProgram, faults: ModuleType
) -> None:
    errors = run(
        start_program,
        faults,
        """
child = os.fork()
assert faults.Tick("a") == 1
if not child:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""",
    )
    assert errors == ""


def test_ctrl_c_leaves_nothing_behind(pool: gopool.GoPool, faults: ModuleType, gate: str) -> None:
    """A signal in the midst of a wait ends that, and the pool goes on."""
    import signal

    def interrupt() -> None:
        faults.Await(gate, 1)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        pool.apply(faults.Linger, (gate,))
    thread.join()
    faults.OpenGate(gate)
    assert pool.map(faults.RefuseOdd, [2, 4]) == [2, 4]


def test_nothing_warns_where_all_has_ended(faults: ModuleType) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with gopool.GoPool(2) as pool:
            pool.map(faults.Tick, ["quiet"] * 100)


MANY_RUNTIMES = """
import faulthandler, importlib, multiprocessing, os, signal, sys

faulthandler.enable()

import gopool

def die_by(number):
    os.kill(os.getpid(), number)
    signal.pause()

if __name__ == "__main__":
    sys.path.append({directory!r})
    for n in range(8):
        importlib.import_module(f"runtime{{n}}").Int(1)
    with gopool.Pool(1, context=multiprocessing.get_context("fork")) as pool:
        for number in (signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV):
            try:
                pool.apply(die_by, (number,))
            except gopool.WorkerLostError as error:
                print(error.exitcode + number, "in die_by" in str(error.stack))
"""


def test_a_crash_of_a_worker_where_many_packages_are_loaded(
    kinds: ModuleType, start_program: StartProgram, tmp_path: Path
) -> None:
    """Each has handlers above those of the one before, and faulthandler's are below all."""
    for n in range(8):
        shutil.copytree(kinds.__path__[0], tmp_path / "packages" / f"runtime{n}")
    source = MANY_RUNTIMES.format(directory=str(tmp_path / "packages"))
    outcome = start_program(source).outcome()
    assert outcome.stdout == "0 True\n" * 3, outcome.stderr
