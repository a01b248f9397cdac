"""Functions that the tests run in workers."""

from __future__ import annotations

import functools
import gc
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from .latches import Gate, Ledger, Mailbox

T = TypeVar("T")


def identity(value: T) -> T:
    return value


def square(number: int) -> int:
    return number * number


def add(left: int, right: int) -> int:
    return left + right


def add_two(number: int) -> int:
    return number + 2


def describe(*args: object, **kwargs: object) -> tuple[tuple[object, ...], dict[str, object]]:
    return args, kwargs


def pid(_: object = None) -> int:
    return os.getpid()


def number_and_pid(number: int) -> tuple[int, int]:
    return number, os.getpid()


def length(data: bytes) -> int:
    return len(data)


def zeros(size: int) -> bytes:
    return bytes(size)


def nothing(*_: object) -> None:
    return None


# What a worker knows about itself.


def process_name(_: object = None) -> str:
    return multiprocessing.current_process().name


def identity_of_process(_: object = None) -> tuple[int, ...]:
    identity: tuple[int, ...] = getattr(multiprocessing.current_process(), "_identity")  # noqa: B009
    return identity


def is_daemon(_: object = None) -> bool:
    return multiprocessing.current_process().daemon


def start_a_process(_: object = None) -> None:
    multiprocessing.Process(target=nothing).start()


def recorded_parent(_: object = None) -> int | None:
    parent = multiprocessing.parent_process()
    return None if parent is None else parent.pid


def has_module(name: str) -> bool:
    return name in sys.modules


def signal_is_default(number: int) -> bool:
    return signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)


def caught_signals() -> list[int]:
    """Return the signals of programs that have a handler, whoever has installed it."""
    with open("/proc/self/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    caught = int(fields["SigCgt"], 16)
    return [number for number in range(1, 32) if caught >> (number - 1) & 1]


# Tasks that a signal may interrupt. All return whether all went well.


def read_a_byte(mailbox: Mailbox, fd: int) -> bool:
    mailbox.send(os.getpid())
    return len(os.read(fd, 1)) == 1


def select_a_byte(mailbox: Mailbox, fd: int) -> bool:
    mailbox.send(os.getpid())
    select.select([fd], [], [])
    return True


def sleep_a_second(mailbox: Mailbox, _: int) -> bool:
    start = time.monotonic()
    mailbox.send(os.getpid())
    time.sleep(1)
    return time.monotonic() - start >= 1


def wait_long(mailbox: Mailbox, _: int) -> bool:
    start = time.monotonic()
    mailbox.send(os.getpid())
    threading.Event().wait(1)
    return time.monotonic() - start >= 1


# Tasks that a test holds and lets go.


def arrive(mailbox: Mailbox, gate: Gate, value: T) -> T:
    """Tell the test the worker's pid, then wait until it opens the gate."""
    mailbox.send(os.getpid())
    gate.wait()
    return value


def arrive_if_any(latches: tuple[Mailbox, Gate] | None, value: T) -> T:
    """Do as `arrive`, or return at once."""
    return value if latches is None else arrive(*latches, value)


def arrive_at(at: int, mailbox: Mailbox, gate: Gate, value: int) -> int:
    """Arrive and wait for one value; return the others at once."""
    return arrive(mailbox, gate, value) if value == at else value


def arrive_and_note(mailbox: Mailbox, gate: Gate, ledger: Ledger, entry: int) -> int:
    mailbox.send(os.getpid())
    gate.wait()
    ledger.write(entry)
    return entry


def note(ledger: Ledger, entry: int) -> int:
    ledger.write(entry)
    return entry


def note_and_fail_at(ledger: Ledger, bad: int, entry: int) -> int:
    ledger.write(entry)
    if entry == bad:
        raise ValueError(f"entry {entry}")
    return entry


def fail_or_arrive(mailbox: Mailbox, gate: Gate, entry: int) -> int:
    """Fail for entry 0; for every other, arrive and wait."""
    if entry == 0:
        raise ValueError("entry 0")
    return arrive(mailbox, gate, entry)


def sleep_for_minutes(mailbox: Mailbox, _: object = None) -> None:
    mailbox.send(os.getpid())
    time.sleep(600)


def sleep_again_and_again(mailbox: Mailbox, _: object = None) -> None:
    """Go on sleeping whatever signals come."""
    mailbox.send(os.getpid())
    while True:
        signal.pause()


def loop_in_c(mailbox: Mailbox, _: object = None) -> int:
    """Never come back to the interpreter: no signal handler and no other thread of it runs."""
    mailbox.send(os.getpid())
    return sum(range(10**13))


def collect_garbage() -> int:
    return gc.collect()


def seconds(value: T) -> T:
    """Take long enough for the caller to do something else meanwhile."""
    time.sleep(0.3)
    return value


def time_after(duration: float) -> float:
    """Return when it is over, by the clock that all processes share."""
    time.sleep(duration)
    return time.monotonic()


# Exceptions.


class TwoArguments(Exception):
    """An exception that keeps all its arguments."""


def fail(error: BaseException) -> NoReturn:
    raise error


def a_function_with_a_name_of_its_own(value: object) -> NoReturn:
    raise TwoArguments(value, "second")


def fail_at(bad: int, value: int) -> int:
    if value == bad:
        raise ValueError(f"value {value}")
    return value


def fail_with_a_cause(_: object = None) -> NoReturn:
    try:
        raise KeyError("inner")
    except KeyError as inner:
        raise ValueError("outer") from inner


# State of a worker.

_memory: list[object] = []


def remember(value: object) -> list[object]:
    """Append to a list that the worker keeps, and return that very list."""
    _memory.append(value)
    return _memory


def step(number: int, order: str = "", path: str = "") -> int:
    """Return the number at once, and do first what is ordered, seldom."""
    if order == "remember":
        _memory.append(number)
    elif order == "fail":
        raise ValueError(f"step {number}")
    elif order == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif order == "post":
        Mailbox(path).send(number)
    elif order == "wait":
        Gate(path).wait()
    return number


def append_and_count(items: list[object]) -> int:
    items.append(None)
    return len(items)


def are_the_same(first: object, second: object) -> bool:
    return first is second


class Counter:
    """A callable that changes when it is called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _: object = None) -> int:
        self.calls += 1
        return self.calls

    def method(self, _: object = None) -> int:
        self.calls += 1
        return self.calls


shared: tuple[Any, ...] = ()


def keep(*objects: Any) -> None:
    """Initializer: keep what came through ``initargs``."""
    global shared
    shared = objects


def kept(_: object = None) -> tuple[Any, ...]:
    return shared


def count_and_keep(counter: Any, *objects: Any) -> None:
    """Initializer: add one to a shared value."""
    with counter.get_lock():
        counter.value += 1
    keep(counter, *objects)


def are_kept_with(value: object) -> bool:
    """Tell whether the initializer kept a counter and this value."""
    return len(shared) == 2 and shared[1] == value


def add_to_shared_value(amount: int) -> None:
    value = shared[0]
    with value.get_lock():
        value.value += amount


def take_lock_and_put(entry: int) -> None:
    lock, queue = shared
    with lock:
        queue.put(entry)


def put_under_lock(lock: Any, queue: Any, entry: object) -> None:
    """Target of a process: do the same with what came as arguments."""
    with lock:
        queue.put(entry)


def wait_for_shared_event(_: object = None) -> bool:
    arrivals, event = shared
    arrivals.release()
    return bool(event.wait(60))


def call(function: Callable[[], T]) -> T:
    return function()


fail_at_three = functools.partial(fail_at, 3)
fail_at_300 = functools.partial(fail_at, 300)


def booby_trap(ledger: Ledger) -> None:
    """Initializer: whatever the worker calls in the extension is written down."""
    for name, module in list(sys.modules.items()):
        if name != "gopool._native" and not name.startswith("gopool._native."):
            continue
        for attribute, thing in list(vars(module).items()):
            if callable(thing) and not attribute.startswith("__"):
                setattr(module, attribute, functools.partial(_trap, ledger, f"{name}.{attribute}"))


def spring_the_trap() -> None:
    """Call some function of the extension."""
    module = sys.modules["gopool._native"]
    next(v for v in vars(module).values() if getattr(v, "func", None) is _trap)()


def _trap(ledger: Ledger, name: str, *_: object, **__: object) -> None:
    ledger.write(name)


def note_at_exit(ledger: Ledger) -> None:
    """Initializer: write an entry when the worker exits in the normal way."""
    from multiprocessing.util import Finalize

    Finalize(None, ledger.write, ("exit",), exitpriority=0)
