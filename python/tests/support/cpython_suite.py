"""CPython's own tests of its pools, run by the tests that are installed with this Python.

As a program, in a process of its own, it runs those of one kind and writes what became of each:

    python cpython_suite.py <fork|forkserver|spawn|threads> <gopool|multiprocessing> <file>

Nothing is copied from CPython: its module `test._test_multiprocessing` makes the test cases, as it
does for `test.test_multiprocessing_fork` and its like. With gopool, `gopool.install` comes before.

Spawned children import this file as their main module, to find the test cases by name.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import inspect
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITE = "test._test_multiprocessing"
KINDS = ("fork", "forkserver", "spawn", "threads")

OF_EACH_TYPE = ("_TestPool", "_TestPoolWorkerErrors", "_TestPoolWorkerLifetime")
"""Made into one test case for each type that they allow: processes and threads."""

OF_PROCESSES = (
    "TestInitializers",
    "TestPoolNotLeakOnFailure",
    "TestStdinBadfiledescriptor",
    "MiscTestCase.test_large_pool",
)
"""Test cases that are there once; the last is one of 3.13, in a class of many other things."""

NOT_OF_POOLS = {
    "ProcessesMixin": "says what a type has",
    "ThreadsMixin": "says what a type has",
    "ManagerMixin": "the pool of a manager is the standard one",
    "TestSyncManagerTypes": "the pool of a manager is the standard one",
}
"""Classes that mention a pool and are not run."""

TIME_LIMIT = 100.0


@dataclass(frozen=True)
class Fate:
    """What became of a test: "passed", "skipped" or "failed", and the reason."""

    outcome: str
    reason: str = ""


def is_installed() -> bool:
    """Tell whether this Python has its own tests; distributions often leave them out."""
    try:
        return importlib.util.find_spec(SUITE) is not None
    except ImportError:
        return False


class Run:
    """The tests of one kind with one implementation, in a process group of their own.

    What they write goes to the directory.
    """

    def __init__(
        self, kind: str, implementation: str, directory: Path, program: str = __file__
    ) -> None:
        self._report = directory / "report.json"
        self._log = directory / "log.txt"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, program, kind, implementation, str(self._report)],
                cwd=directory,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def fates(self) -> dict[str, Fate]:
        """Wait for the end and return what became of each test, by its name."""
        try:
            status = self._process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            status = None
        self.stop()
        if status != 0:
            problem = f"status {status}" if status else f"no end in {TIME_LIMIT} s"
            raise AssertionError(f"{problem}:\n{self._log.read_text()}")
        report = json.loads(self._report.read_text())
        return {name: Fate(*fate) for name, fate in report.items()}

    def stop(self) -> None:
        """Leave nothing behind, however it went."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def run_all(
    kinds: Iterable[str],
    implementations: Iterable[str],
    make_directory: Callable[[str], Path],
    program: str = __file__,
) -> dict[tuple[str, str], dict[str, Fate]]:
    """Return what became of each test, by kind and implementation.

    All are run side by side: they sleep most of the time.
    """
    with contextlib.ExitStack() as stack:
        runs = {}
        for key in itertools.product(kinds, implementations):
            run = runs[key] = Run(*key, make_directory("-".join(key)), program)
            stack.callback(run.stop)
        return {key: run.fates() for key, run in runs.items()}


def classes_of_pools() -> set[str]:
    """Return the classes of CPython's module that name a pool, or a function that does."""
    suite = importlib.import_module(SUITE)
    tree = ast.parse(inspect.getsource(suite))
    names = {"Pool", "ThreadPool"}
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _mentions(node, names):
            names.add(node.name)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _mentions(node, names):
            found.add(node.name)
    return found


def _mentions(node: ast.AST, names: set[str]) -> bool:
    words = re.findall(r"\w+", ast.unparse(node))  # with what is in strings: they are programs
    return not names.isdisjoint(words)


class _Result(unittest.TextTestResult):
    """Writes down what became of each test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fates: dict[str, tuple[str, str]] = {}

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.fates.setdefault(_name(test), ("passed", ""))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.fates[_name(test)] = ("skipped", reason)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.fates[_name(test)] = ("failed", self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.fates[_name(test)] = ("failed", self.errors[-1][1])


def _name(test: Any) -> str:
    return str(test.id()).removeprefix("__main__.")


def _make_cases(kind: str) -> None:
    """Have CPython make its test cases, in this module, where children look for them."""
    suite = importlib.import_module(SUITE)
    if kind == "threads":
        # How long test_terminate has a thread sleep, which nothing can end. It is 1 from 3.12 on;
        # before, the test takes five minutes where a thread gets to its task in time.
        suite.support.LONG_TIMEOUT = 1.0
    method = "fork" if kind == "threads" else kind
    # A dictionary of its own: it brings a hundred other classes.
    cases: dict[str, Any] = {"__name__": "__main__"}
    suite.install_tests_in_module_dict(cases, method)
    if kind == "threads":
        names = [f"WithThreads{name[1:]}" for name in OF_EACH_TYPE]
    else:
        names = [f"WithProcesses{name[1:]}" for name in OF_EACH_TYPE] + list(OF_PROCESSES)
    for listed in names:
        name, _, only = listed.partition(".")
        case = cases.get(name)
        if case is None or (only and not hasattr(case, only)):
            continue  # not in this version, or not for this type
        globals()[name] = case
        loader = unittest.TestLoader()
        _tests.addTests([case(only)] if only else loader.loadTestsFromTestCase(case))
    for name in "setUpModule", "tearDownModule":
        globals()[name] = cases[name]


_tests = unittest.TestSuite()


def _install_in_programs(assert_python_ok: Callable[..., Any]) -> Callable[..., Any]:
    """Have the programs that tests start by themselves install gopool, too."""

    def run(*arguments: str, **environment: str) -> Any:
        if arguments[0] == "-c":
            arguments = ("-c", f"import gopool; gopool.install()\n{arguments[1]}", *arguments[2:])
        else:
            arguments = ("-m", "gopool", "run", *arguments)
        return assert_python_ok(*arguments, **environment)

    return run


def _install() -> None:
    import multiprocessing.pool

    import gopool

    gopool.install()
    script_helper: Any = importlib.import_module("test.support.script_helper")
    script_helper.assert_python_ok = _install_in_programs(script_helper.assert_python_ok)
    for name in ("Pool", "ThreadPool"):
        assert getattr(multiprocessing.pool, name) is getattr(gopool, name)


def main(kind: str, implementation: str, report: str) -> None:
    """Run the tests of one kind and write the report."""
    if implementation == "gopool":
        _install()
    _make_cases(kind)
    run(_tests, report)


def run(tests: unittest.TestSuite, report: str) -> None:
    """Run tests and write the report."""
    runner = unittest.TextTestRunner(resultclass=_Result, verbosity=2)
    result = runner.run(tests)
    assert isinstance(result, _Result)
    Path(report).write_text(json.dumps(result.fates))


if __name__ == "__main__":
    main(*sys.argv[1:])
elif __name__ == "__mp_main__":
    _make_cases(sys.argv[1])
