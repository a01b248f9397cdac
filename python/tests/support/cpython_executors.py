"""CPython's own tests of `ProcessPoolExecutor`, run by those that are installed with this Python.

As a program, in a process of its own, it runs those of one start method and writes what became
of each:

    python cpython_executors.py <fork|spawn> <gopool|concurrent.futures> <file>

Nothing is copied from CPython: its module `test.test_concurrent_futures`, a package from 3.12 on,
has the test cases. With gopool, `PoolExecutor` stands in the place of `ProcessPoolExecutor` before.
"""

from __future__ import annotations

import concurrent.futures
import gc
import importlib
import importlib.util
import pkgutil
import sys
import unittest
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from support import cpython_suite

SUITE = "test.test_concurrent_futures"
KINDS = ("fork", "spawn")


def is_installed() -> bool:
    """Tell whether this Python has its own tests; distributions often leave them out."""
    try:
        return importlib.util.find_spec(SUITE) is not None
    except ImportError:
        return False


def _modules() -> Iterator[ModuleType]:
    suite = importlib.import_module(SUITE)
    yield suite
    for module in pkgutil.iter_modules(getattr(suite, "__path__", ())):
        yield importlib.import_module(f"{SUITE}.{module.name}")


def _cases(kind: str) -> unittest.TestSuite:
    """Return all test cases that make their executors by this start method."""
    mixin = f"ProcessPool{kind.capitalize()}Mixin"
    workers = 2  # in place of 5: ours start all at once, which by spawn is most of what tests take
    loader = unittest.TestLoader()
    tests = unittest.TestSuite()
    for module in _modules():
        for case in vars(module).values():
            if (
                isinstance(case, type)
                and issubclass(case, unittest.TestCase)
                and case.__module__ == module.__name__
                and mixin in [base.__name__ for base in case.__mro__]
            ):
                case.worker_count = workers  # type: ignore[attr-defined]
                case.addClassCleanup(_end_executors)
                tests.addTests(loader.loadTestsFromTestCase(case))
    return tests


def _end_executors() -> None:
    """End ours that tests have left which failed: behind each module CPython's wait for that."""
    from gopool import PoolExecutor

    for thing in gc.get_objects():
        if isinstance(thing, PoolExecutor):
            thing.kill_workers()


def _install_in_programs(assert_python_ok: Callable[..., Any]) -> Callable[..., Any]:
    """Have the programs that tests start by themselves find our executor, too."""

    def run(option: str, program: str, **environment: str) -> Any:
        head = "import concurrent.futures, gopool\n"
        head += "concurrent.futures.PoolExecutor = gopool.PoolExecutor\n"
        return assert_python_ok(option, head + program, **environment)

    return run


def _install() -> None:
    import gopool

    concurrent.futures.ProcessPoolExecutor = gopool.PoolExecutor  # type: ignore[assignment,misc]
    script_helper: Any = importlib.import_module("test.support.script_helper")
    script_helper.assert_python_ok = _install_in_programs(script_helper.assert_python_ok)


def main(kind: str, implementation: str, report: str) -> None:
    """Run the tests of one start method and write the report."""
    if implementation == "gopool":
        _install()
    cpython_suite.run(_cases(kind), report)


if __name__ == "__main__":
    main(*sys.argv[1:])
