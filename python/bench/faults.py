"""Try what pools do when something goes wrong, and write it into docs/reliability.md.

Each trial, of one fault with one library, has a session of its own and a time limit: what does not
end by itself hangs. ``python python/bench/faults.py``
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.metadata
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

LIBRARIES = {
    "multiprocessing.Pool": "",
    "ProcessPoolExecutor": "",
    "loky": "loky",
    "mpire": "mpire",
    "pebble": "pebble",
    "gopool": "gopool",
}
#: Seconds after which what has not happened is taken for what never will.
LIMIT = 3
#: Seconds for all of one trial.
LIMIT_OF_TRIAL = 15
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"


class Pool:
    """A pool of two workers of any of the libraries."""

    def __init__(self, library: str, initializer: Callable[[], None] | None = None) -> None:
        self._library = library
        if library == "multiprocessing.Pool":
            self._pool: Any = multiprocessing.get_context("fork").Pool(2, initializer)
        elif library == "ProcessPoolExecutor":
            from concurrent.futures import ProcessPoolExecutor

            context = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(2, mp_context=context, initializer=initializer)
        elif library == "loky":
            from loky import ProcessPoolExecutor as Executor

            self._pool = Executor(2, initializer=initializer)
        elif library == "mpire":
            from mpire import WorkerPool

            self._pool = WorkerPool(2, start_method="fork", keep_alive=True)
            self._init = {} if initializer is None else {"worker_init": initializer}
        elif library == "pebble":
            from pebble import ProcessPool

            context = multiprocessing.get_context("fork")
            self._pool = ProcessPool(2, context=context, initializer=initializer)
        else:
            import gopool

            self._pool = gopool.Pool(2, initializer, context=multiprocessing.get_context("fork"))

    def call(self, function: Callable[..., Any], *args: Any) -> Callable[[], Any]:
        """Have a worker call the function; return what waits for the result, `LIMIT` at most."""
        try:
            return self._submit(function, args)
        except Exception as error:
            refusal = error

        def refuse() -> None:
            raise refusal

        return refuse

    def _submit(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[], Any]:
        if self._library in ("multiprocessing.Pool", "gopool"):
            result = self._pool.apply_async(function, args)
            return lambda: result.get(LIMIT)
        if self._library == "mpire":
            result = self._pool.apply_async(function, args, **self._init)
            return lambda: result.get(timeout=LIMIT)
        if self._library == "pebble":
            future = self._pool.schedule(function, args=args)
        else:
            future = self._pool.submit(function, *args)
        return lambda: future.result(LIMIT)

    def terminate(self) -> None:
        """End it at once, as far as the library can."""
        if self._library == "ProcessPoolExecutor":
            self._pool.shutdown(wait=True, cancel_futures=True)
        elif self._library == "loky":
            self._pool.shutdown(wait=True, kill_workers=True)
        elif self._library == "pebble":
            self._pool.stop()
            self._pool.join()
        else:
            self._pool.terminate()
            if self._library != "mpire":
                self._pool.join()


# What workers run.


def square(number: int) -> int:
    time.sleep(0.01)
    return number * number


def pid() -> int:
    time.sleep(0.01)
    return os.getpid()


def die(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(600)


def crash() -> bytes:
    return ctypes.string_at(0)


def leave(code: int) -> None:
    sys.exit(code)


def leave_at_once(code: int) -> None:
    os._exit(code)


def sleep() -> None:
    time.sleep(600)


def loop_in_c() -> int:
    return sum(range(10**13))


class NeedsTwo(Exception):
    """Can be pickled, and not unpickled."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__()


def raise_what_cannot_be_unpickled() -> None:
    raise NeedsTwo(1, 2)


def return_a_lock() -> Any:
    return threading.Lock()


def fail_to_initialize() -> None:
    raise LookupError("no such configuration")


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


# Faults. Each returns what came of it, in words.


def told(wait: Callable[[], Any]) -> str:
    """Wait for a result and say what the caller is told."""
    try:
        wait()
    except BaseException as error:
        name = type(error).__name__
        return "hangs" if name == "TimeoutError" else f"`{name}`"
    return "a result"


def aftermath(pool: Pool, victim: Callable[[], Any], others: list[Callable[[], Any]]) -> str:
    """Say what the caller of the faulty task is told, and what becomes of all others."""
    outcome = [told(victim)]
    answers = [told(other) for other in others[:1]]
    if answers == ["hangs"]:
        return ", ".join([*outcome, "all others hang"])
    answers += [told(other) for other in others[1:]]
    done = answers.count("a result")
    outcome.append("others done" if done == len(others) else f"{done} of {len(others)} others done")
    after = told(pool.call(square, 3))
    outcome.append("pool goes on" if after == "a result" else "pool is unusable")
    return ", ".join(outcome)


def faulty_task(function: Callable[..., Any], *args: Any) -> Callable[[str], str]:
    def trial(library: str) -> str:
        pool = Pool(library)
        pool.call(square, 1)()
        victim = pool.call(function, *args)
        others = [pool.call(square, n) for n in range(20)]
        return aftermath(pool, victim, others)

    return trial


def idle_workers_killed(library: str) -> str:
    pool = Pool(library)
    for victim in {wait() for wait in [pool.call(pid) for _ in range(20)]}:
        os.kill(victim, signal.SIGKILL)
    time.sleep(0.5)
    return aftermath(pool, pool.call(square, 1), [pool.call(square, n) for n in range(20)])


def unpicklable_argument(library: str) -> str:
    pool = Pool(library)
    pool.call(square, 1)()
    victim = pool.call(square, threading.Lock())
    return aftermath(pool, victim, [pool.call(square, n) for n in range(20)])


def initializer_fails(library: str) -> str:
    pool = Pool(library, fail_to_initialize)
    return told(pool.call(square, 1))


def terminated(function: Callable[[], Any], stop: bool = False) -> Callable[[str], str]:
    def trial(library: str) -> str:
        pool = Pool(library)
        pool.call(square, 1)()
        before = children()
        pool.call(function)
        time.sleep(0.5)
        if stop:
            for process in before:
                os.kill(process, signal.SIGSTOP)
        begin = time.monotonic()
        thread = threading.Thread(target=pool.terminate, daemon=True)
        thread.start()
        thread.join(LIMIT)
        return "hangs" if thread.is_alive() else f"ended after {time.monotonic() - begin:.1f} s"

    return trial


def interrupted(library: str) -> str:
    pool = Pool(library)
    pool.call(square, 1)()
    wait = pool.call(sleep)
    threading.Timer(0.5, os.killpg, (0, signal.SIGINT)).start()
    begin = time.monotonic()
    outcome = told(wait)
    elapsed = time.monotonic() - begin - 0.5
    thread = threading.Thread(target=pool.terminate, daemon=True)
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        return f"{outcome}, then the pool does not end"
    return f"{outcome} after {max(0, elapsed):.1f} s"


def parent_killed(library: str) -> str:
    pool = Pool(library)
    pool.call(square, 1)()
    pool.call(loop_in_c)
    pool.call(loop_in_c)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


FAULTS: dict[str, Callable[[str], str]] = {
    "A worker is killed in a task (SIGKILL)": faulty_task(die, signal.SIGKILL),
    "A task crashes (SIGSEGV)": faulty_task(crash),
    "A task calls `os._exit`": faulty_task(leave_at_once, 3),
    "A task calls `sys.exit`": faulty_task(leave, 3),
    "Idle workers are killed": idle_workers_killed,
    "An exception cannot be unpickled": faulty_task(raise_what_cannot_be_unpickled),
    "A result cannot be pickled": faulty_task(return_a_lock),
    "An argument cannot be pickled": unpicklable_argument,
    "The initializer raises": initializer_fails,
    "`terminate` while a worker is in C code": terminated(loop_in_c),
    "`terminate` while a task ignores SIGTERM": terminated(ignore_sigterm),
    "`terminate` while workers are stopped (SIGSTOP)": terminated(sleep, stop=True),
    "Ctrl-C while a result is waited for": interrupted,
    "The parent is killed (SIGKILL) while workers are in C code": parent_killed,
}


def children() -> list[int]:
    found = []
    for thread in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{thread}/children") as file:
            found += [int(number) for number in file.read().split()]
    return found


# The trials.


def members(session: int) -> Iterator[int]:
    """Yield the processes of a session that still run."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] not in "ZX":
                yield int(name)


def attempt(library: str, fault: str) -> str:
    """Try a fault in a session of its own and return what came of it."""
    command = [sys.executable, __file__, "--one", library, fault]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            process.wait(LIMIT_OF_TRIAL)
            if FAULTS[fault] is parent_killed:
                time.sleep(1)
                left = len(list(members(process.pid)))
                return f"{left} workers go on" if left else "no process is left"
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            for pid in members(process.pid):
                os.kill(pid, signal.SIGKILL)
        return process.stdout.readline().strip() or "the program ends"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("LIBRARY", "FAULT"), help="in this process")
    arguments = parser.parse_args()
    if arguments.one:
        library, fault = arguments.one
        print(FAULTS[fault](library), flush=True)
        os._exit(0)  # what the library would do at exit is another question
    lines = ["| | " + " | ".join(LIBRARIES) + " |", "| --- |" + " --- |" * len(LIBRARIES)]
    for fault in FAULTS:
        with ThreadPoolExecutor(len(LIBRARIES)) as executor:
            outcomes = list(executor.map(partial(attempt, fault=fault), LIBRARIES))
        lines.append(f"| {fault} | " + " | ".join(outcomes) + " |")
        print(lines[-1], flush=True)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES.values() if name]
    head = f"On Python {platform.python_version()}, with {', '.join(versions)}:\n\n"
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(before + BEGIN + head + "\n".join(lines) + "\n" + END + after)


if __name__ == "__main__":
    main()
